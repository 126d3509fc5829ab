#include "http/routes/keyed_id.hpp"

#include "http/auth/token.hpp"
#include "http/service.hpp"

#include <algorithm>

namespace souk::http::routes {

storage::ulid id_beside_store(const exchange& x, std::string_view what) {
  const auto& store = x.id("store_id");
  if (!x.asked.has_idempotency_key)
    return x.shop.base.ids.fresh_beside(store);
  const auto& key = x.asked.idempotency_key;
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (key.empty() || key.size() > 255 || !printable)
    throw refusal{.why = actors::errc::invalid,
                  .message = "An Idempotency-Key is 1 to 255 printable characters.",
                  .field = "Idempotency-Key"};
  const auto hash = hash_of(store.str() + "/" + x.by.user.str() + "/" + std::string{what} + "/" + key);
  storage::ulid id;
  std::copy_n(hash.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[0] &= 0x7F; // within the range that a ULID's text can have
  id.bytes[6] = store.shard();
  return id;
}

} // namespace souk::http::routes
