// Checkout, and what becomes of an order.

#include "http/auth/token.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/order_json.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include "actors/discount/messages.hpp"
#include "actors/gift_card/code.hpp"
#include "actors/store/country.hpp"
#include "actors/user/account.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <unordered_map>

namespace souk::http::routes {

namespace {

constexpr std::size_t lines_max = 100;
constexpr std::int64_t quantity_max = 10'000;

storage::postal_address read_address(const json::fields& body) {
  const auto f = body.object("shipping_address",
                             {"name", "line1", "line2", "city", "region", "postal_code", "country", "phone"});
  storage::postal_address a;
  a.name = f.text("name", {1, 200});
  a.line1 = f.text("line1", {1, 200});
  a.line2 = f.text_or_empty("line2", {0, 200});
  a.city = f.text("city", {1, 200});
  a.region = f.text_or_empty("region", {0, 200});
  a.postal_code = f.text_or_empty("postal_code", {0, 200});
  a.country = f.text("country", {2, 2});
  if (!actors::is_country(a.country))
    f.wrong("country", "is not a country of ISO 3166-1, like \"DE\"");
  a.phone = f.text_or_empty("phone", {0, 200});
  return a;
}

std::vector<actors::order_line_request> read_items(const json::fields& body) {
  const auto items = body.maybe_objects("items", lines_max, {"product_id", "variant_id", "quantity"});
  if (!items)
    body.wrong("items", "is missing; or send \"from_cart\": true");
  if (items->empty())
    body.wrong("items", "must not be empty");
  std::vector<actors::order_line_request> lines;
  for (const auto& item : *items)
    lines.push_back(
      {item.id("product_id"), item.id("variant_id"), item.integer("quantity", 1, quantity_max)});
  return lines;
}

/// What the shopper typed becomes what is at rest: a discount's code in capitals, a gift card's hash.
void read_codes(const json::fields& body, actors::place_order& command) {
  constexpr std::size_t codes_max = 5;
  for (const auto& typed : body.maybe_texts("discount_codes", codes_max, {1, 60}).value_or(std::vector<std::string>{})) {
    auto code = actors::discount_code_of(typed);
    if (code.empty())
      throw refusal{.why = actors::errc::discount_not_applicable, .field = "discount_codes"};
    if (std::find(command.discount_codes.begin(), command.discount_codes.end(), code) == command.discount_codes.end())
      command.discount_codes.push_back(std::move(code));
  }
  for (const auto& typed : body.maybe_texts("gift_cards", codes_max, {1, 60}).value_or(std::vector<std::string>{})) {
    const auto code = actors::gift_card_code::normalised(typed);
    if (code.empty())
      throw refusal{.why = actors::errc::gift_card_not_applicable, .field = "gift_cards"};
    auto hash = actors::gift_card_code::hash_of(code);
    const auto same = [&](const auto& claim) { return claim.code_hash == hash; };
    if (std::none_of(command.gift_cards.begin(), command.gift_cards.end(), same))
      command.gift_cards.push_back({std::move(hash)});
  }
}

std::optional<actors::key_claim> read_key(const exchange& x) {
  if (!x.asked.has_idempotency_key)
    return std::nullopt;
  const auto& key = x.asked.idempotency_key;
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (key.empty() || key.size() > 255 || !printable)
    throw refusal{.why = actors::errc::invalid,
                  .message = "An Idempotency-Key is 1 to 255 printable characters.",
                  .field = "Idempotency-Key"};
  return actors::key_claim{key, hash_of(x.asked.body)};
}

/// Placed and replayed alike: a declined payment is 402 with the order, anything else the order with its
/// state.
response placed(const actors::order_view& view) {
  response out;
  if (view.order.payment == storage::payment_status::failed && !view.payment_error.empty())
    out = refused({.why = actors::errc::payment_declined,
                   .message = "The payment was declined: " + view.payment_error,
                   .field = "payment_method",
                   .order = order_json(view)});
  else
    out = created(order_json(view), "/orders/" + view.order.id.str());
  if (view.replayed)
    out.headers.emplace_back("Idempotent-Replayed", "true");
  return out;
}

response place_order(exchange& x) {
  const json::document body{x.asked.body};
  body.refuse_card_numbers();
  const auto f = body.root({"user_id", "store_id", "items", "from_cart", "cart", "shipping_address",
                            "shipping_method", "payment_method", "email", "expected_total", "discount_codes",
                            "gift_cards", "language"});
  if (const auto user = f.maybe_id("user_id"); user && *user != x.by.user)
    throw refusal{
      .why = actors::errc::forbidden, .message = "Nobody orders for another user.", .field = "user_id"};
  const auto store = x.shop.known.store(f.id("store_id"), x.until);

  actors::place_order command;
  command.by = x.by;
  command.store_id = store.id;
  command.key = read_key(x);
  command.from_cart = f.maybe_boolean("from_cart").value_or(false) || f.maybe_boolean("cart").value_or(false);
  command.address = read_address(f);
  command.shipping_method = f.text_or_empty("shipping_method", {0, 80});
  const auto payment = f.object("payment_method", {"type", "token"});
  command.payment = {payment.text("type", {1, 50}), payment.text_or_empty("token", {0, 255})};
  command.email = actors::normal_email(f.text_or_empty("email", {0, 254}));
  if (!command.email.empty() && !actors::is_email(command.email))
    f.wrong("email", "is not an e-mail address");
  read_codes(f, command);
  command.language = f.text_or_empty("language", {0, 2});
  if (!command.language.empty() && !std::all_of(command.language.begin(), command.language.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    f.wrong("language", "is a language of ISO 639-1, like \"en\"");
  command.expected_total = f.maybe_amount("expected_total", store.unit);
  if (!command.from_cart)
    command.lines = read_items(f);
  else if (f.has("items"))
    f.wrong("items", "must be left out when the cart is ordered");
  else {
    const auto cart = x.shop.actors.get_cart(store.id, x.by.user, {x.by}, x.until).take();
    for (const auto& line : cart.lines)
      command.lines.push_back({line.product_id, line.variant_id, line.quantity});
    // An empty cart may be a replay: the first request with this key has emptied it, and the key's actor
    // knows.
    if (command.lines.empty() && !command.key)
      throw refusal{.why = actors::errc::cart_empty};
  }
  if (command.key)
    return placed(x.shop.actors.check_out(std::move(command), x.until).take());
  return placed(
    x.shop.actors.place_order(x.shop.base.ids.fresh_beside(store.id), std::move(command), x.until).take());
}

response read_order(exchange& x) {
  return ok(order_json(x.shop.actors.get_order(x.id("order_id"), x.by, x.until).take()));
}

response cancel_order(exchange& x) {
  std::string why = "cancelled_by_customer";
  if (!x.asked.body.empty()) {
    const json::document body{x.asked.body};
    why = body.root({"reason"}).maybe_text("reason", {1, 200}).value_or(why);
  }
  return ok(order_json(x.shop.actors.cancel_order(x.id("order_id"), {x.by, why}, x.until).take()));
}

response confirm_payment(exchange& x) {
  if (!x.asked.body.empty()) {
    const json::document body{x.asked.body};
    body.refuse_card_numbers();
    (void)body.root({});
  }
  const auto view = x.shop.actors.confirm_payment(x.id("order_id"), x.by, x.until).take();
  if (view.order.payment == storage::payment_status::failed && !view.payment_error.empty())
    return placed(view);
  return ok(order_json(view));
}

response list_response(const std::string& path, const storage::page_request& page,
                       const std::vector<std::string>& orders, std::int64_t total, bool more,
                       const std::string& last) {
  json::writer out;
  out.begin_object().key("orders").begin_array();
  for (const auto& order : orders)
    out.raw(order);
  out.end_array();
  if (!page.after)
    out.field("page", page.page);
  out.field("limit", page.limit).field("total", total).field("has_more", more).end_object();
  auto answer = ok(std::move(out).text());
  if (auto link = link_header(path, page, more, last); !link.empty())
    answer.headers.emplace_back("Link", std::move(link));
  return answer;
}

response orders_of_user(exchange& x) {
  const auto page = page_asked(x);
  auto reader = x.shop.catalog.borrow(x.until);
  const auto index = reader->orders_of(x.by.user, page);
  // The index says where the orders lie; each store's are read within its own limits.
  std::unordered_map<storage::ulid, std::vector<storage::ulid>> by_store;
  for (const auto& row : index.rows)
    by_store[row.store_id].push_back(row.order_id);
  std::unordered_map<storage::ulid, std::string> found;
  for (const auto& [store, ids] : by_store)
    for (const auto& order : reader->orders_by_id(store, ids))
      if (order.order.user_id == x.by.user)
        found.emplace(order.order.id, order_json(order));
  std::vector<std::string> orders;
  for (const auto& row : index.rows)
    if (const auto at = found.find(row.order_id); at != found.end())
      orders.push_back(std::move(at->second));
  const auto last = index.rows.empty() ? std::string{} : index.rows.back().order_id.str();
  return list_response(fmt::format("/users/{}/orders", x.by.user.str()), page, orders, index.total,
                       index.more, last);
}

response orders_of_store(exchange& x) {
  const auto page = page_asked(x);
  std::optional<storage::order_status> status;
  auto path = fmt::format("/stores/{}/orders", x.id("store_id").str());
  if (const auto* text = x.parameter("status")) {
    status = order_status_of(*text);
    if (!status)
      throw refusal{.why = actors::errc::invalid,
                    .message = "status: must be pending, paid, shipped, delivered, cancelled or refunded",
                    .field = "status"};
    path += "?status=" + *text;
  }
  const auto found = x.shop.catalog.borrow(x.until)->orders(x.id("store_id"), status, page);
  std::vector<std::string> orders;
  for (const auto& row : found.rows)
    orders.push_back(order_json(row));
  const auto last = found.rows.empty() ? std::string{} : found.rows.back().order.id.str();
  return list_response(path, page, orders, found.total, found.more, last);
}

constexpr std::array rows{
  route{"POST", "/orders", access::shopper, body_kind::json, place_order},
  route{"GET", "/orders/{order_id}", access::order_party, body_kind::none, read_order},
  route{"POST", "/orders/{order_id}/cancel", access::order_party, body_kind::json, cancel_order},
  route{"POST", "/orders/{order_id}/payment", access::order_party, body_kind::json, confirm_payment},
  route{"GET", "/users/{user_id}/orders", access::self, body_kind::none, orders_of_user},
  route{"GET", "/stores/{store_id}/orders", access::merchant, body_kind::none, orders_of_store},
};

} // namespace

std::span<const route> orders() {
  return rows;
}

} // namespace souk::http::routes
