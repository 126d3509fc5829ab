// Predictable conflicts are answers for one write set; the rest of its batch is written.

#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

namespace {

/// Commits the write set between two innocent ones and expects that it alone is refused.
write_result refused_alone(owned_shard& shard, const write_set& ws) {
  auto before = new_user(shard.id()), after = new_user(shard.id());
  auto out =
    shard.commit({in_shard(shard.id(), insert_user{before}), ws, in_shard(shard.id(), insert_user{after})});
  REQUIRE(out.what == kind::committed);
  REQUIRE(out.results.size() == 3);
  CHECK(out.results[0].refused == refusal::none);
  CHECK(out.results[2].refused == refusal::none);
  CHECK(shard.db.reader().load_user(before.id).has_value());
  CHECK(shard.db.reader().load_user(after.id).has_value());
  CHECK(out.results[1].drawn_number == 0);
  return out.results[1];
}

} // namespace

TEST_CASE("a write set whose SKU is taken is refused alone, the rest of its batch is written", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto twin = new_variant(s.product, 2);
  twin.sku = s.variant.sku;
  auto beside = new_variant(s.product, 3);

  auto result =
    refused_alone(s.shard, in_shard(s.shard.id(), put_variant{beside}, level_of(beside), put_variant{twin},
                                    event_about(s.product.id, "product.updated")));

  CHECK(result.refused == refusal::sku_taken);
  CHECK(result.detail == twin.sku);
  CHECK(db.reader().load_product(s.product.id)->variants.size() == 1); // nothing of the write set is there
  auto events = db.outbox().read(s.shard.id(), 0, 0, 100);
  CHECK(std::none_of(events.begin(), events.end(),
                     [](const auto& e) { return e.event.topic == "product.updated"; }));
}

TEST_CASE("of two write sets of a batch that want the same SKU the first gets it", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto first = new_variant(s.product, 2), second = new_variant(s.product, 3);
  second.sku = first.sku;

  auto out =
    s.shard.commit({in_shard(s.shard.id(), put_variant{first}), in_shard(s.shard.id(), put_variant{second})});

  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].refused == refusal::none);
  CHECK(out.results[1].refused == refusal::sku_taken);
  CHECK(out.results[1].detail == first.sku);
  auto variants = db.reader().load_product(s.product.id).value().variants;
  REQUIRE(variants.size() == 2);
  CHECK(variants[1] == first);
}

TEST_CASE("a SKU belongs to one store, is free without text, and is free again once its variant is removed",
          "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto neighbour = new_store(s.shard.id());
  auto theirs = new_product(neighbour.id);
  auto same = new_variant(theirs);
  same.sku = s.variant.sku;
  CHECK(s.shard.write(insert_store{neighbour}, insert_product{theirs}, put_variant{same}).refused
        == refusal::none);

  auto a = new_variant(s.product, 2), b = new_variant(s.product, 3);
  a.sku = b.sku = "";
  CHECK(s.shard.write(put_variant{a}, put_variant{b}).refused == refusal::none);

  INFO("writing a variant again with its own SKU");
  CHECK(s.shard.write(put_variant{s.variant}).refused == refusal::none);

  auto gone = s.variant;
  gone.removed = true;
  auto heir = new_variant(s.product, 4);
  heir.sku = s.variant.sku;
  CHECK(s.shard.write(put_variant{gone}).refused == refusal::none);
  CHECK(s.shard.write(put_variant{heir}).refused == refusal::none);
  CHECK(s.shard.write(put_variant{s.variant}).refused
        == refusal::sku_taken); // and its old owner cannot have it back
}

TEST_CASE("a write set hands a SKU from one variant to another", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto without = s.variant;
  without.sku = "";
  auto heir = new_variant(s.product, 2);
  heir.sku = s.variant.sku;

  CHECK(s.shard.write(put_variant{without}, put_variant{heir}).refused == refusal::none);

  auto variants = db.reader().load_product(s.product.id).value().variants;
  REQUIRE(variants.size() == 2);
  CHECK(variants[0].sku.empty());
  CHECK(variants[1].sku == heir.sku);
}

TEST_CASE("a product whose handle is taken is refused, new or renamed", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto twin = new_product(s.store.id);
  twin.handle = s.product.handle;
  auto result = refused_alone(s.shard, in_shard(s.shard.id(), insert_product{twin}));
  CHECK(result.refused == refusal::handle_taken);
  CHECK(result.detail == s.product.handle);

  auto other = new_product(s.store.id);
  s.shard.write(insert_product{other});
  auto old_handle = other.handle;
  other.handle = s.product.handle;
  result = refused_alone(s.shard, in_shard(s.shard.id(), update_product{other, 1}));
  CHECK(result.refused == refusal::handle_taken);
  CHECK(db.reader().load_product(other.id)->product.handle == old_handle);
  CHECK(db.reader().load_product(other.id)->product.version == 1);

  INFO("another store may have it");
  auto neighbour = new_store(s.shard.id());
  auto theirs = new_product(neighbour.id);
  theirs.handle = s.product.handle;
  CHECK(s.shard.write(insert_store{neighbour}, insert_product{theirs}).refused == refusal::none);
}

TEST_CASE("a checkout whose key is used is refused with the first order's id and draws no number",
          "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto user = new_id(3);
  auto first = new_order(s.store.id, user), twin = new_order(s.store.id, user),
       next = new_order(s.store.id, user);
  auto checkout_with = [&](const order_row& order, const std::string& key) {
    auto ws = s.checkout(order, 1);
    ws.mutations.push_back(key_of(order, key));
    return ws;
  };
  CHECK(s.shard.write_set(checkout_with(first, "k-1")).drawn_number == 1001);

  auto result = refused_alone(s.shard, checkout_with(twin, "k-1"));

  CHECK(result.refused == refusal::key_used);
  CHECK(result.detail == first.id.str());
  CHECK_FALSE(db.reader().load_order(twin.id).has_value());
  CHECK(s.level().reserved == 1);
  CHECK(s.shard.write_set(checkout_with(next, "k-2")).drawn_number == 1002);
}

TEST_CASE("of twins in one batch one is placed", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto user = new_id(3);
  auto first = new_order(s.store.id, user), twin = new_order(s.store.id, user),
       third = new_order(s.store.id, user);
  auto set_of = [&](const order_row& order, const std::string& key) {
    auto ws = s.checkout(order, 1);
    ws.mutations.push_back(key_of(order, key));
    return ws;
  };

  auto out = s.shard.commit({set_of(first, "k"), set_of(twin, "k"), set_of(third, "k2")});

  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].drawn_number == 1001);
  CHECK(out.results[1].refused == refusal::key_used);
  CHECK(out.results[1].detail == first.id.str());
  CHECK(out.results[2].drawn_number == 1002);
  CHECK_FALSE(db.reader().load_order(twin.id).has_value());
  CHECK(s.level().reserved == 2);
}

TEST_CASE("the same key of another caller or store is another key", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto neighbour = new_store(s.shard.id());
  s.shard.write(insert_store{neighbour});
  auto order = new_order(s.store.id, new_id(3)), others = new_order(s.store.id, new_id(3));
  auto elsewhere = new_order(neighbour.id, order.user_id);

  CHECK(s.shard.write(insert_order{order, {}}, key_of(order, "k")).refused == refusal::none);
  CHECK(s.shard.write(insert_order{others, {}}, key_of(others, "k")).refused == refusal::none);
  CHECK(s.shard.write(insert_order{elsewhere, {}}, key_of(elsewhere, "k")).refused == refusal::none);
}

TEST_CASE("a command done before is refused as existing, whatever its rows have become", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto order = new_order(s.store.id, new_id(3));
  auto ws = s.checkout(order, 2);
  s.shard.write_set(ws);
  auto paid = order;
  paid.status = order_status::paid;
  s.shard.write(update_order{paid, 1}, all_reservations(order, reservation_state::claimed),
                moved(s.variant, -2, -2, "sold"));

  CHECK(refused_alone(s.shard, ws).refused == refusal::exists);
  CHECK(s.level().on_hand == 8);
  CHECK(s.level().reserved == 0);
  CHECK(db.reader().load_order(order.id)->order.status == order_status::paid);

  INFO("every id that a command draws");
  auto user = new_user(s.shard.id());
  auto payment = new_payment(order);
  auto import = new_import(s.store.id);
  auto review = new_review(s.product, new_id(4));
  auto cart = new_cart(s.store.id, new_id(4));
  s.shard.write(insert_user{user}, insert_payment{payment}, insert_import{import}, insert_review{review},
                insert_cart{cart});
  for (const auto& again : std::vector<mutation>{
         insert_user{user}, insert_store{s.store}, insert_product{s.product}, insert_payment{payment},
         insert_import{import}, insert_review{review}, insert_cart{cart}}) {
    CAPTURE(again.index());
    CHECK(refused_alone(s.shard, {s.shard.id(), {again}}).refused == refusal::exists);
  }
}

TEST_CASE("the same command twice in one batch is done once", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto order = new_order(s.store.id, new_id(3));

  auto out = s.shard.commit({s.checkout(order, 2), s.checkout(order, 2)});

  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].drawn_number == 1001);
  CHECK(out.results[1].refused == refusal::exists);
  CHECK(s.level().reserved == 2);
}

TEST_CASE("a user reviews a product once and votes for a review once", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto user = new_id(6);
  auto review = new_review(s.product, user), second = new_review(s.product, user),
       others = new_review(s.product, new_id(6));
  s.shard.write(insert_review{review});

  CHECK(refused_alone(s.shard, in_shard(s.shard.id(), insert_review{second})).refused
        == refusal::already_reviewed);
  CHECK_FALSE(db.reader().load_review(second.id).has_value());
  CHECK(s.shard.write(insert_review{others}).refused == refusal::none);

  insert_review_vote vote{review.id, s.product.id, s.store.id, new_id(6)};
  CHECK(s.shard.write(vote).refused == refusal::none);
  CHECK(refused_alone(s.shard, in_shard(s.shard.id(), vote)).refused == refusal::already_voted);
  vote.user_id = new_id(6);
  CHECK(s.shard.write(vote).refused == refusal::none);
  CHECK(db.reader().load_review(review.id)->helpful == 2);
}

TEST_CASE("a refused write set leaves what others of its batch want free", "[refusal]") {
  ON_EVERY_STORE;
  shop s(db);
  auto refused = new_variant(s.product, 2), wants_it = new_variant(s.product, 3),
       twin = new_variant(s.product, 4);
  twin.sku = s.variant.sku;
  wants_it.sku = refused.sku;

  auto out = s.shard.commit({in_shard(s.shard.id(), put_variant{refused}, put_variant{twin}),
                             in_shard(s.shard.id(), put_variant{wants_it})});

  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].refused == refusal::sku_taken);
  CHECK(out.results[1].refused == refusal::none);
  CHECK(db.reader().load_product(s.product.id)->variants.back() == wants_it);
}
