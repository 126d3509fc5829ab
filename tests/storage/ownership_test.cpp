#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;

namespace {

shard_row row_of(store_under_test& db, shard_id shard) {
  auto rows = db.ownership().shards();
  REQUIRE(rows.size() == shard_count);
  auto at = std::find_if(rows.begin(), rows.end(), [=](const auto& r) { return r.shard == shard; });
  REQUIRE(at != rows.end());
  return *at;
}

const node_row* find(const std::vector<node_row>& nodes, const node_row& node) {
  auto at = std::find_if(nodes.begin(), nodes.end(),
                         [&](const auto& n) { return n.incarnation == node.incarnation; });
  return at == nodes.end() ? nullptr : &*at;
}

} // namespace

TEST_CASE("a shard taken has its taker, a new epoch and its old seq", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  shard.write(insert_user{new_user(shard.id())});

  auto again = db.ownership().acquire(shard.node, {shard.id()}, stale_after);

  REQUIRE(again.size() == 1); // a node may re-take what it has
  CHECK(again[0] == fence{shard.id(), shard.held.epoch + 1, shard.held.seq});
  auto row = row_of(db, shard.id());
  CHECK(row.owner == shard.node.incarnation);
  CHECK(row.epoch == again[0].epoch);
  CHECK(row.seq == again[0].seq);
}

TEST_CASE("a shard of a node that is alive is not given to another name", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard a(db), b(db);
  auto stranger = new_node(db);

  CHECK(db.ownership().acquire(stranger, {a.id(), b.id()}, stale_after).empty());
  CHECK(row_of(db, a.id()).owner == a.node.incarnation);
  CHECK(row_of(db, a.id()).epoch == a.held.epoch);

  INFO("of several wanted, those that may be taken are");
  db.ownership().release({b.held});
  auto taken = db.ownership().acquire(stranger, {a.id(), b.id()}, stale_after);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0] == fence{b.id(), b.held.epoch + 1, b.held.seq});
}

TEST_CASE("a restarted node of the same name takes its shards back at once", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto restarted = new_node(db, shard.node.name);

  auto taken = db.ownership().acquire(restarted, {shard.id()}, stale_after);

  REQUIRE(taken.size() == 1);
  CHECK(taken[0].epoch == shard.held.epoch + 1);
  CHECK(row_of(db, shard.id()).owner == restarted.incarnation);
}

TEST_CASE("the shards of a node whose heartbeat stopped can be taken, and it hears of it", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto heir = new_node(db);
  db.wait(1500ms);
  REQUIRE(db.ownership().heartbeat(heir.incarnation));

  auto nodes = db.ownership().nodes(1s);
  REQUIRE(find(nodes, shard.node));
  CHECK_FALSE(find(nodes, shard.node)->alive);
  REQUIRE(find(nodes, heir));
  CHECK(find(nodes, heir)->alive);

  auto taken = db.ownership().acquire(heir, {shard.id()}, 1s);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].epoch == shard.held.epoch + 1);
  CHECK_FALSE(db.ownership().heartbeat(shard.node.incarnation));
}

TEST_CASE("a heartbeat keeps a node alive and its shards its own", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto rival = new_node(db);
  db.wait(1500ms);
  REQUIRE(db.ownership().heartbeat(shard.node.incarnation));

  auto nodes = db.ownership().nodes(1s);
  REQUIRE(find(nodes, shard.node));
  CHECK(find(nodes, shard.node)->alive);
  CHECK(find(nodes, shard.node)->name == shard.node.name);
  CHECK(find(nodes, shard.node)->address == shard.node.address);
  CHECK(find(nodes, shard.node)->started_at == shard.node.started_at);
  CHECK(db.ownership().acquire(rival, {shard.id()}, 1s).empty());
}

TEST_CASE("a released shard is nobody's, and a late release changes nothing", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto late = shard.held;
  shard.held = db.ownership().acquire(shard.node, {shard.id()}, stale_after).at(0);

  db.ownership().release({late});
  CHECK(row_of(db, shard.id()).owner == shard.node.incarnation);

  db.ownership().release({shard.held});
  CHECK(row_of(db, shard.id()).owner.is_nil());
  CHECK(row_of(db, shard.id()).seq == shard.held.seq);
}

TEST_CASE("a node that signed off is gone, its shards free to take, its heartbeat unwelcome", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  db.ownership().deregister(shard.node.incarnation);

  auto nodes = db.ownership().nodes(stale_after);
  CHECK(find(nodes, shard.node) == nullptr);
  CHECK_FALSE(db.ownership().heartbeat(shard.node.incarnation));
  CHECK(db.ownership().acquire(new_node(db), {shard.id()}, stale_after).size() == 1);
}

TEST_CASE("shards are taken in order, each once, however they are asked for", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard a(db), b(db), c(db);
  db.ownership().release({a.held, b.held, c.held});
  auto node = new_node(db);

  auto taken = db.ownership().acquire(node, {c.id(), a.id(), b.id(), a.id()}, stale_after);

  REQUIRE(taken.size() == 3);
  CHECK(taken[0].shard == a.id());
  CHECK(taken[1].shard == b.id());
  CHECK(taken[2].shard == c.id());
  CHECK(taken[0].epoch == a.held.epoch + 1);
  CHECK(db.ownership().acquire(node, {}, stale_after).empty());
}

TEST_CASE("the database's clock goes forward", "[ownership]") {
  ON_EVERY_STORE;
  auto before = db.ownership().now();
  db.wait(20ms);
  auto after = db.ownership().now();
  CHECK(after - before >= 20ms);
  CHECK(after - before < 10s);
}
