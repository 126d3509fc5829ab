#include "storage/arbitrary_parts.hpp"

namespace souk::tests {

using namespace storage;

namespace {

void append_utf8(std::string& out, std::uint32_t c) {
  auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

ulid any_id(shard_id shard) {
  return new_id(shard);
}

} // namespace

std::string any_text() {
  static const auto character = rc::gen::oneOf(
    rc::gen::inRange<std::uint32_t>(0x20, 0x7f),
    rc::gen::elementOf(std::vector<std::uint32_t>{'"',  '\'',   '\\',   '{',    '}',    ',',     '%',
                                                  '$',  '\n',   '\r',   '\t',   1,      0x7f,    0xa0,
                                                  0xe9, 0x200b, 0x2028, 0xfeff, 0xfffd, 0x1f6d2, 0x10ffff}),
    rc::gen::inRange<std::uint32_t>(0x80, 0xd800), rc::gen::inRange<std::uint32_t>(0xe000, 0x110000));
  std::string out;
  for (auto c : *rc::gen::container<std::vector<std::uint32_t>>(character))
    append_utf8(out, c);
  return out;
}

std::int64_t any_money() {
  return *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 100'000),
                         rc::gen::just<std::int64_t>((1LL << 53) + 1),
                         rc::gen::just<std::int64_t>(4'611'686'018'427'387'905LL));
}

std::int64_t any_int64() {
  return *rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(),
                         rc::gen::just(std::numeric_limits<std::int64_t>::min()),
                         rc::gen::just(std::numeric_limits<std::int64_t>::max()));
}

timestamp any_time() {
  return timestamp{std::chrono::microseconds{*rc::gen::inRange<std::int64_t>(0, 7'258'118'400'000'000)}};
}

user_row any_user(shard_id shard) {
  user_row x;
  x.id = any_id(shard);
  x.kind = one_of({user_kind::registered, user_kind::guest});
  x.email = any_text();
  x.name = any_text();
  x.password_hash = any_text();
  x.created_at = any_time();
  return x;
}

session_row any_session(const ulid& user) {
  auto x = new_session(user);
  x.kind = one_of({session_kind::login, session_kind::guest, session_kind::api});
  if (coin())
    x.store_id = any_id(*rc::gen::arbitrary<std::uint8_t>());
  x.label = any_text();
  x.created_at = any_time();
  return x;
}

store_row any_store(shard_id shard) {
  store_row x;
  x.id = any_id(shard);
  x.owner_id = any_id(*rc::gen::arbitrary<std::uint8_t>());
  x.name = any_text();
  x.slug = any_text();
  x.currency = one_of<std::string>({"EUR", "JPY", "KWD"});
  x.tax_rate_ppm = *rc::gen::inRange(0, 1'000'000);
  x.tax_inclusive = coin();
  x.shipping_zones = some(3, [] {
    return shipping_zone{any_text(), some(3, any_text), some(3, [] {
                           return shipping_rate{any_text(), any_money(), coin() ? -1 : any_money(), any_money(),
                                                coin() ? -1 : any_money()};
                         })};
  });
  x.logo_url = any_text();
  x.description = any_text();
  x.status = one_of({store_status::open, store_status::closed});
  x.created_at = any_time();
  x.updated_at = any_time();
  x.settings = any_settings();
  return x;
}

product_row any_product(const ulid& store) {
  product_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.handle = any_text() + x.id.str();
  x.title = any_text();
  x.description = any_text();
  x.vendor = any_text();
  x.category = any_text();
  x.product_type = any_text();
  x.tags = some(4, any_text);
  x.status = one_of({product_status::draft, product_status::active, product_status::archived});
  x.options = some(3, [] { return product_option{any_text()}; });
  x.images = some(3, [] { return product_image{any_text(), any_text()}; });
  x.seo_title = any_text();
  x.seo_description = any_text();
  x.created_at = any_time();
  x.updated_at = any_time();
  return x;
}

variant_row any_variant(const product_row& product, std::int32_t position) {
  variant_row x;
  x.id = new_id_beside(product.id);
  x.store_id = product.store_id;
  x.product_id = product.id;
  x.position = position;
  x.sku = coin() ? "" : any_text() + x.id.str();
  x.barcode = any_text();
  x.option_values = some(3, any_text);
  x.price = any_money();
  x.compare_at = coin() ? -1 : any_money();
  x.grams = any_money();
  x.attributes = some(4, [] { return std::pair{any_text() + new_id(0).str(), any_text()}; });
  x.requires_shipping = coin();
  x.taxable = coin();
  x.removed = coin();
  x.image_url = any_text();
  return x;
}

cart_row any_cart(const ulid& store) {
  cart_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.user_id = any_id(*rc::gen::arbitrary<std::uint8_t>());
  x.lines = some(5, [&] {
    return cart_line{new_id_beside(store), new_id_beside(store),
                     *rc::gen::inRange<std::int64_t>(1, 1'000'000), any_money(), any_time()};
  });
  x.updated_at = any_time();
  x.expires_at = any_time();
  x.reminded_at = maybe_time();
  return x;
}

order_row any_order(const ulid& store) {
  order_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.user_id = any_id(*rc::gen::arbitrary<std::uint8_t>());
  x.status = one_of({order_status::pending, order_status::paid, order_status::shipped,
                     order_status::delivered, order_status::cancelled, order_status::refunded});
  x.payment = one_of(
    {payment_status::pending, payment_status::completed, payment_status::failed, payment_status::refunded,
     payment_status::authorized, payment_status::partially_refunded});
  x.currency = "EUR";
  x.subtotal = any_money();
  x.shipping = any_money();
  x.tax = any_money();
  x.total = any_money();
  x.address = {any_text(), any_text(), any_text(), any_text(),
               any_text(), any_text(), any_text(), any_text()};
  x.shipping_method = any_text();
  x.email = any_text();
  x.note = any_text();
  x.created_at = any_time();
  x.updated_at = any_time();
  x.discount = any_money();
  x.gift_card = any_money();
  x.refunded = up_to(x.total);
  x.fulfilment = one_of({fulfilment_status::unfulfilled, fulfilment_status::partial, fulfilment_status::fulfilled});
  x.language = any_text();
  x.recovered = coin();
  x.pricing = any_pricing();
  return x;
}

order_item_row any_item(const order_row& order, std::int32_t line) {
  order_item_row x;
  x.order_id = order.id;
  x.line = line;
  x.store_id = order.store_id;
  x.product_id = new_id_beside(order.id);
  x.variant_id = new_id_beside(order.id);
  x.sku = any_text();
  x.title = any_text();
  x.variant_title = any_text();
  x.quantity = *rc::gen::inRange<std::int64_t>(1, 1'000'000);
  x.unit_price = any_money();
  x.tax = any_money();
  x.total = any_money();
  x.discount = up_to(x.total);
  x.tax_rate_ppm = any_ppm();
  x.grams = any_money();
  x.requires_shipping = coin();
  return x;
}

payment_row any_payment(const order_row& order) {
  auto x = new_payment(order);
  x.provider = any_text();
  x.method_token = any_text();
  x.amount = any_money();
  x.state = one_of({attempt_state::started, attempt_state::pending, attempt_state::requires_action,
                    attempt_state::succeeded, attempt_state::declined, attempt_state::cancelling,
                    attempt_state::cancelled, attempt_state::refunding, attempt_state::refunded,
                    attempt_state::authorized, attempt_state::capturing});
  x.provider_reference = any_text();
  x.error_code = any_text();
  x.action_url = any_text();
  x.created_at = any_time();
  x.updated_at = any_time();
  x.captured = up_to(x.amount);
  x.refunded = up_to(x.amount);
  return x;
}

review_row any_review(const product_row& product) {
  auto x = new_review(product, any_id(*rc::gen::arbitrary<std::uint8_t>()));
  x.author = any_text();
  x.rating = *rc::gen::inRange(1, 6);
  x.comment = any_text();
  x.verified = coin();
  x.created_at = any_time();
  return x;
}

import_row any_import(const ulid& store) {
  auto x = new_import(store);
  x.status = one_of({import_status::running, import_status::finished, import_status::failed});
  x.products = any_int64();
  x.variants = any_money();
  x.errors = some(5, [] { return import_error{any_money(), any_text()}; });
  x.created_at = any_time();
  x.updated_at = any_time();
  return x;
}

emit_event any_event(shard_id shard) {
  emit_event x;
  x.subject = any_id(shard);
  if (coin())
    x.store_id = any_id(shard);
  x.topic = any_text();
  x.fields = some(4, [] { return std::pair{any_text() + new_id(0).str(), any_text()}; });
  x.at = any_time();
  return x;
}

} // namespace souk::tests
