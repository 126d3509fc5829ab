#pragma once

#include "http/exchange.hpp"

#include <string_view>

namespace souk::http::routes {

/// The id of something new beside the store of the path: the same for the same Idempotency-Key of the same caller, a fresh one without a
/// key. Such an id says nothing of when it was drawn. @param what kind of thing, so that one key may serve for several
/// @throws refusal when the key is not 1 to 255 printable characters
storage::ulid id_beside_store(const exchange& x, std::string_view what);

} // namespace souk::http::routes
