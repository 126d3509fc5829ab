#include "storage/shop_rows.hpp"

#include <algorithm>

namespace souk::tests {

using namespace storage;

user_row new_user(shard_id shard) {
  user_row x;
  x.id = new_id(shard);
  x.email = "ada-" + x.id.str() + "@example.com";
  x.name = "Ada";
  x.password_hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
  x.created_at = at();
  return x;
}

token_hash new_hash() {
  token_hash out{};
  auto a = new_id(0), b = new_id(1);
  std::copy(a.bytes.begin(), a.bytes.end(), out.begin());
  std::copy(b.bytes.begin(), b.bytes.end(), out.begin() + 16);
  return out;
}

session_row new_session(const ulid& user) {
  session_row x;
  x.hash = new_hash();
  x.user_id = user;
  x.label = "Firefox on Debian";
  x.created_at = at();
  x.expires_at = timestamp{std::chrono::sys_days{std::chrono::year{2100} / 1 / 1}.time_since_epoch()};
  return x;
}

store_row new_store(shard_id shard) {
  store_row x;
  x.id = new_id(shard);
  x.owner_id = new_id(static_cast<shard_id>(shard + 1));
  x.name = "Tea & Co";
  x.slug = "tea-" + x.id.str();
  x.currency = "EUR";
  x.tax_rate_ppm = 190'000;
  x.shipping_zones = {{"Home", {"DE", "AT"}, {{"Parcel", 490, 5000}, {"Express", 1290, -1}}},
                      {"World", {"*"}, {{"Air", 2500, -1}}}};
  x.logo_url = "https://example.com/logo.svg";
  x.description = "Loose leaves";
  x.created_at = at();
  x.updated_at = at(1);
  return x;
}

product_row new_product(const ulid& store) {
  product_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.handle = "oolong-" + x.id.str();
  x.title = "Oolong";
  x.description = "<p>Half oxidised</p>";
  x.vendor = "Hill farm";
  x.category = "Tea";
  x.product_type = "Loose";
  x.tags = {"tea", "spring"};
  x.options = {{"Weight"}};
  x.images = {{"https://example.com/1.jpg", "A cup"}};
  x.seo_title = "Oolong tea";
  x.seo_description = "Fresh";
  x.created_at = at();
  x.updated_at = at(1);
  return x;
}

variant_row new_variant(const product_row& product, std::int32_t position) {
  variant_row x;
  x.id = new_id_beside(product.id);
  x.store_id = product.store_id;
  x.product_id = product.id;
  x.position = position;
  x.sku = "OOL-" + x.id.str();
  x.barcode = "4006381333931";
  x.option_values = {"100 g"};
  x.price = 1250;
  x.compare_at = 1500;
  x.grams = 120;
  x.attributes = {{"harvest", "spring"}, {"altitude", "1200 m"}};
  x.image_url = "https://example.com/2.jpg";
  return x;
}

cart_row new_cart(const ulid& store, const ulid& user) {
  cart_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.user_id = user;
  x.lines = {{new_id_beside(store), new_id_beside(store), 2, 1250, at()}};
  x.updated_at = at();
  x.expires_at = at(30 * 86'400);
  return x;
}

order_row new_order(const ulid& store, const ulid& user) {
  order_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.user_id = user;
  x.currency = "EUR";
  x.subtotal = 1250;
  x.shipping = 490;
  x.tax = 200;
  x.total = 1740;
  x.address = {"Ada Lovelace", "12 St James's Square", "", "London", "", "SW1Y 4JH",
               "GB",           "+44 20 7946 0000"};
  x.shipping_method = "Parcel";
  x.email = "ada@example.com";
  x.created_at = at();
  x.updated_at = at();
  return x;
}

order_item_row item_of(const order_row& order, const variant_row& variant, std::int64_t quantity) {
  order_item_row x;
  x.order_id = order.id;
  x.store_id = order.store_id;
  x.product_id = variant.product_id;
  x.variant_id = variant.id;
  x.sku = variant.sku;
  x.title = "Oolong";
  x.variant_title = "100 g";
  x.quantity = quantity;
  x.unit_price = variant.price;
  x.tax = 200;
  x.total = quantity * variant.price;
  return x;
}

payment_row new_payment(const order_row& order) {
  payment_row x;
  x.id = new_id_beside(order.id);
  x.order_id = order.id;
  x.store_id = order.store_id;
  x.provider = "sandbox";
  x.method_token = "tok_ok";
  x.amount = order.total;
  x.currency = order.currency;
  x.created_at = at();
  x.updated_at = at();
  return x;
}

review_row new_review(const product_row& product, const ulid& user) {
  review_row x;
  x.id = new_id_beside(product.id);
  x.product_id = product.id;
  x.store_id = product.store_id;
  x.user_id = user;
  x.author = "Ada";
  x.rating = 4;
  x.comment = "Lasts five infusions";
  x.created_at = at();
  return x;
}

import_row new_import(const ulid& store) {
  import_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.created_at = at();
  x.updated_at = at();
  return x;
}

insert_level level_of(const variant_row& variant, bool backorder) {
  return {{variant.id, variant.store_id, 0, 0, backorder, -1}};
}

move_stock moved(const variant_row& variant, std::int64_t on_hand, std::int64_t reserved,
                 const std::string& reason) {
  return {variant.id, variant.store_id, on_hand, reserved, reason, {}, {}, "", at()};
}

insert_reservation reserved(const order_row& order, const variant_row& variant, std::int64_t quantity) {
  return {{order.id, variant.id, order.store_id, quantity, reservation_state::held, at(900)}};
}

set_reservations all_reservations(const order_row& order, reservation_state state, timestamp deadline) {
  return {order.id, order.store_id, state, deadline};
}

insert_idempotency_key key_of(const order_row& order, const std::string& key) {
  return {order.store_id, order.user_id, key, new_hash(), order.id, at()};
}

emit_event event_about(const ulid& subject, const std::string& topic) {
  return {subject, topic, subject, {{"id", subject.str()}}, at()};
}

shop::shop(store_under_test& db, std::int64_t stock)
  : shard(db), store(new_store(shard.id())), product(new_product(store.id)), variant(new_variant(product)) {
  shard.write(insert_store{store}, insert_product{product}, put_variant{variant}, level_of(variant),
              moved(variant, stock, 0, "initial"));
}

level_row shop::level() const {
  return shard.db.reader().load_stock(variant.id).value().level;
}

write_set shop::checkout(const order_row& order, std::int64_t quantity) const {
  return in_shard(shard.id(), insert_order{order, {item_of(order, variant, quantity)}},
                  tests::reserved(order, variant, quantity), moved(variant, 0, quantity, "reserved"),
                  event_about(order.id, "order.created"));
}

} // namespace souk::tests
