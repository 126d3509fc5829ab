#pragma once

#include "actors/caller.hpp"
#include "storage/rows/discount.hpp"

#include <optional>
#include <string>

namespace souk::actors {

/// Makes the gift card that has this address (delivery::activate): the edge has drawn its code and shows it once, here only its
/// hash arrives (see code.hpp). Asked again with the same id it is done once. → storage::gift_card_row, or errc::{invalid,
/// forbidden}
struct create_gift_card {
  caller by;
  storage::gift_card_row draft; ///< id, store_id, code_hash, last_characters, initial, expires_at, note; the rest is filled in
};

/// By the merchant. → storage::gift_card_row
struct get_gift_card {
  caller by;
  storage::ulid store_id;
};

/// Changes what is set; money moves by orders only. → storage::gift_card_row
struct change_gift_card {
  caller by;
  storage::ulid store_id;
  std::optional<bool> active;
  std::optional<storage::timestamp> expires_at; ///< epoch: never
  std::optional<std::string> note;
  std::optional<std::int64_t> expected_version; ///< else errc::version_conflict
};

/// What can be spent, for whoever knows the code. → gift_card_balance, or errc::gift_card_not_applicable, which does not tell an
/// unknown card from one that is switched off or over
struct get_gift_card_balance {
  storage::ulid store_id;
};
struct gift_card_balance {
  std::int64_t available = 0; ///< minor units; without what open orders hold
  std::string currency;
  storage::timestamp expires_at{}; ///< epoch: never
};

/// Takes up to `at_most` of what is left for an order, in memory at once; the order's write set (storage::move_gift_card) makes it
/// durable and names the activation. Asked again by the same order it is the same hold.
/// → gift_card_held, or errc::gift_card_not_applicable (unknown, inactive, over, nothing left)
struct hold_gift_card {
  storage::ulid store_id;
  storage::ulid order_id;
  std::int64_t at_most = 0; ///< minor units, 1 or more
};
struct gift_card_held {
  std::int64_t amount = 0; ///< minor units, 1 to at_most
  storage::gift_card_row row;
  std::uint64_t activation = 0; ///< the life in which the amount is held: named by the order's write set
};

/// The order was not written: what it held, which lived in memory only, is given back. Nothing is answered.
struct release_gift_card {
  storage::ulid order_id;
};

/// After the commit: the order has spent this much of what it held (the rest is free again). Known by its order: told again it
/// changes nothing. Nothing is answered.
struct settle_gift_card {
  storage::ulid order_id;
  std::int64_t spent = 0; ///< minor units, 0 to what was held
};

/// An order is about to give money back to the card: its write set names the life that answers. → its activation, a std::uint64_t
struct expect_gift_card_return {
  storage::ulid store_id;
};
/// After that commit. Counted by the life that was named only: a later one has read it in its rows. Nothing is answered.
struct gift_card_returned {
  std::int64_t amount = 0;
  std::uint64_t activation = 0;
};

template <class I>
typename I::result_type inspect(I& f, create_gift_card& x) {
  return f(x.by, x.draft);
}
template <class I>
typename I::result_type inspect(I& f, get_gift_card& x) {
  return f(x.by, x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, change_gift_card& x) {
  return f(x.by, x.store_id, x.active, x.expires_at, x.note, x.expected_version);
}
template <class I>
typename I::result_type inspect(I& f, get_gift_card_balance& x) {
  return f(x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, gift_card_balance& x) {
  return f(x.available, x.currency, x.expires_at);
}
template <class I>
typename I::result_type inspect(I& f, hold_gift_card& x) {
  return f(x.store_id, x.order_id, x.at_most);
}
template <class I>
typename I::result_type inspect(I& f, gift_card_held& x) {
  return f(x.amount, x.row, x.activation);
}
template <class I>
typename I::result_type inspect(I& f, release_gift_card& x) {
  return f(x.order_id);
}
template <class I>
typename I::result_type inspect(I& f, settle_gift_card& x) {
  return f(x.order_id, x.spent);
}
template <class I>
typename I::result_type inspect(I& f, expect_gift_card_return& x) {
  return f(x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, gift_card_returned& x) {
  return f(x.amount, x.activation);
}

} // namespace souk::actors
