#pragma once

#include "storage/ulid.hpp"

#include <string>

namespace souk::storage {

struct review_row {
  ulid id;
  ulid product_id;
  ulid store_id;
  ulid user_id; ///< one review per user and product
  std::string author;
  std::int32_t rating = 5; ///< 1 to 5
  std::string comment;     ///< plain text
  bool verified = false;   ///< the author bought the product here
  std::int64_t helpful = 0;
  timestamp created_at{};
  bool operator==(const review_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, review_row& x) {
  return f(x.id, x.product_id, x.store_id, x.user_id, x.author, x.rating, x.comment, x.verified, x.helpful, x.created_at);
}

} // namespace souk::storage
