#include "http/routes/order_json.hpp"

#include "actors/money/currency.hpp"
#include "http/json/writer.hpp"

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

void write_order(json::writer& out, const storage::order_row& order,
                 const std::vector<storage::order_item_row>& items) {
  const auto unit = actors::currency::of(order.currency);
  const int exponent = unit ? unit->exponent() : 2;
  const auto amount = [&](std::int64_t minor) { return actors::format_amount(minor, exponent); };
  out.field("order_id", order.id)
    .field("store_id", order.store_id)
    .field("user_id", order.user_id)
    .field("order_number", order.number)
    .field("status", name_of(order.status))
    .field("payment_status", name_of(order.payment))
    .field("currency", order.currency)
    .field("subtotal", amount(order.subtotal))
    .field("shipping", amount(order.shipping))
    .field("tax", amount(order.tax))
    .field("total", amount(order.total))
    .key("items")
    .begin_array();
  for (const auto& item : items)
    out.begin_object()
      .field("product_id", item.product_id)
      .field("variant_id", item.variant_id)
      .field("sku", item.sku)
      .field("name", item.title)
      .field("variant", item.variant_title)
      .field("quantity", item.quantity)
      .field("price", amount(item.unit_price))
      .field("tax", amount(item.tax))
      .field("total", amount(item.total))
      .end_object();
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
  out.end_object();
  return std::move(out).text();
}

std::string order_json(const storage::order_snapshot& rows) {
  json::writer out;
  out.begin_object();
  write_order(out, rows.order, rows.items);
  out.end_object();
  return std::move(out).text();
}

} // namespace souk::http::routes
