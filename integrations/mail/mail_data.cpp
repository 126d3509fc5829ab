#include "integrations/mail/mail_data.hpp"

#include "actors/money/currency.hpp"
#include "actors/text.hpp"

#include <algorithm>

namespace souk::integrations {

namespace {

template_data line_of(const storage::order_item_row& item, std::int64_t quantity) {
  template_data line;
  line.set("title", item.title).set("variant", item.variant_title).set("sku", item.sku);
  line.set("quantity", std::to_string(quantity));
  return line;
}

void show(template_data& to, std::vector<template_data> lines) {
  to.flags.erase("has_lines");
  to.flag("has_lines", !lines.empty());
  to.lists["lines"] = std::move(lines);
}

} // namespace

std::string shown_amount(std::int64_t minor_units, const std::string& currency, const mail_language& language) {
  auto known = actors::currency::of(currency);
  auto out = actors::format_amount(minor_units, known ? known->exponent() : 2);
  std::replace(out.begin(), out.end(), '.', language.decimal_mark);
  return out + " " + currency;
}

template_data store_data(const storage::store_row& store) {
  template_data out;
  out.set("store_name", store.settings.mail.sender_name.empty() ? store.name : store.settings.mail.sender_name);
  if (actors::is_web_address(store.logo_url))
    out.set("logo_url", store.logo_url);
  return out;
}

void add_order(template_data& to, const storage::order_snapshot& order, const mail_language& language) {
  const auto& o = order.order;
  auto money = [&](std::int64_t amount) { return shown_amount(amount, o.currency, language); };
  to.set("order_number", std::to_string(o.number));
  to.set("customer_name", o.address.name.empty() ? o.email : o.address.name);
  to.set("subtotal", money(o.subtotal)).set("total", money(o.total)).set("shipping_method", o.shipping_method);
  if (o.discount > 0)
    to.set("discount", money(o.discount));
  if (o.shipping > 0)
    to.set("shipping", money(o.shipping));
  if (o.tax > 0)
    to.set(o.pricing.tax_inclusive ? "tax_included" : "tax", money(o.tax));
  if (o.gift_card > 0)
    to.set("gift_card", money(o.gift_card));
  std::vector<template_data> lines;
  for (const auto& item : order.items)
    lines.push_back(line_of(item, item.quantity).set("price", money(item.total)));
  show(to, std::move(lines));
  const auto& a = o.address;
  std::vector<template_data> address;
  for (const auto& line : {a.name, a.line1, a.line2, a.postal_code + (a.postal_code.empty() ? "" : " ") + a.city, a.region, a.country})
    if (!line.empty())
      address.push_back(template_data{}.set("line", line));
  to.flag("has_address", !a.line1.empty());
  to.lists["address"] = std::move(address);
}

void show_only(template_data& to, const storage::order_snapshot& order, const pieces& some) {
  std::vector<template_data> lines;
  for (auto [number, quantity] : some)
    for (const auto& item : order.items)
      if (item.line == number)
        lines.push_back(line_of(item, quantity));
  show(to, std::move(lines));
}

const std::set<std::string>& known_variables() {
  static const std::set<std::string> names{
    "store_name", "logo_url", "language", "unsubscribe_url", "cart_url", "customer_name",
    // orders
    "order_number", "subtotal", "discount", "shipping", "shipping_method", "tax", "tax_included", "gift_card", "total",
    "payment_due", "amount", "note", "has_lines", "lines", "title", "variant", "sku", "quantity", "price", "has_address", "address",
    "line",
    // parcels and returns
    "partial", "carrier", "tracking_number", "tracking_url", "requested", "approved", "declined", "received", "closed", "cancelled",
    // the others
    "product", "available", "threshold", "code", "expires", "webhook_address"};
  return names;
}

template_data sample_data(const std::string& name, const mail_language& language, const std::string& currency) {
  storage::order_snapshot s;
  s.order.number = 1001;
  s.order.currency = currency;
  s.order.subtotal = 4800;
  s.order.discount = 300;
  s.order.shipping = 490;
  s.order.tax = 797;
  s.order.total = 4990;
  s.order.pricing.tax_inclusive = true;
  s.order.shipping_method = "Standard";
  s.order.email = "ada@example.com";
  s.order.address = {"Ada Lovelace", "12 St James's Square", "", "London", "", "SW1Y 4JH", "GB", ""};
  s.items.resize(2);
  s.items[0].line = 1;
  s.items[0].title = "Earl Grey";
  s.items[0].variant_title = "250 g";
  s.items[0].sku = "TEA-EG-250";
  s.items[0].quantity = 2;
  s.items[0].total = 1800;
  s.items[1].line = 2;
  s.items[1].title = "Teapot <1 l> & lid";
  s.items[1].sku = "POT-1";
  s.items[1].quantity = 1;
  s.items[1].total = 3000;
  template_data out;
  if (name == "password_reset")
    return out.set("reset_url", "https://shop.example/password-reset/sample");
  if (name == "low_stock")
    return out.set("product", "Earl Grey, 250 g").set("sku", "TEA-EG-250").set("available", "3").set("threshold", "5");
  if (name == "webhook_disabled")
    return out.set("webhook_address", "https://erp.example/hooks/orders");
  if (name == "gift_card")
    return out.set("amount", shown_amount(5000, currency, language)).set("code", "SAMPLE-GIFT-CARD").set("expires", "2030-12-31");
  add_order(out, s, language);
  out.set("cart_url", "https://shop.example/cart");
  if (name == "cart_abandoned") {
    out.set("unsubscribe_url", "https://shop.example/unsubscribe/sample");
  } else if (name == "order_shipped") {
    show_only(out, s, {{1, 2}});
    out.flag("partial").set("carrier", "DHL").set("tracking_number", "00340434161094042557");
    out.set("tracking_url", "https://carrier.example/track?number=00340434161094042557&language=" + std::string{language.code});
  } else if (name == "order_refunded") {
    out.set("amount", shown_amount(1800, currency, language));
  } else if (name == "return_update") {
    show_only(out, s, {{1, 1}});
    out.flag("approved");
  }
  return out;
}

} // namespace souk::integrations
