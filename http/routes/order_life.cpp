// What the merchant and the shopper do with an order after it is placed: money, parcels, returns.

#include "http/auth/token.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/order_json.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include "actors/money/currency.hpp"
#include "actors/user/account.hpp"

#include <algorithm>
#include <array>

namespace souk::http::routes {

namespace {

constexpr std::size_t lines_max = 100;
constexpr std::int64_t line_max = 100, quantity_max = 1'000'000;
constexpr actors::text_rule note_rule{0, 1000, actors::lines::many};

/// Amounts are in the order's currency, so the order is read first; who may not see it hears so here.
actors::currency unit_of(exchange& x) {
  const auto view = x.shop.actors.get_order(x.id("order_id"), x.by, x.until).take();
  const auto unit = actors::currency::of(view.order.currency);
  if (!unit)
    throw refusal{.why = errc::internal};
  return *unit;
}

/// An id for what is about to be made: the same for the same Idempotency-Key, so that asked twice it is done once.
storage::ulid id_for(exchange& x, std::string_view what) {
  auto id = x.shop.base.ids.fresh_beside(x.id("order_id"));
  if (!x.asked.has_idempotency_key)
    return id;
  if (x.asked.idempotency_key.empty() || x.asked.idempotency_key.size() > 255)
    throw refusal{.why = actors::errc::invalid,
                  .message = "An Idempotency-Key is 1 to 255 printable characters.",
                  .field = "Idempotency-Key"};
  const auto hash = hash_of(x.id("order_id").str() + "/" + x.by.user.str() + "/" + std::string{what} + "/" + x.asked.idempotency_key);
  const auto shard = id.shard();
  std::copy_n(hash.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[0] &= 0x7F; // within the range that a ULID's text can have
  id.bytes[6] = shard;
  return id;
}

template <class Command>
response done(exchange& x, Command command) {
  return ok(order_json(x.shop.actors.tell_order(x.id("order_id"), std::move(command), x.until).take()));
}

void no_body(const exchange& x) {
  if (!x.asked.body.empty())
    (void)json::document{x.asked.body}.root({});
}

response capture(exchange& x) {
  actors::capture_payment command{x.by, {}};
  if (!x.asked.body.empty()) {
    const json::document body{x.asked.body};
    const auto f = body.root({"amount"});
    if (f.has("amount"))
      command.amount = f.amount("amount", unit_of(x));
  }
  return done(x, command);
}

response refund(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"lines", "amount", "shipping", "reason", "note"});
  actors::refund_order command;
  command.by = x.by;
  command.refund_id = id_for(x, "refund");
  if (const auto lines = f.maybe_objects("lines", lines_max, {"line", "quantity", "restock"}))
    for (const auto& line : *lines)
      command.lines.push_back({static_cast<std::int32_t>(line.integer("line", 1, line_max)), line.integer("quantity", 1, quantity_max),
                               0, line.maybe_boolean("restock").value_or(false)});
  if (f.has("amount"))
    command.amount = f.amount("amount", unit_of(x));
  command.shipping = f.maybe_boolean("shipping").value_or(false);
  command.reason = f.text_or_empty("reason", {0, 100});
  command.note = f.text_or_empty("note", note_rule);
  if (command.reason == "return" || command.reason == "cancelled")
    f.wrong("reason", "is souk's own word for what has its own route");
  return done(x, std::move(command));
}

response ship(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"carrier", "tracking_number", "tracking_url", "lines"});
  actors::mark_shipped command{x.by, f.text("carrier", {1, 100}), f.text_or_empty("tracking_number", {0, 200}),
                               f.text_or_empty("tracking_url", {0, 2048}), {}};
  if (!command.tracking_url.empty() && !actors::is_web_address(command.tracking_url))
    f.wrong("tracking_url", "must be an http or https address");
  if (const auto lines = f.maybe_objects("lines", lines_max, {"line", "quantity"})) {
    for (const auto& line : *lines)
      command.lines.push_back({static_cast<std::int32_t>(line.integer("line", 1, line_max)), line.integer("quantity", 1, quantity_max)});
    if (command.lines.empty())
      f.wrong("lines", "must not be empty; leave it out to send all that is left");
  }
  return done(x, std::move(command));
}

response parcel_delivered(exchange& x) {
  no_body(x);
  return done(x, actors::mark_delivered{x.by, x.id("fulfilment_id")});
}

response delivered(exchange& x) {
  no_body(x);
  return done(x, actors::mark_delivered{x.by, {}});
}

response request_return(exchange& x) {
  const json::document body{x.asked.body};
  body.refuse_card_numbers();
  const auto f = body.root({"lines", "exchange", "note"});
  actors::request_return command;
  command.by = x.by;
  command.return_id = id_for(x, "return");
  const auto lines = f.maybe_objects("lines", lines_max, {"line", "quantity", "reason"});
  if (!lines || lines->empty())
    f.wrong("lines", "names at least one line that shall come back");
  for (const auto& line : *lines)
    command.lines.push_back({static_cast<std::int32_t>(line.integer("line", 1, line_max)), line.integer("quantity", 1, quantity_max),
                             line.text_or_empty("reason", {0, 100}), 0, 0});
  command.exchange = f.maybe_boolean("exchange").value_or(false);
  command.note = f.text_or_empty("note", note_rule);
  auto answer = done(x, std::move(command));
  answer.status = 201;
  answer.headers.emplace_back("Location", "/orders/" + x.id("order_id").str());
  return answer;
}

response step_return(exchange& x, actors::return_step step) {
  actors::step_return command{x.by, x.id("return_id"), step, {}, {}};
  if (!x.asked.body.empty()) {
    const json::document body{x.asked.body};
    const auto f = body.root({"note", "exchange_order_id"});
    command.note = f.text_or_empty("note", note_rule);
    if (const auto id = f.maybe_id("exchange_order_id"))
      command.exchange_order_id = *id;
  }
  return done(x, std::move(command));
}

response approve_return(exchange& x) {
  return step_return(x, actors::return_step::approve);
}
response decline_return(exchange& x) {
  return step_return(x, actors::return_step::decline);
}
response cancel_return(exchange& x) {
  return step_return(x, actors::return_step::cancel);
}
response close_return(exchange& x) {
  return step_return(x, actors::return_step::close);
}

response receive_return(exchange& x) {
  actors::receive_return command;
  command.by = x.by;
  command.return_id = x.id("return_id");
  if (!x.asked.body.empty()) {
    const json::document body{x.asked.body};
    const auto f = body.root({"lines", "refund", "amount"});
    if (const auto lines = f.maybe_objects("lines", lines_max, {"line", "received", "restocked"}))
      for (const auto& line : *lines) {
        storage::return_line l;
        l.line = static_cast<std::int32_t>(line.integer("line", 1, line_max));
        l.received = line.integer("received", 0, quantity_max);
        l.restocked = line.maybe_integer("restocked", 0, quantity_max).value_or(l.received);
        command.lines.push_back(l);
      }
    command.refund = f.maybe_boolean("refund").value_or(true);
    if (f.has("amount"))
      command.amount = f.amount("amount", unit_of(x));
  }
  return done(x, std::move(command));
}

response timeline(exchange& x) {
  return ok(timeline_json(x.shop.actors.get_order(x.id("order_id"), x.by, x.until).take()));
}

response returns_of_store(exchange& x) {
  const auto page = page_asked(x);
  const auto found = x.shop.catalog.borrow(x.until)->orders_with_returns(x.id("store_id"), page);
  json::writer out;
  out.begin_object().key("orders").begin_array();
  for (const auto& row : found.rows)
    out.raw(order_json(row));
  out.end_array();
  if (!page.after)
    out.field("page", page.page);
  out.field("limit", page.limit).field("total", found.total).field("has_more", found.more).end_object();
  return ok(std::move(out).text());
}

constexpr std::array rows{
  route{"POST", "/orders/{order_id}/capture", access::order_merchant, body_kind::json, capture},
  route{"POST", "/orders/{order_id}/refunds", access::order_merchant, body_kind::json, refund},
  route{"POST", "/orders/{order_id}/fulfilment", access::order_merchant, body_kind::json, ship},
  route{"POST", "/orders/{order_id}/fulfilments/{fulfilment_id}/delivered", access::order_merchant, body_kind::json,
        parcel_delivered},
  route{"POST", "/orders/{order_id}/delivered", access::order_merchant, body_kind::json, delivered},
  route{"GET", "/orders/{order_id}/timeline", access::order_party, body_kind::none, timeline},
  route{"POST", "/orders/{order_id}/returns", access::order_party, body_kind::json, request_return},
  route{"POST", "/orders/{order_id}/returns/{return_id}/approve", access::order_merchant, body_kind::json, approve_return},
  route{"POST", "/orders/{order_id}/returns/{return_id}/decline", access::order_merchant, body_kind::json, decline_return},
  route{"POST", "/orders/{order_id}/returns/{return_id}/cancel", access::order_party, body_kind::json, cancel_return},
  route{"POST", "/orders/{order_id}/returns/{return_id}/close", access::order_merchant, body_kind::json, close_return},
  route{"POST", "/orders/{order_id}/returns/{return_id}/receive", access::order_merchant, body_kind::json, receive_return},
  route{"GET", "/stores/{store_id}/returns", access::merchant, body_kind::none, returns_of_store},
};

} // namespace

std::span<const route> order_life() {
  return rows;
}

} // namespace souk::http::routes
