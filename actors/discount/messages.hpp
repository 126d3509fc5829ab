#pragma once

#include "actors/caller.hpp"
#include "storage/rows/discount.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace souk::actors {

/// A discount's code as it is at rest and in its address: capitals, without spaces around it.
/// @returns empty for what can be no code: one is 1 to 40 of A-Z, 0-9, "-" and "_".
std::string discount_code_of(std::string_view typed);

/// Makes the discount that has this address (delivery::activate). Asked again with the same id it is done once.
/// → storage::discount_row, or errc::{invalid, forbidden}
struct create_discount {
  caller by;
  storage::discount_row draft; ///< id, store_id, code and the merchant's fields; the rest is filled in
};

/// By the merchant. → storage::discount_row
struct get_discount {
  caller by;
  storage::ulid store_id;
};

/// Changes what is set. A discount is never deleted, since orders name it: it is deactivated. → storage::discount_row
struct change_discount {
  caller by;
  storage::ulid store_id;
  std::optional<bool> active;
  std::optional<bool> once_per_customer;
  std::optional<std::int64_t> usage_limit; ///< -1 = none; may be less than what is used: then nobody else gets it
  std::optional<storage::discount_rule> rule;
  std::optional<std::int64_t> expected_version; ///< else errc::version_conflict
};

/// What a code would give now; holds nothing. Whether it is active, begun and not used up, the row says.
/// → discount_offer, or errc::discount_not_applicable: there is no such code
struct check_discount {
  storage::ulid store_id;
  std::string customer; ///< empty: not known yet, so "once per customer" is not asked
};
struct discount_offer {
  storage::discount_row row;     ///< `used` counts what open checkouts hold
  bool used_by_customer = false; ///< and may be used only once
};

/// Takes one use for an order, in memory at once, so that a limit holds whatever arrives at the same moment; the order's write
/// set (storage::put_discount_use) makes it durable and names the activation. Asked again by the same order it is the same use.
/// → discount_held, or errc::discount_not_applicable (inactive, not begun, over, used up, used by this customer)
struct hold_discount {
  storage::ulid store_id;
  storage::ulid order_id;
  std::string customer; ///< the user's id, or a guest's e-mail address
};
struct discount_held {
  storage::discount_row row; ///< `used` without what is held
  std::uint64_t activation = 0; ///< the life in which the use is held: named by the order's write set
};

/// The order was not written: its use, which lived in memory only, is given back. Nothing is answered.
struct release_discount {
  storage::ulid order_id;
};

/// An order is about to give its use back (it is cancelled before it is paid): its write set names the life that answers.
/// → its activation, a std::uint64_t
struct expect_discount_return {
  storage::ulid store_id;
};

enum class discount_end : std::uint8_t { used = 1, given_back = 2 };

/// After the commit of the order's rows. `used`: known by its order, told again it changes nothing. `given_back`: told once, and
/// counted by the life that was named only; a later one has read it in its rows. Nothing is answered.
struct settle_discount {
  storage::ulid order_id;
  discount_end how = discount_end::used;
  std::uint64_t activation = 0; ///< given_back: from expect_discount_return
};

template <class I>
typename I::result_type inspect(I& f, create_discount& x) {
  return f(x.by, x.draft);
}
template <class I>
typename I::result_type inspect(I& f, get_discount& x) {
  return f(x.by, x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, change_discount& x) {
  return f(x.by, x.store_id, x.active, x.once_per_customer, x.usage_limit, x.rule, x.expected_version);
}
template <class I>
typename I::result_type inspect(I& f, check_discount& x) {
  return f(x.store_id, x.customer);
}
template <class I>
typename I::result_type inspect(I& f, discount_offer& x) {
  return f(x.row, x.used_by_customer);
}
template <class I>
typename I::result_type inspect(I& f, hold_discount& x) {
  return f(x.store_id, x.order_id, x.customer);
}
template <class I>
typename I::result_type inspect(I& f, discount_held& x) {
  return f(x.row, x.activation);
}
template <class I>
typename I::result_type inspect(I& f, release_discount& x) {
  return f(x.order_id);
}
template <class I>
typename I::result_type inspect(I& f, expect_discount_return& x) {
  return f(x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, settle_discount& x) {
  return f(x.order_id, x.how, x.activation);
}

} // namespace souk::actors
