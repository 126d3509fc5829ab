#pragma once

#include "actors/caller.hpp"
#include "storage/rows/cart.hpp"

#include <string>
#include <vector>

namespace souk::actors {

/// A cart line as it stands now: price and availability are asked anew whenever the cart is read.
struct cart_view_line {
  storage::ulid product_id;
  storage::ulid variant_id;
  std::string title;
  std::string variant_title;
  std::string sku;
  std::int64_t quantity = 0;
  std::int64_t price = 0;     ///< of one, now; minor units
  bool price_changed = false; ///< since the shopper last saw it
  bool sellable = true;
  std::int64_t available = 0;
  bool backorder = false;
};
struct cart_view {
  storage::ulid cart_id; ///< nil: there is no cart yet
  storage::ulid store_id;
  storage::ulid user_id;
  std::string currency;
  std::vector<cart_view_line> lines;
  std::int64_t item_count = 0; ///< sum of quantities
  std::int64_t total = 0;      ///< of the sellable lines, without shipping and tax; minor units
  storage::timestamp expires_at{};
};

// All of these → cart_view, after the commit. A cart has at most 100 lines; a line at most 10,000 pieces.

struct get_cart {
  caller by;
};
/// Adds to a line or makes it; errc::out_of_stock when the cart would hold more than is available.
struct add_to_cart {
  caller by;
  storage::ulid product_id;
  storage::ulid variant_id; ///< nil: the product's only variant is not known here, errc::invalid
  std::int64_t quantity = 0;
};
/// Sets a line's quantity; 0 removes it.
struct set_cart_line {
  caller by;
  storage::ulid variant_id;
  std::int64_t quantity = 0;
};
struct clear_cart {
  caller by;
};
/// A guest signed in: the guest cart's lines come in (the larger quantity of a line wins). One write set of the target cart; the
/// guest's cart is deleted in the same one, since both live in the store's shard.
struct merge_cart {
  caller by;
  storage::ulid guest;
};
/// The order was placed: its lines leave the cart. Nothing is answered.
struct lines_ordered {
  storage::ulid order_id;
  std::vector<storage::cart_line> lines;
};
/// From whoever swept the shard: delete the cart if it has expired. Nothing is answered.
struct expire_cart {};
/// From the supervisor: have the shopper reminded of a cart that was left, once. Nothing is answered.
struct remind_cart {};
/// From the target of a merge: hand over your lines and stop changing until told how it ended. → cart_handover
struct surrender_cart {
  storage::ulid to;
};
struct cart_handover {
  storage::cart_row row;        ///< id nil: there is no cart
  std::uint64_t activation = 0; ///< the life that holds still: named by the merge's write set
};
/// The merge was committed (gone) or not (keep). Nothing is answered.
struct surrendered {
  bool gone = false;
};

template <class I>
typename I::result_type inspect(I& f, cart_view_line& x) {
  return f(x.product_id, x.variant_id, x.title, x.variant_title, x.sku, x.quantity, x.price, x.price_changed, x.sellable,
           x.available, x.backorder);
}
template <class I>
typename I::result_type inspect(I& f, cart_view& x) {
  return f(x.cart_id, x.store_id, x.user_id, x.currency, x.lines, x.item_count, x.total, x.expires_at);
}
template <class I>
typename I::result_type inspect(I& f, get_cart& x) {
  return f(x.by);
}
template <class I>
typename I::result_type inspect(I& f, add_to_cart& x) {
  return f(x.by, x.product_id, x.variant_id, x.quantity);
}
template <class I>
typename I::result_type inspect(I& f, set_cart_line& x) {
  return f(x.by, x.variant_id, x.quantity);
}
template <class I>
typename I::result_type inspect(I& f, clear_cart& x) {
  return f(x.by);
}
template <class I>
typename I::result_type inspect(I& f, merge_cart& x) {
  return f(x.by, x.guest);
}
template <class I>
typename I::result_type inspect(I& f, lines_ordered& x) {
  return f(x.order_id, x.lines);
}
template <class I>
typename I::result_type inspect(I& f, remind_cart&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, expire_cart&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, surrender_cart& x) {
  return f(x.to);
}
template <class I>
typename I::result_type inspect(I& f, cart_handover& x) {
  return f(x.row, x.activation);
}
template <class I>
typename I::result_type inspect(I& f, surrendered& x) {
  return f(x.gone);
}

} // namespace souk::actors
