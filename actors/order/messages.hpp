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

/// A gift card that the shopper pays with: what its code becomes (actors/gift_card/code.hpp).
struct gift_card_claim {
  std::string code_hash;
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
  std::vector<std::string> discount_codes; ///< at most 5; one that gives nothing refuses the order
  std::vector<gift_card_claim> gift_cards; ///< at most 5, spent in this order
  std::string language;                    ///< of its mails; empty = the store's
};

/// What shopper and merchant see. `next_action_url`: where the shopper must go before it is paid.
struct order_view {
  storage::order_row order;
  std::vector<storage::order_item_row> items;
  std::string next_action_url;
  std::string payment_error; ///< "card_declined"
  storage::timestamp held_until{}; ///< epoch: nothing is held with a deadline
  bool replayed = false;     ///< the order had been placed before
  std::vector<storage::payment_row> payments;
  std::vector<storage::refund_row> refunds;
  storage::order_life_row life;
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
/// By the merchant: a parcel has left. → order_view
struct mark_shipped {
  caller by;
  std::string carrier;
  std::string tracking_number;
  std::string tracking_url;
  std::vector<storage::parcel_line> lines{}; ///< empty: all that has not left yet
};
/// By the merchant. → order_view
struct mark_delivered {
  caller by;
  storage::ulid fulfilment_id{}; ///< nil: every parcel that is on its way
};
/// By the merchant, once: takes the money that was promised, or a part of it and lets the rest go. → order_view
struct capture_payment {
  caller by;
  std::optional<std::int64_t> amount; ///< minor units; all of it unless said
};
/// By the merchant. `lines` gives their price back, shipping excluded; `amount` any sum, or another one than the lines' price.
/// Never more than was taken and has not gone back. → order_view
struct refund_order {
  caller by;
  storage::ulid refund_id; ///< drawn by whoever asks: asked twice it is done once
  std::vector<storage::refund_line> lines; ///< their amounts are reckoned
  std::optional<std::int64_t> amount;
  bool shipping = false; ///< and what was paid for shipping
  std::string reason;
  std::string note;
};
/// By the shopper or for him by the merchant: pieces that have left shall come back. → order_view
struct request_return {
  caller by;
  storage::ulid return_id; ///< drawn by whoever asks
  std::vector<storage::return_line> lines;
  bool exchange = false;
  std::string note;
};
enum class return_step : std::uint8_t { approve = 1, decline = 2, cancel = 3, close = 4 };
/// Approve, decline and close: by the merchant; cancel: by the shopper too. → order_view
struct step_return {
  caller by;
  storage::ulid return_id;
  return_step step = return_step::approve;
  std::string note;
  storage::ulid exchange_order_id; ///< close: the order that was made for the exchange
};
/// By the merchant: the goods are here. What is restocked is sold again, the rest is written off. → order_view
struct receive_return {
  caller by;
  storage::ulid return_id;
  std::vector<storage::return_line> lines; ///< line, received, restocked; empty: everything came and is sold again
  bool refund = true;                      ///< the price of what came goes back
  std::optional<std::int64_t> amount;      ///< another sum than that price
};

/// A provider says that something happened to the payment: it is asked what. Answered when what it says is committed.
/// → bool (false: the event had been heard)
struct provider_told {
  storage::ulid store_id;
  std::string provider;
  provider_event event;
};
/// A shipping service has sent a parcel. → bool (false: it was known)
struct parcel_left {
  storage::ulid store_id;
  std::string service; ///< "shipstation"
  std::string external_id;
  std::string carrier;
  std::string tracking_number;
  std::string tracking_url;
  std::vector<storage::parcel_line> lines; ///< empty: all that has not left yet
  bool voided = false;
};

/// From the supervisor: the reservation's time is over. Nothing is answered.
struct reservation_expired {};
/// From the supervisor after a restart: an attempt was in flight, find out what became of it. Nothing is answered.
struct resume_payment {};
/// From a gateway worker: about the attempt, or about one of its refunds. Nothing is answered.
struct payment_answered {
  storage::ulid attempt_id; ///< or the refund's id
  gateway_answer answer;
  bool refund = false;
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
typename I::result_type inspect(I& f, gift_card_claim& x) {
  return f(x.code_hash);
}
template <class I>
typename I::result_type inspect(I& f, place_order& x) {
  return f(x.by, x.store_id, x.lines, x.address, x.shipping_method, x.payment, x.email, x.expected_total, x.key,
           x.from_cart, x.discount_codes, x.gift_cards, x.language);
}
template <class I>
typename I::result_type inspect(I& f, order_view& x) {
  return f(x.order, x.items, x.next_action_url, x.payment_error, x.held_until, x.replayed, x.payments, x.refunds, x.life);
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
  return f(x.by, x.carrier, x.tracking_number, x.tracking_url, x.lines);
}
template <class I>
typename I::result_type inspect(I& f, mark_delivered& x) {
  return f(x.by, x.fulfilment_id);
}
template <class I>
typename I::result_type inspect(I& f, capture_payment& x) {
  return f(x.by, x.amount);
}
template <class I>
typename I::result_type inspect(I& f, refund_order& x) {
  return f(x.by, x.refund_id, x.lines, x.amount, x.shipping, x.reason, x.note);
}
template <class I>
typename I::result_type inspect(I& f, request_return& x) {
  return f(x.by, x.return_id, x.lines, x.exchange, x.note);
}
template <class I>
typename I::result_type inspect(I& f, step_return& x) {
  return f(x.by, x.return_id, x.step, x.note, x.exchange_order_id);
}
template <class I>
typename I::result_type inspect(I& f, receive_return& x) {
  return f(x.by, x.return_id, x.lines, x.refund, x.amount);
}
template <class I>
typename I::result_type inspect(I& f, provider_told& x) {
  return f(x.store_id, x.provider, x.event);
}
template <class I>
typename I::result_type inspect(I& f, parcel_left& x) {
  return f(x.store_id, x.service, x.external_id, x.carrier, x.tracking_number, x.tracking_url, x.lines, x.voided);
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
  return f(x.attempt_id, x.answer, x.refund);
}

} // namespace souk::actors
