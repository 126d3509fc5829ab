#pragma once

#include "storage/rows/inventory.hpp"
#include "storage/ulid.hpp"

#include <string>
#include <vector>

namespace souk::storage {

enum class order_status : std::uint8_t { pending = 1, paid = 2, shipped = 3, delivered = 4, cancelled = 5, refunded = 6 };
/// authorized: the money is promised, not taken yet; partially_refunded: some of it went back.
enum class payment_status : std::uint8_t {
  pending = 1,
  completed = 2,
  failed = 3,
  refunded = 4,
  authorized = 5,
  partially_refunded = 6
};
/// How much of it has left; delivered is the order's status.
enum class fulfilment_status : std::uint8_t { unfulfilled = 1, partial = 2, fulfilled = 3 };

struct postal_address {
  std::string name;
  std::string line1;
  std::string line2;
  std::string city;
  std::string region;
  std::string postal_code;
  std::string country; ///< ISO 3166-1 alpha-2
  std::string phone;
  bool operator==(const postal_address&) const = default;
};

/// A discount as it was given: the amounts of all of an order add up to what was taken off its lines and its shipping.
struct given_discount {
  std::string code; ///< empty: automatic
  std::string title;
  std::int64_t amount = 0;          ///< off lines
  std::int64_t shipping_amount = 0; ///< off shipping
  bool operator==(const given_discount&) const = default;
};
struct tax_line {
  std::string title; ///< "VAT"
  std::int32_t rate_ppm = 0;
  std::int64_t amount = 0; ///< of all lines and the shipping at this rate
  bool operator==(const tax_line&) const = default;
};
/// How an order's total came about, line by line.
struct order_pricing {
  std::vector<given_discount> discounts;
  std::vector<tax_line> taxes;
  std::int64_t shipping_before = 0; ///< the rate's price, before discounts
  std::int64_t shipping_tax = 0;    ///< within `tax`
  bool tax_inclusive = false;
  bool operator==(const order_pricing&) const = default;
};

struct order_row {
  ulid id;
  ulid store_id;
  ulid user_id;
  std::int64_t number = 0; ///< 1001, 1002, … without gaps per store; drawn inside the commit, ignored on insert
  order_status status = order_status::pending;
  payment_status payment = payment_status::pending;
  std::string currency;
  std::int64_t subtotal = 0; ///< minor units, as all amounts here
  std::int64_t shipping = 0;
  std::int64_t tax = 0;
  std::int64_t total = 0;
  postal_address address;
  std::string shipping_method;
  std::string email;
  std::string note; ///< why it was cancelled, e.g. "reservation_expired", "payment_declined", "cancelled_by_customer"
  std::string carrier;
  std::string tracking_number;
  std::string tracking_url;
  std::int64_t version = 1;
  timestamp created_at{};
  timestamp updated_at{};
  std::int64_t discount = 0;  ///< off the lines; total = subtotal - discount + shipping (+ tax, unless prices include it)
  std::int64_t gift_card = 0; ///< the part of total paid with gift cards; the rest is the payment attempt's
  std::int64_t refunded = 0;  ///< what went back so far, gift cards included
  fulfilment_status fulfilment = fulfilment_status::unfulfilled;
  std::string language; ///< of its mails
  bool recovered = false; ///< its cart had been abandoned and its shopper reminded
  order_pricing pricing;
  bool operator==(const order_row&) const = default;
};

struct order_item_row {
  ulid order_id;
  std::int32_t line = 1;
  ulid store_id;
  ulid product_id;
  ulid variant_id;
  std::string sku;
  std::string title;
  std::string variant_title;
  std::int64_t quantity = 0;
  std::int64_t unit_price = 0;
  std::int64_t tax = 0; ///< of the whole line
  std::int64_t total = 0; ///< quantity * unit_price, without tax unless prices include it
  std::int64_t discount = 0; ///< off the whole line; 0 to total
  std::int32_t tax_rate_ppm = 0;
  std::int64_t grams = 0; ///< of one piece
  bool requires_shipping = true;
  bool operator==(const order_item_row&) const = default;
};

/// started: the row is committed, the gateway may or may not have heard of it. pending: the gateway is working on it.
enum class attempt_state : std::uint8_t {
  started = 1,
  pending = 2,
  requires_action = 3,
  succeeded = 4,
  declined = 5,
  cancelling = 6, ///< past its deadline: still held until the gateway confirms the cancel
  cancelled = 7,
  refunding = 8, ///< the whole of it goes back: it arrived after the stock was released, or the order was cancelled
  refunded = 9,
  authorized = 10, ///< the money is promised; goods stay pinned until it is captured or cancelled
  capturing = 11
};

struct payment_row {
  ulid id; ///< of the attempt; also the gateway's idempotency key
  ulid order_id;
  ulid store_id;
  std::string provider; ///< "sandbox", "stripe", "paypal", "manual", "gift_card"
  std::string method_token; ///< the provider's token for the method; never a card number
  std::int64_t amount = 0;
  std::string currency;
  attempt_state state = attempt_state::started;
  std::string provider_reference;
  std::string error_code;
  std::string action_url; ///< where the shopper goes when the gateway requires action
  timestamp created_at{};
  timestamp updated_at{};
  std::int64_t captured = 0; ///< what was taken: `amount`, or less when only a part was captured
  std::int64_t refunded = 0; ///< what went back of it
  bool operator==(const payment_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, postal_address& x) {
  return f(x.name, x.line1, x.line2, x.city, x.region, x.postal_code, x.country, x.phone);
}
template <class I>
typename I::result_type inspect(I& f, given_discount& x) {
  return f(x.code, x.title, x.amount, x.shipping_amount);
}
template <class I>
typename I::result_type inspect(I& f, tax_line& x) {
  return f(x.title, x.rate_ppm, x.amount);
}
template <class I>
typename I::result_type inspect(I& f, order_pricing& x) {
  return f(x.discounts, x.taxes, x.shipping_before, x.shipping_tax, x.tax_inclusive);
}
template <class I>
typename I::result_type inspect(I& f, order_row& x) {
  return f(x.id, x.store_id, x.user_id, x.number, x.status, x.payment, x.currency, x.subtotal, x.shipping, x.tax, x.total,
           x.address, x.shipping_method, x.email, x.note, x.carrier, x.tracking_number, x.tracking_url, x.version,
           x.created_at, x.updated_at, x.discount, x.gift_card, x.refunded, x.fulfilment, x.language, x.recovered, x.pricing);
}
template <class I>
typename I::result_type inspect(I& f, order_item_row& x) {
  return f(x.order_id, x.line, x.store_id, x.product_id, x.variant_id, x.sku, x.title, x.variant_title, x.quantity,
           x.unit_price, x.tax, x.total, x.discount, x.tax_rate_ppm, x.grams, x.requires_shipping);
}
template <class I>
typename I::result_type inspect(I& f, payment_row& x) {
  return f(x.id, x.order_id, x.store_id, x.provider, x.method_token, x.amount, x.currency, x.state, x.provider_reference,
           x.error_code, x.action_url, x.created_at, x.updated_at, x.captured, x.refunded);
}

} // namespace souk::storage
