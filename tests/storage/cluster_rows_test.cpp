// What a node learns of the others by its heartbeat: who is there, who is in, who is leaving, who cannot be reached.

#include "storage/error.hpp"
#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <thread>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

std::optional<node_row> find(const observation& seen, const node_row& node) {
  auto at = std::find_if(seen.nodes.begin(), seen.nodes.end(),
                         [&](const auto& n) { return n.incarnation == node.incarnation; });
  return at == seen.nodes.end() ? std::nullopt : std::optional{*at};
}

observation look(store_under_test& db, const node_row& node) {
  return db.ownership().observe(node, stale_after);
}

std::vector<ulid> sorted(std::vector<ulid> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

} // namespace

TEST_CASE("one look tells a node of all nodes, all shards and the view", "[cluster]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto other = unregistered_node("other-" + new_id(0).str());
  db.ownership().register_node(other);

  auto seen = look(db, shard.node);

  CHECK(seen.known);
  CHECK_FALSE(seen.asked_to_drain);
  auto row = find(seen, other);
  REQUIRE(row);
  CHECK(row->name == other.name);
  CHECK(row->address == "127.0.0.1:4711");
  CHECK(row->cluster == "souk");
  CHECK(row->wire == 3);
  CHECK(row->started_at == other.started_at);
  CHECK(row->alive);
  CHECK_FALSE(row->draining);
  CHECK(row->unreachable.empty());
  CHECK(std::is_sorted(seen.nodes.begin(), seen.nodes.end(),
                       [](const auto& a, const auto& b) { return a.incarnation < b.incarnation; }));
  REQUIRE(seen.shards.size() == shard_count);
  for (std::size_t i = 0; i < shard_count; ++i)
    CHECK(seen.shards[i].shard == i);
  CHECK(seen.shards[shard.id()].owner == shard.node.incarnation);
  CHECK(seen.shards[shard.id()].epoch == shard.held.epoch);
  CHECK(seen.shards[shard.id()].where == residence::here);
}

TEST_CASE("a look is a heartbeat: of several nodes the silent one is no longer alive", "[cluster]") {
  ON_EVERY_STORE;
  auto a = new_node(db), b = new_node(db), silent = new_node(db);
  db.wait(400ms);
  look(db, a);
  db.wait(400ms);

  auto seen = db.ownership().observe(b, 600ms);

  CHECK(find(seen, a)->alive);
  CHECK(find(seen, b)->alive);
  CHECK_FALSE(find(seen, silent)->alive);
  CHECK(find(seen, a)->heartbeat_at < find(seen, b)->heartbeat_at);
}

TEST_CASE("what a node says of itself with its heartbeat, the others hear, until it says otherwise", "[cluster]") {
  ON_EVERY_STORE;
  auto a = new_node(db), b = new_node(db), c = new_node(db);
  a.draining = true;
  a.unreachable = {b.incarnation, c.incarnation};
  c.unreachable = {a.incarnation};
  look(db, a);
  look(db, c);

  auto seen = look(db, b);
  CHECK(find(seen, a)->draining);
  CHECK(find(seen, a)->unreachable == std::vector{b.incarnation, c.incarnation});
  CHECK_FALSE(find(seen, b)->draining);
  CHECK(find(seen, b)->unreachable.empty());
  CHECK(find(seen, c)->unreachable == std::vector{a.incarnation});

  a.draining = false;
  a.unreachable = {};
  CHECK_FALSE(look(db, a).asked_to_drain);
  seen = look(db, b);
  CHECK_FALSE(find(seen, a)->draining);
  CHECK(find(seen, a)->unreachable.empty());
  CHECK(find(seen, c)->unreachable.size() == 1);
}

TEST_CASE("an operator asks a node by its name to drain, and takes it back", "[cluster]") {
  ON_EVERY_STORE;
  auto node = new_node(db), other = new_node(db);
  auto twin = new_node(db, node.name); // its successor, while the old one still dies

  CHECK(db.ownership().ask_to_drain(node.name, true));
  auto seen = look(db, node);
  CHECK(seen.asked_to_drain);
  CHECK(find(seen, node)->draining);
  CHECK(find(seen, twin)->draining);
  CHECK_FALSE(find(seen, other)->draining);
  CHECK(look(db, twin).asked_to_drain);
  CHECK_FALSE(look(db, other).asked_to_drain);
  CHECK(find(look(db, other), node)->draining); // although its own heartbeat does not say so

  CHECK(db.ownership().ask_to_drain(node.name, false));
  CHECK_FALSE(look(db, node).asked_to_drain);
  CHECK_FALSE(find(look(db, other), twin)->draining);
}

TEST_CASE("a node that drains of its own accord is not called back by an operator who never asked", "[cluster]") {
  ON_EVERY_STORE;
  auto node = new_node(db);
  node.draining = true;
  look(db, node);
  CHECK(db.ownership().ask_to_drain(node.name, false));
  auto seen = look(db, node);
  CHECK_FALSE(seen.asked_to_drain);
  CHECK(find(seen, node)->draining);
}

TEST_CASE("nobody can be asked to drain who is not there, and who comes later has not been asked", "[cluster]") {
  ON_EVERY_STORE;
  auto name = "absent-" + new_id(0).str();
  CHECK_FALSE(db.ownership().ask_to_drain(name, true));
  auto node = new_node(db, name);
  CHECK_FALSE(look(db, node).asked_to_drain);

  REQUIRE(db.ownership().ask_to_drain(name, true));
  db.ownership().deregister(node.incarnation);
  CHECK_FALSE(look(db, new_node(db, name)).asked_to_drain);
  db.ownership().register_node(node); // the very same, as after a lost answer
  CHECK_FALSE(look(db, node).asked_to_drain);
}

TEST_CASE("a buried node is not known at its next look, and its shards are free at once", "[cluster]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto heir = new_node(db);
  REQUIRE(look(db, shard.node).known);
  REQUIRE(db.ownership().acquire(heir, {shard.id()}, stale_after).empty());

  db.ownership().bury(shard.node.incarnation);

  CHECK_FALSE(find(look(db, heir), shard.node));
  auto last = look(db, shard.node);
  CHECK_FALSE(last.known);
  CHECK_FALSE(last.asked_to_drain);
  CHECK(last.shards.size() == shard_count);
  CHECK_FALSE(find(last, shard.node)); // the look did not bring it back
  CHECK(shard.row().owner == shard.node.incarnation);
  CHECK(db.ownership().acquire(heir, {shard.id()}, stale_after).size() == 1);
}

TEST_CASE("nobody minds that a node is buried twice", "[cluster]") {
  ON_EVERY_STORE;
  auto node = new_node(db), other = new_node(db);
  db.ownership().bury(node.incarnation);
  CHECK_NOTHROW(db.ownership().bury(node.incarnation));
  CHECK(look(db, other).known);
}

// --- the view ---

TEST_CASE("a database begins with an empty view of version 0", "[cluster]") {
  ON_EVERY_STORE;
  auto fresh = db.fresh();
  auto seen = look(*fresh, new_node(*fresh));
  CHECK(seen.view.version == 0);
  CHECK(seen.view.members.empty());
  CHECK(seen.nodes.size() == 1);
}

TEST_CASE("a proposed view is what everybody sees next, its members sorted", "[cluster]") {
  ON_EVERY_STORE;
  auto a = new_node(db), b = new_node(db), c = new_node(db);
  auto before = look(db, a).view.version;

  REQUIRE(db.ownership().propose_view(before, {c.incarnation, a.incarnation, b.incarnation, a.incarnation}));

  for (const auto& node : {a, b, c}) {
    auto view = look(db, node).view;
    CHECK(view.version == before + 1);
    CHECK(view.members == sorted({a.incarnation, b.incarnation, c.incarnation}));
  }
  REQUIRE(db.ownership().propose_view(before + 1, {}));
  CHECK(look(db, b).view.version == before + 2);
  CHECK(look(db, b).view.members.empty());
}

TEST_CASE("of two proposals that follow the same version the first wins", "[cluster]") {
  ON_EVERY_STORE;
  auto a = new_node(db), b = new_node(db);
  auto version = look(db, a).view.version;

  CHECK(db.ownership().propose_view(version, {a.incarnation}));
  CHECK_FALSE(db.ownership().propose_view(version, {b.incarnation}));
  CHECK_FALSE(db.ownership().propose_view(version + 2, {b.incarnation}));

  CHECK(look(db, b).view.version == version + 1);
  CHECK(look(db, b).view.members == std::vector{a.incarnation});
}

TEST_CASE("nodes that propose at the same moment agree on one view after the other", "[cluster]") {
  ON_EVERY_STORE;
  constexpr int racers = 4, rounds = 20;
  auto begin = look(db, new_node(db)).view.version;
  std::atomic<int> won[rounds]{};
  std::atomic<int> at_the_line[rounds]{};
  std::vector<std::thread> threads;
  std::vector<ulid> ids;
  for (int i = 0; i < racers; ++i)
    ids.push_back(new_id(0));
  for (int i = 0; i < racers; ++i)
    threads.emplace_back([&, i] {
      auto rows = db.open_ownership();
      rows->now(); // connected
      for (int round = 0; round < rounds; ++round) {
        ++at_the_line[round];
        while (at_the_line[round] < racers)
          std::this_thread::yield();
        won[round] += rows->propose_view(begin + round, {ids[static_cast<std::size_t>(i)]});
      }
    });
  for (auto& t : threads)
    t.join();

  for (const auto& winners : won)
    CHECK(winners == 1);
  auto view = look(db, new_node(db)).view;
  CHECK(view.version == begin + rounds);
  CHECK(view.members.size() == 1);
}

// --- the deployment's name ---

TEST_CASE("a node of another cluster is refused, with both names in the message", "[cluster]") {
  ON_EVERY_STORE;
  auto fresh = db.fresh();
  auto ours = unregistered_node("north-1", "north"), theirs = unregistered_node("south-1", "south");
  fresh->ownership().register_node(ours);

  CHECK_THROWS_AS(fresh->ownership().register_node(theirs), storage_error);
  CHECK_THROWS_WITH(fresh->ownership().register_node(theirs),
                    Contains("\"north\"") && Contains("\"north-1\"") && Contains("\"south\"")
                      && Contains("\"south-1\""));
  CHECK_FALSE(look(*fresh, theirs).known);
  CHECK_NOTHROW(fresh->ownership().register_node(unregistered_node("north-2", "north")));
  CHECK_NOTHROW(fresh->ownership().register_node(ours)); // again, under its own incarnation
  CHECK(look(*fresh, ours).nodes.size() == 2);
}

TEST_CASE("a deployment gets another name when no node of the old one is left", "[cluster]") {
  ON_EVERY_STORE;
  auto fresh = db.fresh();
  auto old = unregistered_node("a", "north"), renamed = unregistered_node("a", "south");
  fresh->ownership().register_node(old);
  fresh->ownership().deregister(old.incarnation);
  CHECK_NOTHROW(fresh->ownership().register_node(renamed));
  CHECK(look(*fresh, renamed).known);
}

TEST_CASE("a node of the release before, which has no cluster, stands beside one that has", "[cluster]") {
  ON_EVERY_STORE;
  auto fresh = db.fresh();
  auto old = unregistered_node("a", ""), another = unregistered_node("c", "");
  auto upgraded = unregistered_node("b", "north");
  fresh->ownership().register_node(old);
  CHECK_NOTHROW(fresh->ownership().register_node(upgraded));
  CHECK_NOTHROW(fresh->ownership().register_node(another));
  CHECK_THROWS_AS(fresh->ownership().register_node(unregistered_node("d", "south")), storage_error);
}
