// Take-overs on a real server: against transactions under way, and beside nodes of the release before.

#include "storage/error.hpp"
#include "storage/postgres_fixture.hpp"
#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <future>
#include <thread>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;

namespace {

std::string fence_sql(const fence& f) {
  return "SELECT souk_fence(ARRAY[" + std::to_string(f.shard) + "]::int2[], ARRAY[" + std::to_string(f.epoch)
         + "]::int8[], ARRAY[" + std::to_string(f.seq) + "]::int8[])";
}

bool waits_for_a_lock(postgres::connection& session) {
  static const postgres::statement waiting{
    "waiting", "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'souk-ownership' "
               "AND wait_event_type = 'Lock'"};
  for (int i = 0; i < 5000; ++i) {
    if (ask(session, waiting).rows() > 0)
      return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

} // namespace

TEST_CASE("a hand-over waits for the commit under way, and gives nothing away that went on meanwhile", "[ownership][postgres]") {
  ON_POSTGRES_ONLY;
  owned_shard shard(db);
  auto next = new_node(db);
  auto writer = postgres_session(), observer = postgres_session();
  writer->execute("BEGIN; " + fence_sql(shard.held), 5s);

  auto given = std::async(std::launch::async,
                          [&] { return db.ownership().hand_over(shard.node.incarnation, {shard.held}, next); });
  REQUIRE(waits_for_a_lock(*observer));
  writer->execute("COMMIT", 5s);

  CHECK(given.get().empty()); // whoever drains a shard knows its last seq
  CHECK(shard.row().owner == shard.node.incarnation);
  ++shard.held.seq;
  CHECK(db.ownership().hand_over(shard.node.incarnation, {shard.held}, next)
        == std::vector{fence{shard.id(), shard.held.epoch + 1, shard.held.seq}});
}

TEST_CASE("a hand-over that meets a settlement comes too late", "[ownership][postgres]") {
  ON_POSTGRES_ONLY;
  owned_shard shard(db);
  auto next = new_node(db);
  auto settler = postgres_session(), observer = postgres_session();
  settler->execute("BEGIN; UPDATE shards SET epoch = epoch + 1 WHERE shard = " + std::to_string(shard.id()), 5s);

  auto given = std::async(std::launch::async,
                          [&] { return db.ownership().hand_over(shard.node.incarnation, {shard.held}, next); });
  REQUIRE(waits_for_a_lock(*observer));
  settler->execute("COMMIT", 5s);

  CHECK(given.get().empty());
  CHECK(shard.row().owner == shard.node.incarnation);
  CHECK(shard.row().epoch == shard.held.epoch + 1);
}

TEST_CASE("neither a hand-over nor a quarantine is stopped by a transaction that does not end",
          "[ownership][postgres]") {
  ON_POSTGRES_ONLY;
  const bool quarantine = GENERATE(true, false);
  owned_shard shard(db);
  auto next = new_node(db);
  auto stuck = postgres_session();
  stuck->execute("BEGIN; " + fence_sql(shard.held), 5s);

  if (quarantine)
    db.ownership().quarantine({shard.held});
  else
    CHECK(db.ownership().hand_over(shard.node.incarnation, {shard.held}, next).size() == 1);

  CHECK(shard.row().epoch == shard.held.epoch + 1);
  CHECK(shard.row().seq == shard.held.seq); // what it had begun is gone
  CHECK_THROWS(stuck->execute("COMMIT", 5s));
}

TEST_CASE("a shard that is quarantined while a take-over waits for it is not taken", "[ownership][postgres]") {
  ON_POSTGRES_ONLY;
  owned_shard shard(db);
  db.ownership().release({shard.held});
  auto node = new_node(db);
  auto operator_session = postgres_session(), observer = postgres_session();
  operator_session->execute("BEGIN; UPDATE shards SET residence = 4 WHERE shard = " + std::to_string(shard.id()), 5s);

  auto taken = std::async(std::launch::async, [&] { return db.ownership().acquire(node, {shard.id()}, stale_after); });
  REQUIRE(waits_for_a_lock(*observer));
  operator_session->execute("COMMIT", 5s);

  CHECK(taken.get().empty());
  CHECK(shard.row().where == residence::quarantined);
  CHECK(shard.row().epoch == shard.held.epoch + 1);
}

TEST_CASE("whoever changes where a shard lives fences its owner, even an operator by hand", "[ownership][postgres]") {
  ON_POSTGRES_ONLY;
  owned_shard shard(db);
  std::vector sets{in_shard(shard.id(), insert_user{new_user(shard.id())})};
  auto b = batch_of({shard.held}, sets);
  REQUIRE(db.journal().settle(b).fences.size() == 1); // leaves a token behind
  const auto epoch = shard.row().epoch;

  postgres_session()->execute("UPDATE shards SET residence = 3 WHERE shard = " + std::to_string(shard.id()), 5s);

  CHECK(shard.row().epoch == epoch + 1);
  CHECK(db.journal().settle(b).lost == std::vector<shard_id>{shard.id()});
  CHECK(shard.commit(sets).what == commit_outcome::kind::fenced);
  CHECK(shard.row().epoch == epoch + 1);
}

TEST_CASE("nodes of another cluster that are long silent keep nobody out", "[cluster][postgres]") {
  ON_POSTGRES_ONLY;
  auto fresh = db.fresh();
  auto old = unregistered_node("a", "north"), renamed = unregistered_node("a", "south");
  fresh->ownership().register_node(old);
  REQUIRE_THROWS(fresh->ownership().register_node(renamed));
  postgres_session(postgres_url(*fresh))
    ->execute("UPDATE nodes SET heartbeat_at = heartbeat_at - interval '11 seconds'", 5s);
  CHECK_NOTHROW(fresh->ownership().register_node(renamed));
}

TEST_CASE("of two clusters that meet in an empty database the second waits for the first, and is refused",
          "[cluster][postgres]") {
  ON_POSTGRES_ONLY;
  auto fresh = db.fresh();
  auto theirs = unregistered_node("south-1", "south");
  auto first = postgres_session(postgres_url(*fresh)), observer = postgres_session(postgres_url(*fresh));
  // What register_node() does, stopped before its commit.
  first->execute("BEGIN; SELECT FROM cluster_view FOR NO KEY UPDATE; "
                 "INSERT INTO nodes (incarnation, name, address, cluster, started_at, heartbeat_at) "
                 "VALUES (gen_random_uuid(), 'north-1', '', 'north', now(), clock_timestamp())",
                 5s);

  auto refused = std::async(std::launch::async, [&] {
    try {
      fresh->ownership().register_node(theirs);
      return std::string{};
    } catch (const storage_error& e) {
      return std::string{e.what()};
    }
  });
  REQUIRE(waits_for_a_lock(*observer));
  first->execute("COMMIT", 5s);

  CHECK_THAT(refused.get(), Catch::Matchers::Contains("north-1"));
  CHECK(fresh->ownership().nodes(stale_after).size() == 1);
}

TEST_CASE("what a node of the release before writes and calls works beside us", "[ownership][postgres]") {
  ON_POSTGRES_ONLY;
  owned_shard shard(db);
  db.ownership().release({shard.held});
  const auto old = unregistered_node("old-release", "");
  const auto id = "from_ulid('" + old.incarnation.str() + "')";
  auto session = postgres_session();
  session->execute("SET ROLE souk_writer; INSERT INTO nodes (incarnation, name, address, started_at, heartbeat_at) "
                   "VALUES (" + id + ", 'old-release', '', now(), clock_timestamp())",
                   5s);
  session->execute("SELECT souk_acquire(" + id + ", 'old-release', ARRAY[" + std::to_string(shard.id())
                     + "]::int2[], interval '1 min')",
                   5s);

  auto seen = db.ownership().observe(new_node(db), stale_after);

  auto row = std::find_if(seen.nodes.begin(), seen.nodes.end(),
                          [&](const auto& n) { return n.incarnation == old.incarnation; });
  REQUIRE(row != seen.nodes.end());
  CHECK(row->alive);
  CHECK(row->cluster.empty());
  CHECK(row->wire == 0);
  CHECK_FALSE(row->draining);
  CHECK(row->unreachable.empty());
  CHECK(seen.shards[shard.id()].owner == old.incarnation);
}
