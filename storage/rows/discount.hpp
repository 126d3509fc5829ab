#pragma once

#include "storage/rows/store.hpp"

namespace souk::storage {

/// A discount that is given for a code. `used` counts the orders that have it and were not cancelled: never more than the limit.
struct discount_row {
  ulid id;
  ulid store_id;
  std::string code; ///< upper case; unique within the store
  bool active = true;
  bool once_per_customer = false;
  std::int64_t usage_limit = -1; ///< orders; -1 = no limit
  std::int64_t used = 0;
  discount_rule rule;
  std::int64_t version = 1;
  timestamp created_at{};
  timestamp updated_at{};
  bool operator==(const discount_row&) const = default;
};

/// An order that used a code. `customer` is the user's id, or the e-mail address of a guest.
struct discount_use_row {
  ulid store_id;
  std::string code;
  ulid order_id;
  std::string customer;
  bool given_back = false; ///< the order was cancelled before it was paid
  timestamp at{};
  bool operator==(const discount_use_row&) const = default;
};

/// Money paid in advance. The code itself is never at rest.
struct gift_card_row {
  ulid id;
  ulid store_id;
  std::string code_hash; ///< hex SHA-256 of the normalised code
  std::string last_characters; ///< four, for people
  std::string currency;
  std::int64_t initial = 0; ///< minor units
  std::int64_t balance = 0; ///< 0 to initial
  bool active = true;
  timestamp expires_at{}; ///< epoch: never
  std::string note;
  std::int64_t version = 1;
  timestamp created_at{};
  timestamp updated_at{};
  bool operator==(const gift_card_row&) const = default;
};

/// One line of a gift card's history; their sum is what is missing from `initial`.
struct gift_card_entry {
  ulid card_id;
  ulid store_id;
  ulid order_id;
  std::int64_t delta = 0; ///< minor units; negative: spent
  std::string reason;     ///< "spent", "given_back", "refunded"
  timestamp at{};
  bool operator==(const gift_card_entry&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, discount_row& x) {
  return f(x.id, x.store_id, x.code, x.active, x.once_per_customer, x.usage_limit, x.used, x.rule, x.version, x.created_at,
           x.updated_at);
}
template <class I>
typename I::result_type inspect(I& f, gift_card_row& x) {
  return f(x.id, x.store_id, x.code_hash, x.last_characters, x.currency, x.initial, x.balance, x.active, x.expires_at, x.note,
           x.version, x.created_at, x.updated_at);
}

} // namespace souk::storage
