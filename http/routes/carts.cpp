// A shopper's carts: one per store; without ?store_id= the one that was touched last is meant.

#include "http/auth/token.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>
#include <spdlog/spdlog.h>

namespace souk::http::routes {

namespace {

constexpr std::int64_t quantity_max = 10'000;

void write_cart(json::writer& out, const actors::cart_view& cart, const actors::currency& unit) {
  const auto amount = [&](std::int64_t minor) { return actors::format_amount(minor, unit.exponent()); };
  out.begin_object().key("cart_id");
  if (cart.cart_id.is_nil())
    out.null();
  else
    out.value(cart.cart_id);
  out.field("store_id", cart.store_id)
    .field("user_id", cart.user_id)
    .field("currency", unit.code())
    .key("items")
    .begin_array();
  for (const auto& line : cart.lines)
    out.begin_object()
      .field("product_id", line.product_id)
      .field("variant_id", line.variant_id)
      .field("name", line.title)
      .field("variant", line.variant_title)
      .field("sku", line.sku)
      .field("quantity", line.quantity)
      .field("price", amount(line.price))
      .field("line_total", amount(line.price * line.quantity))
      .field("price_changed", line.price_changed)
      .field("sellable", line.sellable)
      .field("available", std::max<std::int64_t>(0, line.available))
      .field("enough", line.backorder || line.available >= line.quantity)
      .end_object();
  out.end_array().field("item_count", cart.item_count).field("total", amount(cart.total)).key("expires_at");
  if (cart.cart_id.is_nil())
    out.null();
  else
    out.value(cart.expires_at);
  out.end_object();
}

response cart_response(const exchange& x, const actors::cart_view& cart) {
  json::writer out;
  write_cart(out, cart, x.shop.known.store(cart.store_id, x.until).unit);
  return ok(std::move(out).text());
}

/// The store of ?store_id=, else of the cart touched last; nullopt when the shopper has none.
std::optional<storage::ulid> store_meant(const exchange& x) {
  if (const auto named = x.id_parameter("store_id")) {
    x.shop.known.store(*named, x.until); // a cart of a store that does not exist is 404, not empty
    return named;
  }
  const auto user = x.shop.actors.get_user(x.id("user_id"), x.by, x.until).take();
  return user.carts.empty() ? std::nullopt : std::optional{user.carts.front().store_id};
}

storage::ulid store_required(const exchange& x) {
  const auto store = store_meant(x);
  if (!store)
    throw refusal{.why = actors::errc::not_found, .message = "There is no cart yet."};
  return *store;
}

response read_cart(exchange& x) {
  const auto store = store_meant(x);
  if (store)
    return cart_response(x, x.shop.actors.get_cart(*store, x.by.user, {x.by}, x.until).take());
  json::writer out;
  out.begin_object()
    .key("cart_id")
    .null()
    .key("store_id")
    .null()
    .field("user_id", x.by.user)
    .key("currency")
    .null();
  out.key("items")
    .begin_array()
    .end_array()
    .field("item_count", std::int64_t{0})
    .field("total", "0.00")
    .key("expires_at")
    .null();
  out.end_object();
  return ok(std::move(out).text());
}

/// The variant meant when none is named: the product's only one.
storage::ulid only_variant(const exchange& x, const json::fields& f, const storage::ulid& store,
                           const storage::ulid& product) {
  const auto found = x.shop.catalog.borrow(x.until)->product(store, product);
  if (!found)
    throw refusal{
      .why = actors::errc::not_found, .message = "There is no such product.", .field = "product_id"};
  storage::ulid only;
  int count = 0;
  for (const auto& variant : found->product.variants)
    if (!variant.removed) {
      only = variant.id;
      ++count;
    }
  if (count != 1)
    f.wrong("variant_id", "is missing, and the product has more than one variant");
  return only;
}

response add_item(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"product_id", "variant_id", "quantity"});
  const auto product = f.id("product_id");
  const auto variant_named = f.maybe_id("variant_id");
  const auto quantity = f.maybe_integer("quantity", 1, quantity_max).value_or(1);
  const auto named = x.id_parameter("store_id");
  const auto store = named ? *named : x.shop.known.store_of_product(product, x.until);
  x.shop.known.store(store, x.until);
  if (product.shard() != store.shard())
    throw refusal{
      .why = actors::errc::not_found, .message = "The store has no such product.", .field = "product_id"};
  const auto variant = variant_named ? *variant_named : only_variant(x, f, store, product);
  if (variant.shard() != store.shard())
    throw refusal{
      .why = actors::errc::not_found, .message = "The product has no such variant.", .field = "variant_id"};
  const auto cart =
    x.shop.actors.add_to_cart(store, x.by.user, {x.by, product, variant, quantity}, x.until).take();
  // The cart is durable; that it is the one touched last is a convenience, and no reason to refuse.
  if (auto noted = x.shop.actors.note_cart(x.by.user, {store, cart.cart_id}, x.until); !noted)
    spdlog::warn("a cart was not noted at its user: {}", rule_of(noted.why().why).code);
  json::writer out;
  write_cart(out, cart, x.shop.known.store(store, x.until).unit);
  return created(std::move(out).text(), "/carts/" + x.by.user.str() + "?store_id=" + store.str());
}

response change_item(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"quantity"});
  const auto quantity = f.integer("quantity", 0, quantity_max);
  const auto store = store_required(x);
  return cart_response(
    x, x.shop.actors.set_cart_line(store, x.by.user, {x.by, x.id("variant_id"), quantity}, x.until).take());
}

response remove_item(exchange& x) {
  const auto store = store_required(x);
  return cart_response(
    x, x.shop.actors.set_cart_line(store, x.by.user, {x.by, x.id("variant_id"), 0}, x.until).take());
}

response clear(exchange& x) {
  const auto store = store_meant(x);
  if (!store)
    return no_content();
  return cart_response(x, x.shop.actors.clear_cart(*store, x.by.user, {x.by}, x.until).take());
}

/// A guest signed in: the guest's carts come in, store by store. Whoever has the guest's token may do this.
response merge(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"guest_token"});
  const auto token = parse_token(f.text("guest_token", {1, 255}));
  if (!token)
    f.wrong("guest_token", "is not a token of souk's");
  auto session = x.shop.actors.authenticate(token->user, token->hash, x.until);
  if (session.refused_with(actors::errc::bad_credentials) || session.refused_with(actors::errc::not_found))
    f.wrong("guest_token", "is unknown, expired or was logged out");
  const auto row = std::move(session).take();
  if (row.kind != storage::session_kind::guest)
    f.wrong("guest_token", "is not a guest's");
  const auto guest = x.shop.actors.get_user(row.user_id, {row.user_id, row.kind, {}}, x.until).take();
  json::writer out;
  out.begin_object().key("carts").begin_array();
  for (const auto& theirs : guest.carts) {
    const auto cart =
      x.shop.actors.merge_cart(theirs.store_id, x.by.user, {x.by, row.user_id}, x.until).take();
    if (!cart.cart_id.is_nil())
      x.shop.actors.note_cart(x.by.user, {theirs.store_id, cart.cart_id}, x.until).take();
    x.shop.actors.forget_cart(row.user_id, {theirs.store_id}, x.until).take();
    write_cart(out, cart, x.shop.known.store(theirs.store_id, x.until).unit);
  }
  out.end_array().end_object();
  return ok(std::move(out).text());
}

constexpr std::array rows{
  route{"GET", "/carts/{user_id}", access::self, body_kind::none, read_cart},
  route{"POST", "/carts/{user_id}/items", access::self, body_kind::json, add_item},
  route{"DELETE", "/carts/{user_id}/items", access::self, body_kind::none, clear},
  route{"PATCH", "/carts/{user_id}/items/{variant_id}", access::self, body_kind::json, change_item},
  route{"DELETE", "/carts/{user_id}/items/{variant_id}", access::self, body_kind::none, remove_item},
  route{"POST", "/carts/{user_id}/merge", access::self_account, body_kind::json, merge},
};

} // namespace

std::span<const route> carts() {
  return rows;
}

} // namespace souk::http::routes
