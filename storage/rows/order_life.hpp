#pragma once

#include "storage/ulid.hpp"

#include <string>
#include <vector>

namespace souk::storage {

enum class refund_state : std::uint8_t {
  started = 1, ///< the row is committed, the provider may or may not have heard of it
  pending = 2, ///< the provider is working on it
  succeeded = 3,
  failed = 4 ///< it did not go back; a person must look
};

/// What is refunded of one line. `restock`: pieces that can be sold again.
struct refund_line {
  std::int32_t line = 0;
  std::int64_t quantity = 0;
  std::int64_t amount = 0;
  bool restock = false;
  bool operator==(const refund_line&) const = default;
};

struct refund_row {
  ulid id; ///< also the provider's idempotency key
  ulid order_id;
  ulid store_id;
  ulid payment_id;
  std::int64_t amount = 0;
  std::string currency;
  refund_state state = refund_state::started;
  std::vector<refund_line> lines; ///< empty: an amount without lines
  std::string reason;             ///< "requested_by_customer", "cancelled", "late_payment", "return", …
  std::string note;
  std::string provider_reference;
  std::string error_code;
  ulid by; ///< nil = souk itself
  timestamp created_at{};
  timestamp updated_at{};
  bool operator==(const refund_row&) const = default;
};

enum class fulfilment_state : std::uint8_t { open = 1, shipped = 2, delivered = 3, cancelled = 4 };

struct parcel_line {
  std::int32_t line = 0;
  std::int64_t quantity = 0;
  bool operator==(const parcel_line&) const = default;
};

/// One parcel.
struct fulfilment {
  ulid id;
  fulfilment_state state = fulfilment_state::open;
  std::vector<parcel_line> lines;
  std::string carrier;
  std::string tracking_number;
  std::string tracking_url;
  std::string source;      ///< "manual", "shipstation"
  std::string external_id; ///< the shipping service's
  timestamp created_at{};
  timestamp shipped_at{};
  timestamp delivered_at{};
  bool operator==(const fulfilment&) const = default;
};

enum class return_state : std::uint8_t {
  requested = 1,
  approved = 2,
  declined = 3,
  received = 4, ///< the goods are here; the money may still be on its way
  closed = 5,
  cancelled = 6
};

struct return_line {
  std::int32_t line = 0;
  std::int64_t quantity = 0;
  std::string reason;         ///< "too_small", "damaged", …
  std::int64_t received = 0;  ///< pieces that came
  std::int64_t restocked = 0; ///< of those, sold again; the rest is written off
  bool operator==(const return_line&) const = default;
};

struct order_return {
  ulid id;
  return_state state = return_state::requested;
  std::vector<return_line> lines;
  bool exchange = false; ///< the shopper wants other goods instead of money
  std::string note;
  ulid refund_id;         ///< nil until money goes back
  ulid exchange_order_id; ///< nil unless an order was made for the exchange
  timestamp created_at{};
  timestamp updated_at{};
  bool operator==(const order_return&) const = default;
};

/// One line of what happened to an order. Placing and paying are not repeated here: the order and its payments say so.
struct timeline_entry {
  timestamp at{};
  std::string what; ///< "cancelled", "refunded", "shipped", "return_requested", …
  std::string who;  ///< "customer", "merchant", "souk", or a provider's name
  ulid by;          ///< the user; nil unless a person did it
  std::string text; ///< a reason, an amount, a tracking number
  bool operator==(const timeline_entry&) const = default;
};

/// A provider's event that has been dealt with: heard again it changes nothing.
struct heard_event {
  std::string provider;
  std::string event_id;
  timestamp at{};
  bool operator==(const heard_event&) const = default;
};

/// All that comes after an order is paid. One row, made with the first of it: an order that goes its usual way to the parcel
/// does not pay for what it does not need. Version 0 = there is no row yet.
struct order_life_row {
  ulid order_id;
  ulid store_id;
  std::vector<fulfilment> fulfilments;
  std::vector<order_return> returns;
  std::vector<timeline_entry> timeline; ///< oldest first
  std::vector<heard_event> heard;       ///< the latest 200
  std::int64_t version = 0;
  bool operator==(const order_life_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, refund_line& x) {
  return f(x.line, x.quantity, x.amount, x.restock);
}
template <class I>
typename I::result_type inspect(I& f, refund_row& x) {
  return f(x.id, x.order_id, x.store_id, x.payment_id, x.amount, x.currency, x.state, x.lines, x.reason, x.note,
           x.provider_reference, x.error_code, x.by, x.created_at, x.updated_at);
}
template <class I>
typename I::result_type inspect(I& f, parcel_line& x) {
  return f(x.line, x.quantity);
}
template <class I>
typename I::result_type inspect(I& f, fulfilment& x) {
  return f(x.id, x.state, x.lines, x.carrier, x.tracking_number, x.tracking_url, x.source, x.external_id, x.created_at,
           x.shipped_at, x.delivered_at);
}
template <class I>
typename I::result_type inspect(I& f, return_line& x) {
  return f(x.line, x.quantity, x.reason, x.received, x.restocked);
}
template <class I>
typename I::result_type inspect(I& f, order_return& x) {
  return f(x.id, x.state, x.lines, x.exchange, x.note, x.refund_id, x.exchange_order_id, x.created_at, x.updated_at);
}
template <class I>
typename I::result_type inspect(I& f, timeline_entry& x) {
  return f(x.at, x.what, x.who, x.by, x.text);
}
template <class I>
typename I::result_type inspect(I& f, heard_event& x) {
  return f(x.provider, x.event_id, x.at);
}
template <class I>
typename I::result_type inspect(I& f, order_life_row& x) {
  return f(x.order_id, x.store_id, x.fulfilments, x.returns, x.timeline, x.heard, x.version);
}

} // namespace souk::storage
