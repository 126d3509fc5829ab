#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

TEST_CASE("stock deltas of a batch are summed per variant", "[stock]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  auto other = new_variant(s.product, 2);
  s.shard.write(put_variant{other}, level_of(other));

  auto out = s.shard.commit(
    {in_shard(s.shard.id(), moved(s.variant, 5, 0, "restocked"), moved(other, 7, 0, "initial")),
     in_shard(s.shard.id(), moved(s.variant, 0, 3, "reserved")),
     in_shard(s.shard.id(), moved(s.variant, -1, 0, "adjusted"))});

  REQUIRE(out.what == kind::committed);
  CHECK(s.level().on_hand == 14);
  CHECK(s.level().reserved == 3);
  CHECK(db.reader().load_stock(other.id)->level.on_hand == 7);
}

TEST_CASE("reserving more than there is fails the batch and writes nothing of it", "[stock]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  auto order = new_order(s.store.id, new_id(1));

  auto out =
    s.shard.commit({s.checkout(order, 4), in_shard(s.shard.id(), moved(s.variant, 0, 7, "reserved"))});

  CHECK(out.what == kind::failed);
  CHECK_FALSE(db.reader().load_order(order.id).has_value());
  CHECK(s.level().reserved == 0);
  CHECK(s.shard.commit({s.checkout(order, 10)}).what == kind::committed);
  CHECK(s.level().reserved == 10);
}

TEST_CASE("deltas that are valid only together pass when one batch holds them, in either order", "[stock]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  auto restock = in_shard(s.shard.id(), moved(s.variant, 20, 0, "restocked"));
  auto reserve = in_shard(s.shard.id(), moved(s.variant, 0, 25, "reserved"));

  bool restock_first = GENERATE(true, false);
  auto out = restock_first ? s.shard.commit({restock, reserve}) : s.shard.commit({reserve, restock});

  REQUIRE(out.what == kind::committed);
  CHECK(s.level().on_hand == 30);
  CHECK(s.level().reserved == 25);
}

TEST_CASE(
  "stock below zero, reservations below zero and stock under reservations are refused by the database",
  "[stock]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  s.shard.write(moved(s.variant, 0, 6, "reserved"));

  CHECK(s.shard.commit({in_shard(s.shard.id(), moved(s.variant, -5, 0, "adjusted"))}).what == kind::failed);
  CHECK(s.shard.commit({in_shard(s.shard.id(), moved(s.variant, 0, -7, "released"))}).what == kind::failed);
  CHECK(s.shard.commit({in_shard(s.shard.id(), moved(s.variant, -11, -6, "adjusted"))}).what == kind::failed);
  CHECK(s.shard.commit({in_shard(s.shard.id(), moved(s.variant, -4, 0, "adjusted"))}).what
        == kind::committed);
  CHECK(s.level().on_hand == 6);
  CHECK(s.level().reserved == 6);
}

TEST_CASE("a variant that allows back-orders sells below zero, others never", "[stock]") {
  ON_EVERY_STORE;
  shop s(db, 1);
  s.shard.write(set_level_policy{s.variant.id, s.store.id, true, 5});

  REQUIRE(s.shard.commit({in_shard(s.shard.id(), moved(s.variant, 0, 3, "reserved"))}).what
          == kind::committed);
  CHECK(s.level() == level_row{s.variant.id, s.store.id, 1, 3, true, 5});

  INFO("turning the policy back while more is reserved than there is");
  CHECK(s.shard.commit({in_shard(s.shard.id(), set_level_policy{s.variant.id, s.store.id, false, 5})}).what
        == kind::failed);
  REQUIRE(s.shard.commit({in_shard(s.shard.id(), moved(s.variant, -3, -3, "sold"))}).what == kind::committed);
  CHECK(s.level().on_hand == -2);
  CHECK(s.level().reserved == 0);
}

TEST_CASE("a variant is created with its level and its first stock in one write set", "[stock]") {
  ON_EVERY_STORE;
  shop s(db);
  auto variant = new_variant(s.product, 2);

  s.shard.write(put_variant{variant}, level_of(variant), set_level_policy{variant.id, s.store.id, false, 3},
                moved(variant, 4, 0, "initial"));

  auto stock = db.reader().load_stock(variant.id);
  REQUIRE(stock.has_value());
  CHECK(stock->level == level_row{variant.id, s.store.id, 4, 0, false, 3});
  CHECK(stock->variant == variant);
  CHECK(stock->product_title == s.product.title);
  CHECK(stock->product == s.product.status);
  CHECK(stock->open.empty());
}

TEST_CASE("stock does not move for a variant that is missing or another store's", "[stock]") {
  ON_EVERY_STORE;
  shop s(db);
  auto neighbour = new_store(s.shard.id());
  s.shard.write(insert_store{neighbour});
  auto theirs = s.variant;
  theirs.store_id = neighbour.id;

  CHECK(s.shard.commit({in_shard(s.shard.id(), moved(theirs, 1, 0, "adjusted"))}).what == kind::failed);
  CHECK(s.shard.commit({in_shard(s.shard.id(), moved(new_variant(s.product), 1, 0, "adjusted"))}).what
        == kind::failed);
  CHECK(s.level().on_hand == 10);
}

TEST_CASE("a reservation is held, pinned, and in the end claimed or released", "[stock][reservation]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  auto order = new_order(s.store.id, new_id(1));
  s.shard.write_set(s.checkout(order, 3));

  auto open = db.reader().load_stock(s.variant.id)->open;
  REQUIRE(open.size() == 1);
  CHECK(open[0] == reservation_row{order.id, s.variant.id, s.store.id, 3, reservation_state::held, at(900)});

  s.shard.write(all_reservations(order, reservation_state::pinned));
  open = db.reader().load_stock(s.variant.id)->open;
  REQUIRE(open.size() == 1);
  CHECK(open[0].state == reservation_state::pinned);

  INFO("back to held, with a new deadline");
  s.shard.write(all_reservations(order, reservation_state::held, at(1800)));
  open = db.reader().load_stock(s.variant.id)->open;
  REQUIRE(open.size() == 1);
  CHECK(open[0].state == reservation_state::held);
  CHECK(open[0].deadline == at(1800));

  auto last = GENERATE(reservation_state::claimed, reservation_state::released);
  s.shard.write(all_reservations(order, last));
  CHECK(db.reader().load_stock(s.variant.id)->open.empty());
  auto kept = db.reader().load_order(order.id)->reservations;
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].state == last);

  INFO("the end is final");
  s.shard.write(all_reservations(order, reservation_state::held, at(3600)));
  CHECK(db.reader().load_order(order.id)->reservations.at(0).state == last);
}

TEST_CASE("one write set moves all reservations of its order and nobody else's", "[stock][reservation]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  auto second = new_variant(s.product, 2);
  s.shard.write(put_variant{second}, level_of(second), moved(second, 5, 0, "initial"));
  auto order = new_order(s.store.id, new_id(1)), other = new_order(s.store.id, new_id(1));
  s.shard.write(insert_order{order, {}}, reserved(order, s.variant, 1), reserved(order, second, 2));
  s.shard.write(insert_order{other, {}}, reserved(other, s.variant, 4));

  s.shard.write(all_reservations(order, reservation_state::claimed));

  auto moved_on = db.reader().load_order(order.id).value().reservations;
  CHECK(moved_on.size() == 2);
  for (const auto& r : moved_on)
    CHECK(r.state == reservation_state::claimed);
  auto open = db.reader().load_stock(s.variant.id)->open;
  REQUIRE(open.size() == 1);
  CHECK(open[0].order_id == other.id);
}

TEST_CASE("a reservation made and settled in one batch ends settled", "[stock][reservation]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  auto order = new_order(s.store.id, new_id(1));

  auto out = s.shard.commit({s.checkout(order, 2),
                             in_shard(s.shard.id(), all_reservations(order, reservation_state::pinned)),
                             in_shard(s.shard.id(), all_reservations(order, reservation_state::claimed),
                                      moved(s.variant, -2, -2, "sold"))});

  REQUIRE(out.what == kind::committed);
  CHECK(db.reader().load_order(order.id)->reservations.at(0).state == reservation_state::claimed);
  CHECK(s.level().on_hand == 8);
  CHECK(s.level().reserved == 0);
}

TEST_CASE("a released reservation can be made again, for money that came late; no other can",
          "[stock][reservation]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  auto order = new_order(s.store.id, new_id(1));
  s.shard.write_set(s.checkout(order, 3));
  auto again = reserved(order, s.variant, 3);
  again.row.state = reservation_state::pinned;
  again.row.deadline = at(5000);
  CHECK(s.shard.write(again).refused == refusal::exists);

  s.shard.write(all_reservations(order, reservation_state::released), moved(s.variant, 0, -3, "released"));
  CHECK(s.shard.write(again, moved(s.variant, 0, 3, "reserved")).refused == refusal::none);

  CHECK(db.reader().load_stock(s.variant.id)->open == std::vector{again.row});
  CHECK(db.reader().load_order(order.id)->reservations == std::vector{again.row});
  CHECK(s.level().reserved == 3);

  s.shard.write(all_reservations(order, reservation_state::claimed), moved(s.variant, -3, -3, "sold"));
  CHECK(s.shard.write(again).refused == refusal::exists);
  CHECK(db.reader().load_stock(s.variant.id)->open.empty());
}
