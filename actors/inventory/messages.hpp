#pragma once

#include "actors/caller.hpp"
#include "storage/rows/catalog.hpp"
#include "storage/rows/inventory.hpp"

#include <optional>
#include <string>

namespace souk::actors {

/// Holds goods for an order, in memory at once; the order's write set makes it durable. → reserved, or errc::out_of_stock
struct reserve_stock {
  storage::ulid store_id;
  storage::ulid product_id;
  storage::ulid order_id;
  std::int64_t quantity = 0;
};

/// What an order line is made of: the variant as it is sold at this moment.
struct reserved {
  storage::variant_row variant;
  std::string product_title;
  std::uint64_t activation = 0; ///< the life in which the goods are held: named by the order's write set
};

/// The order was not written: its hold, which lived in memory only, is given back. Nothing is answered.
struct unreserve {
  storage::ulid order_id;
};

/// After the commit: the order's goods were sold (claimed) or are free again (released). Told again it changes nothing, since a
/// hold is known by its order. Nothing is answered.
struct settle_hold {
  storage::ulid order_id;
  storage::reservation_state to = storage::reservation_state::released;
};

/// Goods of an order are about to come back on the shelf: the order's write set names the life that answers. → its activation,
/// a std::uint64_t
struct expect_return {
  storage::ulid store_id;
};
/// After that commit. Counted by the life that was named only: a later one has read it in its rows. Nothing is answered.
struct goods_returned {
  std::int64_t quantity = 0;
  std::uint64_t activation = 0;
};

/// Whether the variant can be sold and for how much, for carts. → stock_view
struct get_stock {
  storage::ulid store_id;
};
struct stock_view {
  storage::variant_row variant;
  std::string product_title;
  bool sellable = false; ///< the product is active and the variant not removed
  std::int64_t on_hand = 0;
  std::int64_t reserved = 0;
  std::int64_t available = 0; ///< on_hand - reserved
  bool backorder = false;
  std::int64_t low_stock_threshold = -1;
};

/// Adds to or takes from on_hand; taking what is reserved is errc::below_reserved. → stock_view, after the commit
struct adjust_stock {
  caller by;
  storage::ulid store_id;
  std::int64_t delta = 0;
  std::string reason; ///< "adjusted", "restocked", "returned", …
  std::string note;
};
/// Sets on_hand. → stock_view, after the commit
struct set_stock {
  caller by;
  storage::ulid store_id;
  std::int64_t on_hand = 0;
  std::string reason; ///< "set", "imported", …
  std::string note;
};
/// → stock_view, after the commit. Turning back-orders off while more is reserved than there is: errc::below_reserved.
struct set_stock_policy {
  caller by;
  storage::ulid store_id;
  std::optional<bool> backorder;
  std::optional<std::int64_t> low_stock_threshold;
};

/// The catalog changed (after its commit). Nothing is answered. Sent with delivery::if_active: whoever loads later reads it.
struct publish_variant {
  storage::variant_row variant;
  std::string product_title;
  storage::product_status product = storage::product_status::draft;
  std::int64_t product_version = 0; ///< an older one than known is ignored
};

template <class I>
typename I::result_type inspect(I& f, reserve_stock& x) {
  return f(x.store_id, x.product_id, x.order_id, x.quantity);
}
template <class I>
typename I::result_type inspect(I& f, reserved& x) {
  return f(x.variant, x.product_title, x.activation);
}
template <class I>
typename I::result_type inspect(I& f, unreserve& x) {
  return f(x.order_id);
}
template <class I>
typename I::result_type inspect(I& f, settle_hold& x) {
  return f(x.order_id, x.to);
}
template <class I>
typename I::result_type inspect(I& f, expect_return& x) {
  return f(x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, goods_returned& x) {
  return f(x.quantity, x.activation);
}
template <class I>
typename I::result_type inspect(I& f, get_stock& x) {
  return f(x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, stock_view& x) {
  return f(x.variant, x.product_title, x.sellable, x.on_hand, x.reserved, x.available, x.backorder, x.low_stock_threshold);
}
template <class I>
typename I::result_type inspect(I& f, adjust_stock& x) {
  return f(x.by, x.store_id, x.delta, x.reason, x.note);
}
template <class I>
typename I::result_type inspect(I& f, set_stock& x) {
  return f(x.by, x.store_id, x.on_hand, x.reason, x.note);
}
template <class I>
typename I::result_type inspect(I& f, set_stock_policy& x) {
  return f(x.by, x.store_id, x.backorder, x.low_stock_threshold);
}
template <class I>
typename I::result_type inspect(I& f, publish_variant& x) {
  return f(x.variant, x.product_title, x.product, x.product_version);
}

} // namespace souk::actors
