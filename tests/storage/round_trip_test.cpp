// Every row comes back from the reader as it was written, whatever its texts and figures are.

#include "storage/arbitrary_rows.hpp"
#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>

using namespace souk::storage;
using namespace souk::tests;

namespace {

bool coin() {
  return *rc::gen::arbitrary<bool>();
}

template <class Row, class Key>
void sort_by(std::vector<Row>& rows, Key key) {
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return key(a) < key(b); });
}

} // namespace

TEST_CASE("a user, its sessions, carts and orders come back as written", "[round trip]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  CHECK(rc::check("user", [&] {
    auto user = any_user(shard.id());
    auto sessions = std::vector{any_session(user.id), any_session(user.id)};
    user_cart_row cart{user.id, new_id(9), new_id(9), any_time()};
    shard.write(insert_user{user}, insert_session{sessions[0]}, insert_session{sessions[1]},
                put_user_cart{cart}, put_user_order{{user.id, new_id(9), new_id(9), any_time()}});
    auto loaded = db.reader().load_user(user.id);
    RC_ASSERT(loaded.has_value());
    RC_ASSERT(loaded->user == user);
    sort_by(loaded->sessions, [](const auto& s) { return s.hash; });
    sort_by(sessions, [](const auto& s) { return s.hash; });
    RC_ASSERT(loaded->sessions == sessions);
    RC_ASSERT(loaded->carts == std::vector{cart});

    auto changed = any_user(shard.id());
    changed.id = user.id;
    changed.created_at = user.created_at;
    shard.write(update_user{changed, 1}, delete_session{sessions[0].hash, user.id});
    changed.version = 2;
    loaded = db.reader().load_user(user.id);
    RC_ASSERT(loaded->user == changed);
    RC_ASSERT(loaded->sessions == std::vector{sessions[1]});
  }));
}

TEST_CASE("a store comes back as written and as changed", "[round trip]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  CHECK(rc::check("store", [&] {
    auto store = any_store(shard.id());
    shard.write(insert_store{store});
    RC_ASSERT(db.reader().load_store(store.id) == store);

    auto changed = any_store(shard.id());
    changed.id = store.id;
    changed.owner_id = store.owner_id;
    changed.slug = store.slug;
    changed.currency = store.currency;
    changed.created_at = store.created_at;
    shard.write(update_store{changed, 1});
    changed.version = 2;
    RC_ASSERT(db.reader().load_store(store.id) == changed);
  }));
}

TEST_CASE("a product and its variants come back as written and as changed", "[round trip]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto store = new_store(shard.id());
  shard.write(insert_store{store});
  CHECK(rc::check("product", [&] {
    auto product = any_product(store.id);
    auto first = any_variant(product, 1), second = any_variant(product, 2);
    level_row level{first.id, store.id, 0, 0, *rc::gen::arbitrary<bool>(), any_money() - 1};
    shard.write(insert_product{product}, put_variant{second}, put_variant{first}, insert_level{level});
    auto loaded = db.reader().load_product(product.id);
    RC_ASSERT(loaded.has_value());
    RC_ASSERT(loaded->product == product);
    RC_ASSERT((loaded->variants == std::vector{first, second}));
    RC_ASSERT(loaded->levels == std::vector{level});
    RC_ASSERT(db.reader().load_product_by_handle(store.id, product.handle)->product == product);

    auto changed = any_product(store.id);
    changed.id = product.id;
    changed.created_at = product.created_at;
    auto replaced = any_variant(product, 3);
    replaced.id = first.id;
    shard.write(update_product{changed, 1}, put_variant{replaced});
    changed.version = 2;
    loaded = db.reader().load_product(product.id);
    RC_ASSERT(loaded->product == changed);
    RC_ASSERT((loaded->variants == std::vector{second, replaced}));
    RC_ASSERT(!db.reader().load_product_by_handle(store.id, product.handle).has_value());
  }));
}

TEST_CASE("a cart comes back as written, as changed, and not when deleted", "[round trip]") {
  ON_EVERY_STORE;
  shop s(db);
  CHECK(rc::check("cart", [&] {
    auto cart = any_cart(s.store.id);
    s.shard.write(insert_cart{cart});
    RC_ASSERT(db.reader().load_cart(cart.store_id, cart.user_id) == cart);
    RC_ASSERT(!db.reader().load_cart(new_id(0), cart.user_id).has_value());

    auto changed = any_cart(s.store.id);
    changed.id = cart.id;
    changed.user_id = cart.user_id;
    s.shard.write(update_cart{changed, 1});
    changed.version = 2;
    RC_ASSERT(db.reader().load_cart(cart.store_id, cart.user_id) == changed);

    s.shard.write(delete_cart{cart.id, cart.store_id});
    RC_ASSERT(!db.reader().load_cart(cart.store_id, cart.user_id).has_value());
  }));
}

TEST_CASE("an order with its items and payments comes back as placed, and an update changes its state only",
          "[round trip]") {
  ON_EVERY_STORE;
  shop s(db);
  CHECK(rc::check("order", [&] {
    auto order = any_order(s.store.id);
    std::vector items{any_item(order, 1), any_item(order, 2), any_item(order, 3)};
    auto payment = any_payment(order), later = any_payment(order);
    payment.created_at = at();
    later.created_at = at(1);
    auto drawn = s.shard.write(insert_order{order, items}, insert_payment{later}, insert_payment{payment});
    order.number = drawn.drawn_number;
    auto loaded = db.reader().load_order(order.id);
    RC_ASSERT(loaded.has_value());
    RC_ASSERT(loaded->order == order);
    RC_ASSERT(loaded->items == items);
    RC_ASSERT((loaded->payments == std::vector{payment, later}));

    auto changed = any_order(s.store.id);
    changed.id = order.id;
    changed.carrier = any_text();
    changed.tracking_number = any_text();
    changed.tracking_url = any_text();
    changed.refunded = coin() ? order.total : 0;
    auto moved_on = any_payment(order);
    moved_on.id = payment.id;
    moved_on.captured = moved_on.refunded = coin() ? payment.amount : 0;
    s.shard.write(update_order{changed, 1}, update_payment{moved_on});
    auto expected = order;
    expected.status = changed.status;
    expected.payment = changed.payment;
    expected.note = changed.note;
    expected.carrier = changed.carrier;
    expected.tracking_number = changed.tracking_number;
    expected.tracking_url = changed.tracking_url;
    expected.updated_at = changed.updated_at;
    expected.refunded = changed.refunded;
    expected.fulfilment = changed.fulfilment;
    expected.version = 2;
    auto expected_payment = payment;
    expected_payment.state = moved_on.state;
    expected_payment.provider_reference = moved_on.provider_reference;
    expected_payment.error_code = moved_on.error_code;
    expected_payment.action_url = moved_on.action_url;
    expected_payment.captured = moved_on.captured;
    expected_payment.refunded = moved_on.refunded;
    expected_payment.updated_at = moved_on.updated_at;
    loaded = db.reader().load_order(order.id);
    RC_ASSERT(loaded->order == expected);
    RC_ASSERT(loaded->items == items);
    RC_ASSERT((loaded->payments == std::vector{expected_payment, later}));
  }));
}

TEST_CASE("an idempotency key comes back with its body's hash and its order", "[round trip]") {
  ON_EVERY_STORE;
  shop s(db);
  CHECK(rc::check("idempotency key", [&] {
    auto order = new_order(s.store.id, new_id(2));
    auto key = key_of(order, any_text());
    key.at = any_time();
    s.shard.write(insert_order{order, {}}, key);
    auto loaded = db.reader().load_idempotency(s.store.id, order.user_id, key.key);
    RC_ASSERT(loaded.has_value());
    RC_ASSERT(loaded->body_hash == key.body_hash);
    RC_ASSERT(loaded->order_id == order.id);
    RC_ASSERT(loaded->at == key.at);
    RC_ASSERT(!db.reader().load_idempotency(s.store.id, new_id(2), key.key).has_value());
    RC_ASSERT(!db.reader().load_idempotency(s.store.id, order.user_id, key.key + "x").has_value());
  }));
}

TEST_CASE("a review and an import come back as written and as changed", "[round trip]") {
  ON_EVERY_STORE;
  shop s(db);
  CHECK(rc::check("review, import", [&] {
    auto review = any_review(s.product);
    auto import = any_import(s.store.id);
    s.shard.write(insert_review{review}, insert_import{import});
    RC_ASSERT(db.reader().load_review(review.id) == review);
    RC_ASSERT(db.reader().load_import(import.id) == import);

    auto changed = any_import(s.store.id);
    changed.id = import.id;
    changed.created_at = import.created_at;
    s.shard.write(insert_review_vote{review.id, review.product_id, review.store_id, new_id(1)},
                  update_import{changed});
    ++review.helpful;
    RC_ASSERT(db.reader().load_review(review.id) == review);
    RC_ASSERT(db.reader().load_import(import.id) == changed);
  }));
}

TEST_CASE("an event comes back with its fields in their order", "[round trip]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  CHECK(rc::check("event", [&] {
    auto first = any_event(shard.id()), second = any_event(shard.id());
    auto before = shard.held.seq;
    shard.write(first, second);
    auto events = db.outbox().read(shard.id(), before, std::numeric_limits<std::int32_t>::max(), 10);
    RC_ASSERT(events.size() == 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& written = i == 0 ? first : second;
      const auto& e = events[i].event;
      RC_ASSERT(events[i].shard == shard.id());
      RC_ASSERT(events[i].seq == shard.held.seq);
      RC_ASSERT(e.store_id == written.store_id);
      RC_ASSERT(e.topic == written.topic);
      RC_ASSERT(e.subject == written.subject);
      RC_ASSERT(e.fields == written.fields);
      RC_ASSERT(e.at == written.at);
    }
  }));
}

TEST_CASE("what was never written is not there", "[round trip]") {
  ON_EVERY_STORE;
  auto id = new_id(200);
  auto& r = db.reader();
  CHECK_FALSE(r.load_user(id).has_value());
  CHECK_FALSE(r.load_store(id).has_value());
  CHECK_FALSE(r.load_product(id).has_value());
  CHECK_FALSE(r.load_product_by_handle(id, "tea").has_value());
  CHECK_FALSE(r.load_stock(id).has_value());
  CHECK_FALSE(r.load_cart(id, id).has_value());
  CHECK_FALSE(r.load_order(id).has_value());
  CHECK_FALSE(r.load_idempotency(id, id, "").has_value());
  CHECK_FALSE(r.load_review(id).has_value());
  CHECK_FALSE(r.load_import(id).has_value());
  CHECK_FALSE(r.has_bought(id, id, id));
  CHECK_FALSE(r.load_discount(id, "TEA").has_value());
  CHECK_FALSE(r.has_used(id, "TEA", "ada@example.com"));
  CHECK_FALSE(r.load_gift_card(id, "ab").has_value());
  CHECK(r.load_webhooks(id).webhooks.empty());
  CHECK(r.load_webhooks(id).waiting.empty());
  CHECK_FALSE(r.load_delivery(id).has_value());
  CHECK_FALSE(r.load_mail_template(id, "order_confirmed", "en").has_value());
  CHECK_FALSE(r.load_suppression(id, "ada@example.com").has_value());
  CHECK_FALSE(r.load_mail(id).has_value());
}

// --- the user's side ---

TEST_CASE("sessions that have expired are not loaded", "[user]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto user = new_user(shard.id());
  auto good = new_session(user.id), old = new_session(user.id);
  old.expires_at = db.ownership().now() - std::chrono::seconds{1};
  shard.write(insert_user{user}, insert_session{good}, insert_session{old});

  CHECK(db.reader().load_user(user.id)->sessions == std::vector{good});

  INFO("somebody else cannot end it; its user can, and twice");
  shard.write(delete_session{good.hash, new_id(shard.id())});
  CHECK(db.reader().load_user(user.id)->sessions.size() == 1);
  shard.write(delete_session{good.hash, user.id});
  shard.write(delete_session{good.hash, user.id});
  CHECK(db.reader().load_user(user.id)->sessions.empty());
}

TEST_CASE("the cart last touched only moves forward in the user's index", "[user]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto user = new_user(shard.id());
  auto tea = new_id(1), shoes = new_id(2), cart = new_id(1);
  shard.write(insert_user{user}, put_user_cart{{user.id, tea, cart, at(100)}},
              put_user_cart{{user.id, shoes, new_id(2), at(50)}});
  shard.write(put_user_cart{{user.id, tea, cart, at(200)}});
  shard.write(put_user_cart{{user.id, tea, cart, at(150)}});

  auto carts = db.reader().load_user(user.id).value().carts;
  CHECK(carts.size() == 2);
  CHECK(std::count(carts.begin(), carts.end(), user_cart_row{user.id, tea, cart, at(200)}) == 1);

  shard.write(delete_user_cart{user.id, tea});
  shard.write(delete_user_cart{user.id, tea});
  carts = db.reader().load_user(user.id).value().carts;
  REQUIRE(carts.size() == 1);
  CHECK(carts[0].store_id == shoes);
}

TEST_CASE("an order put into the user's index twice is there once", "[user]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto user = new_user(shard.id());
  user_order_row row{user.id, new_id(1), new_id(1), at()};
  shard.write(insert_user{user}, put_user_order{row});
  CHECK(shard.write(put_user_order{row}).refused == refusal::none);
  CHECK(
    shard.commit({in_shard(shard.id(), put_user_order{row}), in_shard(shard.id(), put_user_order{row})}).what
    == commit_outcome::kind::committed);
}
