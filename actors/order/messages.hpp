#pragma once

#include "actors/caller.hpp"
#include "actors/payment/gateway.hpp"
#include "storage/entity_reader.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::actors {

struct order_line_request {
  storage::ulid product_id;
  storage::ulid variant_id;
  std::int64_t quantity = 0;
};

/// "sandbox" with a token of its, or "manual" (bank transfer, cash: the goods are held until the merchant confirms or the
/// reservation's deadline).
struct payment_method {
  std::string type;
  std::string token;
};

/// The claim of an Idempotency-Key, written with the order.
struct key_claim {
  std::string key;
  std::array<std::uint8_t, 32> body_hash{};
};

/// Places the order that has this address (delivery::create, or activate when it is asked again). Placed twice it is done once:
/// the second time its view is answered. → order_view, or errc::{out_of_stock, product_unavailable, no_shipping, …}
struct place_order {
  caller by;
  storage::ulid store_id;
  std::vector<order_line_request> lines; ///< 1 to 100; lines of one variant are summed
  storage::postal_address address;
  std::string shipping_method; ///< a rate's name; empty = the zone's first
  payment_method payment;
  std::string email;
  std::optional<std::int64_t> expected_total; ///< minor units; else errc::amount_changed
  std::optional<key_claim> key;
  bool from_cart = false; ///< on success its lines leave the shopper's cart
};

/// What shopper and merchant see. `next_action_url`: where the shopper must go before it is paid.
struct order_view {
  storage::order_row order;
  std::vector<storage::order_item_row> items;
  std::string next_action_url;
  std::string payment_error; ///< "card_declined"
  storage::timestamp held_until{}; ///< epoch: nothing is held with a deadline
  bool replayed = false;     ///< the order had been placed before
};

/// Only its shopper and the store's merchant get it; to others it does not exist. → order_view
struct get_order {
  caller by;
};
/// Before shipment: releases the goods, cancels or refunds the payment. → order_view
struct cancel_order {
  caller by;
  std::string reason;
};
/// Asks the gateway how the payment stands (after the shopper acted), or, by the merchant of a manual one, that it arrived.
/// → order_view
struct confirm_payment {
  caller by;
};
/// By the merchant. → order_view
struct mark_shipped {
  caller by;
  std::string carrier;
  std::string tracking_number;
  std::string tracking_url;
};
/// By the merchant. → order_view
struct mark_delivered {
  caller by;
};

/// From the supervisor: the reservation's time is over. Nothing is answered.
struct reservation_expired {};
/// From the supervisor after a restart: an attempt was in flight, find out what became of it. Nothing is answered.
struct resume_payment {};
/// From a gateway worker. Nothing is answered.
struct payment_answered {
  storage::ulid attempt_id;
  gateway_answer answer;
};

template <class I>
typename I::result_type inspect(I& f, order_line_request& x) {
  return f(x.product_id, x.variant_id, x.quantity);
}
template <class I>
typename I::result_type inspect(I& f, payment_method& x) {
  return f(x.type, x.token);
}
template <class I>
typename I::result_type inspect(I& f, key_claim& x) {
  return f(x.key, x.body_hash);
}
template <class I>
typename I::result_type inspect(I& f, place_order& x) {
  return f(x.by, x.store_id, x.lines, x.address, x.shipping_method, x.payment, x.email, x.expected_total, x.key,
           x.from_cart);
}
template <class I>
typename I::result_type inspect(I& f, order_view& x) {
  return f(x.order, x.items, x.next_action_url, x.payment_error, x.held_until, x.replayed);
}
template <class I>
typename I::result_type inspect(I& f, get_order& x) {
  return f(x.by);
}
template <class I>
typename I::result_type inspect(I& f, cancel_order& x) {
  return f(x.by, x.reason);
}
template <class I>
typename I::result_type inspect(I& f, confirm_payment& x) {
  return f(x.by);
}
template <class I>
typename I::result_type inspect(I& f, mark_shipped& x) {
  return f(x.by, x.carrier, x.tracking_number, x.tracking_url);
}
template <class I>
typename I::result_type inspect(I& f, mark_delivered& x) {
  return f(x.by);
}
template <class I>
typename I::result_type inspect(I& f, reservation_expired&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, resume_payment&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, payment_answered& x) {
  return f(x.attempt_id, x.answer);
}

} // namespace souk::actors
