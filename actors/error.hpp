#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/error.hpp>
#include <caf/make_message.hpp>

#include "storage/ulid.hpp"

namespace souk::actors {

/// Why the shop says no. The names are the stable codes that clients see.
enum class errc : std::uint8_t {
  not_found = 1,
  forbidden = 2,
  invalid = 3, ///< `field` names what is wrong
  out_of_stock = 4,
  below_reserved = 5, ///< stock cannot be set below what is reserved
  sku_taken = 6,
  handle_taken = 7,
  slug_taken = 8,
  email_taken = 9,
  already_reviewed = 10,
  already_voted = 11,
  illegal_transition = 12, ///< the order's state does not allow it
  payment_declined = 13,
  idempotency_key_reused = 14, ///< same key, another body
  idempotency_in_flight = 15,  ///< the first request with this key is still being worked on
  product_unavailable = 16,    ///< draft, archived or removed
  no_shipping = 17,            ///< no shipping zone of the store covers the country
  store_closed = 18,
  limit_exceeded = 19, ///< too many lines, variants, open reservations, …
  bad_credentials = 20,
  cart_empty = 21,
  version_conflict = 22,
  amount_changed = 23, ///< the total is not what the client expected: prices changed
  discount_not_applicable = 24, ///< a code that is unknown, not valid now, used up, or gives nothing for these goods
  gift_card_not_applicable = 25 ///< unknown, inactive, over, or nothing is left on it
};

/// The stable code: "out_of_stock".
std::string to_string(errc code);

/// A line of a cart or an order for which there is not enough.
struct shortage {
  storage::ulid variant_id;
  std::int64_t requested = 0;
  std::int64_t available = 0;
};

/// What travels with an error: text for people, the field it is about, the lines that fall short.
struct problem {
  std::string message;
  std::string field;
  std::vector<shortage> lines;
};

template <class I>
typename I::result_type inspect(I& f, shortage& x) {
  return f(x.variant_id, x.requested, x.available);
}
template <class I>
typename I::result_type inspect(I& f, problem& x) {
  return f(x.message, x.field, x.lines);
}

} // namespace souk::actors

CAF_ERROR_CODE_ENUM(souk::actors::errc, "soukshop")

namespace souk::actors {

/// An error with its problem: `return refuse(errc::invalid, "quantity must be at least 1", "quantity");`
caf::error refuse(errc code, std::string message, std::string field = {}, std::vector<shortage> lines = {});
/// What came with an error of this category; empty when nothing did.
problem problem_of(const caf::error& why);

} // namespace souk::actors
