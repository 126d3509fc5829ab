#pragma once

#include "actors/money/currency.hpp"
#include "http/json/fields.hpp"
#include "storage/rows/store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::http::routes {

/// A store as everybody may see it.
std::string store_json(const storage::store_row& store);

/// The shipping zones of a body. @throws refusal
std::optional<std::vector<storage::shipping_zone>> read_shipping_zones(const json::fields& body,
                                                                       const actors::currency& unit);

} // namespace souk::http::routes
