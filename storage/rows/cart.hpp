#pragma once

#include "storage/ulid.hpp"

#include <string>
#include <vector>

namespace souk::storage {

struct cart_line {
  ulid product_id;
  ulid variant_id;
  std::int64_t quantity = 0;
  std::int64_t seen_price = 0; ///< minor units, as shown when the line was added or last read
  timestamp added_at{};
  bool operator==(const cart_line&) const = default;
};

struct cart_row {
  ulid id;
  ulid store_id;
  ulid user_id;
  std::vector<cart_line> lines;
  std::int64_t version = 1;
  timestamp updated_at{};
  timestamp expires_at{};
  timestamp reminded_at{}; ///< when its shopper was told that it was left; epoch: not since it last changed
  bool operator==(const cart_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, cart_line& x) {
  return f(x.product_id, x.variant_id, x.quantity, x.seen_price, x.added_at);
}
template <class I>
typename I::result_type inspect(I& f, cart_row& x) {
  return f(x.id, x.store_id, x.user_id, x.lines, x.version, x.updated_at, x.expires_at, x.reminded_at);
}

} // namespace souk::storage
