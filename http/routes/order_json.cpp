#include "http/routes/order_json.hpp"

#include "http/routes/money_text.hpp"

#include <algorithm>

namespace souk::http::routes {

namespace {

void write_address(json::writer& out, const storage::postal_address& a) {
  out.begin_object()
    .field("name", a.name)
    .field("line1", a.line1)
    .field("line2", a.line2)
    .field("city", a.city)
    .field("region", a.region)
    .field("postal_code", a.postal_code)
    .field("country", a.country)
    .field("phone", a.phone)
    .end_object();
}

void write_id(json::writer& out, std::string_view name, const storage::ulid& id) {
  out.key(name);
  if (id.is_nil())
    out.null();
  else
    out.value(id);
}

std::string_view name_of(storage::fulfilment_status status) noexcept {
  constexpr std::string_view names[] = {"unfulfilled", "partial", "fulfilled"};
  return names[static_cast<int>(status) - 1];
}
std::string_view name_of(storage::refund_state state) noexcept {
  constexpr std::string_view names[] = {"pending", "pending", "succeeded", "failed"};
  return names[static_cast<int>(state) - 1];
}
std::string_view name_of(storage::fulfilment_state state) noexcept {
  constexpr std::string_view names[] = {"open", "shipped", "delivered", "cancelled"};
  return names[static_cast<int>(state) - 1];
}
std::string_view name_of(storage::return_state state) noexcept {
  constexpr std::string_view names[] = {"requested", "approved", "declined", "received", "closed", "cancelled"};
  return names[static_cast<int>(state) - 1];
}
std::string_view name_of(storage::attempt_state state) noexcept {
  using storage::attempt_state;
  switch (state) {
    case attempt_state::started:
    case attempt_state::pending: return "pending";
    case attempt_state::requires_action: return "requires_action";
    case attempt_state::authorized: return "authorized";
    case attempt_state::capturing: return "capturing";
    case attempt_state::succeeded: return "succeeded";
    case attempt_state::declined: return "declined";
    case attempt_state::cancelling: return "cancelling";
    case attempt_state::cancelled: return "cancelled";
    case attempt_state::refunding: return "refunding";
    case attempt_state::refunded: break;
  }
  return "refunded";
}

void write_payments(json::writer& out, const std::vector<storage::payment_row>& payments, const money_text& amount) {
  out.key("payments").begin_array();
  for (const auto& p : payments) {
    const bool card = p.provider == "gift_card"; // its token is the card's id
    out.begin_object()
      .field("payment_id", p.id)
      .field("provider", p.provider)
      .field_or_null("gift_card_id", card ? p.method_token : "")
      .field_or_null("reference", card ? "" : p.provider_reference)
      .field("status", name_of(p.state))
      .field("amount", amount(p.amount))
      .field("captured", amount(p.captured))
      .field("refunded", amount(p.refunded))
      .field_or_null("error", p.error_code)
      .end_object();
  }
  out.end_array();
}

void write_refunds(json::writer& out, const std::vector<storage::refund_row>& refunds, const money_text& amount) {
  out.key("refunds").begin_array();
  for (const auto& r : refunds) {
    out.begin_object()
      .field("refund_id", r.id)
      .field("payment_id", r.payment_id)
      .field("status", name_of(r.state))
      .field("amount", amount(r.amount))
      .field("reason", r.reason)
      .field_or_null("note", r.note)
      .field_or_null("error", r.error_code)
      .key("lines")
      .begin_array();
    for (const auto& l : r.lines)
      out.begin_object()
        .field("line", l.line)
        .field("quantity", l.quantity)
        .field("amount", amount(l.amount))
        .field("restocked", l.restock)
        .end_object();
    out.end_array().field("created_at", r.created_at).end_object();
  }
  out.end_array();
}

void write_fulfilments(json::writer& out, const std::vector<storage::fulfilment>& fulfilments) {
  out.key("fulfilments").begin_array();
  for (const auto& f : fulfilments) {
    out.begin_object()
      .field("fulfilment_id", f.id)
      .field("status", name_of(f.state))
      .field("carrier", f.carrier)
      .field("tracking_number", f.tracking_number)
      .field_or_null("tracking_url", f.tracking_url)
      .field("source", f.source)
      .key("lines")
      .begin_array();
    for (const auto& l : f.lines)
      out.begin_object().field("line", l.line).field("quantity", l.quantity).end_object();
    out.end_array();
    write_time(out, "shipped_at", f.shipped_at);
    write_time(out, "delivered_at", f.delivered_at);
    out.end_object();
  }
  out.end_array();
}

void write_returns(json::writer& out, const std::vector<storage::order_return>& returns) {
  out.key("returns").begin_array();
  for (const auto& r : returns) {
    out.begin_object()
      .field("return_id", r.id)
      .field("status", name_of(r.state))
      .field("exchange", r.exchange)
      .field_or_null("note", r.note);
    write_id(out, "refund_id", r.refund_id);
    write_id(out, "exchange_order_id", r.exchange_order_id);
    out.key("lines").begin_array();
    for (const auto& l : r.lines)
      out.begin_object()
        .field("line", l.line)
        .field("quantity", l.quantity)
        .field_or_null("reason", l.reason)
        .field("received", l.received)
        .field("restocked", l.restocked)
        .end_object();
    out.end_array().field("created_at", r.created_at).field("updated_at", r.updated_at).end_object();
  }
  out.end_array();
}

void write_later_life(json::writer& out, const storage::order_row& order, const std::vector<storage::payment_row>& payments,
                      const std::vector<storage::refund_row>& refunds, const storage::order_life_row& life) {
  const money_text amount{order.currency};
  write_payments(out, payments, amount);
  write_refunds(out, refunds, amount);
  write_fulfilments(out, life.fulfilments);
  write_returns(out, life.returns);
}

void write_order(json::writer& out, const storage::order_row& order,
                 const std::vector<storage::order_item_row>& items) {
  const money_text amount{order.currency};
  out.field("order_id", order.id)
    .field("store_id", order.store_id)
    .field("user_id", order.user_id)
    .field("order_number", order.number)
    .field("status", routes::name_of(order.status))
    .field("payment_status", routes::name_of(order.payment))
    .field("currency", order.currency)
    .field("fulfilment_status", name_of(order.fulfilment))
    .field("subtotal", amount(order.subtotal))
    .field("discount", amount(order.discount))
    .field("shipping", amount(order.shipping))
    .field("tax", amount(order.tax))
    .field("total", amount(order.total))
    .field("gift_card", amount(order.gift_card))
    .field("refunded", amount(order.refunded));
  write_pricing(out, order.pricing, amount);
  out.key("items")
    .begin_array();
  for (const auto& item : items) {
    out.begin_object();
    write_item(out, item, amount);
    out.end_object();
  }
  out.end_array()
    .key("shipping_info")
    .begin_object()
    .field_or_null("method", order.shipping_method)
    .key("address");
  write_address(out, order.address);
  out.end_object().key("tracking");
  if (order.carrier.empty() && order.tracking_number.empty() && order.tracking_url.empty())
    out.null();
  else
    out.begin_object()
      .field("carrier", order.carrier)
      .field("tracking_number", order.tracking_number)
      .field_or_null("tracking_url", order.tracking_url)
      .end_object();
  out.field_or_null("email", order.email)
    .field_or_null("note", order.note)
    .field("created_at", order.created_at)
    .field("updated_at", order.updated_at);
}

} // namespace

void write_item(json::writer& out, const storage::order_item_row& item, const money_text& amount) {
  out.field("line", item.line)
    .field("product_id", item.product_id)
    .field("variant_id", item.variant_id)
    .field("sku", item.sku)
    .field("name", item.title)
    .field("variant", item.variant_title)
    .field("quantity", item.quantity)
    .field("price", amount(item.unit_price))
    .field("discount", amount(item.discount))
    .field("tax_rate", rate_text(item.tax_rate_ppm))
    .field("tax", amount(item.tax))
    .field("total", amount(item.total));
}

void write_pricing(json::writer& out, const storage::order_pricing& pricing, const money_text& amount) {
  out.key("discounts").begin_array();
  for (const auto& d : pricing.discounts)
    out.begin_object()
      .field_or_null("code", d.code)
      .field("title", d.title)
      .field("amount", amount(d.amount))
      .field("shipping_amount", amount(d.shipping_amount))
      .end_object();
  out.end_array().key("taxes").begin_array();
  for (const auto& t : pricing.taxes)
    out.begin_object()
      .field("title", t.title)
      .field("rate", rate_text(t.rate_ppm))
      .field("amount", amount(t.amount))
      .end_object();
  out.end_array()
    .field("tax_inclusive", pricing.tax_inclusive)
    .field("shipping_before_discount", amount(pricing.shipping_before))
    .field("shipping_tax", amount(pricing.shipping_tax));
}

std::string_view name_of(storage::order_status status) noexcept {
  using storage::order_status;
  switch (status) {
    case order_status::pending:
      return "pending";
    case order_status::paid:
      return "paid";
    case order_status::shipped:
      return "shipped";
    case order_status::delivered:
      return "delivered";
    case order_status::cancelled:
      return "cancelled";
    case order_status::refunded:
      break;
  }
  return "refunded";
}

std::string_view name_of(storage::payment_status status) noexcept {
  using storage::payment_status;
  switch (status) {
    case payment_status::pending:
      return "pending";
    case payment_status::completed:
      return "completed";
    case payment_status::failed:
      return "failed";
    case payment_status::authorized:
      return "authorized";
    case payment_status::partially_refunded:
      return "partially_refunded";
    case payment_status::refunded:
      break;
  }
  return "refunded";
}

std::optional<storage::order_status> order_status_of(std::string_view name) noexcept {
  using storage::order_status;
  for (const auto status : {order_status::pending, order_status::paid, order_status::shipped,
                            order_status::delivered, order_status::cancelled, order_status::refunded})
    if (name_of(status) == name)
      return status;
  return std::nullopt;
}

std::string order_json(const actors::order_view& view) {
  json::writer out;
  out.begin_object();
  write_order(out, view.order, view.items);
  out.key("next_action");
  if (view.next_action_url.empty())
    out.null();
  else
    out.begin_object().field("type", "redirect").field("url", view.next_action_url).end_object();
  out.field_or_null("payment_error", view.payment_error).key("held_until");
  if (view.held_until == storage::timestamp{})
    out.null();
  else
    out.value(view.held_until);
  write_later_life(out, view.order, view.payments, view.refunds, view.life);
  out.end_object();
  return std::move(out).text();
}

std::string timeline_json(const actors::order_view& view) {
  struct line {
    storage::timestamp at{};
    std::string what, who, text;
    storage::ulid by{};
  };
  std::vector<line> lines;
  // Placing and paying stand in the order's own rows.
  lines.push_back({view.order.created_at, "placed", "customer", "", view.order.user_id});
  const bool told = std::any_of(view.life.timeline.begin(), view.life.timeline.end(),
                                [](const auto& entry) { return entry.what == "paid"; });
  for (const auto& p : view.payments) {
    using storage::attempt_state;
    const bool paid = !told && (p.state == attempt_state::succeeded || p.state == attempt_state::refunding || p.state == attempt_state::refunded);
    if (paid && p.provider != "gift_card")
      lines.push_back({p.updated_at, "paid", p.provider, "", {}});
    if (p.state == attempt_state::authorized && p.provider != "gift_card")
      lines.push_back({p.updated_at, "authorized", p.provider, "", {}});
    if (p.state == attempt_state::declined)
      lines.push_back({p.updated_at, "payment_declined", p.provider, p.error_code, {}});
  }
  for (const auto& entry : view.life.timeline)
    lines.push_back({entry.at, entry.what, entry.who, entry.text, entry.by});
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  json::writer out;
  out.begin_object().key("timeline").begin_array();
  for (const auto& l : lines) {
    out.begin_object().field("at", l.at).field("event", l.what).field("who", l.who);
    write_id(out, "user_id", l.by);
    out.field_or_null("text", l.text).end_object();
  }
  out.end_array().end_object();
  return std::move(out).text();
}

std::string order_json(const storage::order_snapshot& rows) {
  json::writer out;
  out.begin_object();
  write_order(out, rows.order, rows.items);
  write_later_life(out, rows.order, rows.payments, rows.refunds, rows.life);
  out.end_object();
  return std::move(out).text();
}

} // namespace souk::http::routes
