#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

// Money that comes after the stock was released is honoured if the stock can be had again.

TEST_CASE("a released reservation may be made again, in a later batch or in the same one", "[stock]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  auto order = new_order(s.store.id, new_id(1));
  s.shard.write_set(s.checkout(order, 4));
  auto release = in_shard(s.shard.id(), all_reservations(order, reservation_state::released),
                          moved(s.variant, 0, -4, "released"));
  auto again = in_shard(s.shard.id(), reserved(order, s.variant, 3), moved(s.variant, 0, 3, "reserved"));

  bool same_batch = GENERATE(false, true);
  if (same_batch) {
    REQUIRE(s.shard.commit({release, again}).what == kind::committed);
  } else {
    s.shard.write_set(release);
    s.shard.write_set(again);
  }

  auto found = db.reader().load_order(order.id)->reservations;
  REQUIRE(found.size() == 1);
  CHECK(found[0].state == reservation_state::held);
  CHECK(found[0].quantity == 3);
  CHECK(s.level().reserved == 3);
}

TEST_CASE("a reservation that is open or claimed is not made again", "[stock]") {
  ON_EVERY_STORE;
  shop s(db, 10);
  auto order = new_order(s.store.id, new_id(1));
  s.shard.write_set(s.checkout(order, 4));
  if (GENERATE(false, true))
    s.shard.write(all_reservations(order, reservation_state::claimed), moved(s.variant, -4, -4, "sold"));
  const auto before = s.level();

  auto out = s.shard.commit({in_shard(s.shard.id(), reserved(order, s.variant, 4), moved(s.variant, 0, 4, "reserved"))});

  REQUIRE(out.what == kind::committed);
  CHECK(out.results.at(0).refused == refusal::exists);
  CHECK(s.level() == before);
}
