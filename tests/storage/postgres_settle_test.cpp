#include "storage/postgres_fixture.hpp"
#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

#include <future>
#include <libpq-fe.h>
#include <thread>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;
using kind = commit_outcome::kind;

namespace {

// What happens to a commit whose answer is lost, on a real server: the lane gives up while the server still works.

postgres::journal_limits impatient() {
  postgres::journal_limits limits;
  limits.commit = 300ms;
  limits.settle = 4s;
  limits.patience = 500ms;
  return limits;
}

/// Keeps a variant's level locked, so that a commit stops behind its fence.
class locked_level {
public:
  explicit locked_level(const variant_row& variant) : session_(postgres_session()) {
    session_->execute("BEGIN; SELECT FROM inventory_levels WHERE variant_id = from_ulid('" + variant.id.str() + "') FOR UPDATE",
                      5s);
  }
  void unlock() { session_->execute("ROLLBACK", 5s); }

private:
  std::unique_ptr<postgres::connection> session_;
};

/// A raw libpq session, to send half a message with.
struct raw_session {
  raw_session() : conn(PQconnectdb(postgres_url().c_str())) { REQUIRE(PQstatus(conn) == CONNECTION_OK); }
  ~raw_session() { PQfinish(conn); }
  PGconn* conn;
};

} // namespace

TEST_CASE("a commit that lands after its answer was given up is recognised, with its order numbers", "[settle][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 10);
  auto lane = postgres::make_journal_store({postgres_url()}, "impatient", impatient());
  auto order = new_order(s.store.id, new_id(1));
  std::vector sets{s.checkout(order, 4)};
  auto b = batch_of({s.shard.held}, sets);
  locked_level lock{s.variant};

  REQUIRE(lane->commit(b).what == kind::unknown);
  auto unlocking = std::async(std::launch::async, [&] {
    std::this_thread::sleep_for(150ms);
    lock.unlock();
  });
  auto settled = lane->settle(b);
  unlocking.wait();

  REQUIRE(settled.reachable);
  CHECK(settled.landed);
  CHECK(settled.lost.empty());
  REQUIRE(settled.results.size() == 1);
  CHECK(settled.results[0].drawn_number == 1001);
  REQUIRE(settled.fences.size() == 1);
  CHECK(settled.fences[0].epoch == s.shard.held.epoch + 1);
  CHECK(settled.fences[0].seq == s.shard.held.seq + 1);
  CHECK(s.level().reserved == 4);

  s.shard.held = settled.fences[0];
  CHECK(s.shard.commit({s.checkout(new_order(s.store.id, new_id(1)), 1)}).what == kind::committed);
}

TEST_CASE("a transaction that holds its shard for too long is ended, and can never land", "[settle][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 10);
  auto lane = postgres::make_journal_store({postgres_url()}, "impatient", impatient());
  auto order = new_order(s.store.id, new_id(1));
  std::vector sets{s.checkout(order, 4)};
  auto b = batch_of({s.shard.held}, sets);
  locked_level lock{s.variant};

  REQUIRE(lane->commit(b).what == kind::unknown);
  auto settled = lane->settle(b);
  lock.unlock();

  REQUIRE(settled.reachable);
  CHECK_FALSE(settled.landed);
  REQUIRE(settled.fences.size() == 1);
  CHECK(settled.fences[0].seq == s.shard.held.seq);
  std::this_thread::sleep_for(200ms);
  CHECK_FALSE(db.reader().load_order(order.id).has_value());
  CHECK(s.level().reserved == 0);

  s.shard.held = settled.fences[0];
  REQUIRE(lane->commit(batch_of({s.shard.held}, sets)).what == kind::committed);
  CHECK(s.level().reserved == 4);
}

TEST_CASE("a settlement asked twice is still ours", "[settle][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 10);
  auto lane = postgres::make_journal_store({postgres_url()}, "impatient", impatient());
  std::vector sets{s.checkout(new_order(s.store.id, new_id(1)), 1)};
  auto b = batch_of({s.shard.held}, sets);
  REQUIRE(lane->commit(b).what == kind::committed);

  auto first = lane->settle(b);
  auto second = lane->settle(b);

  CHECK(first.landed);
  CHECK(second.landed);
  REQUIRE(second.fences.size() == 1);
  CHECK(second.fences[0].epoch == first.fences.at(0).epoch + 1);
}

TEST_CASE("a shard somebody else took is lost, not settled", "[settle][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 10);
  auto lane = postgres::make_journal_store({postgres_url()}, "impatient", impatient());
  std::vector sets{s.checkout(new_order(s.store.id, new_id(1)), 1)};
  auto b = batch_of({s.shard.held}, sets);
  REQUIRE(db.ownership().acquire(new_node(db, s.shard.node.name), {s.shard.id()}, stale_after).size() == 1);

  auto settled = lane->settle(b);

  CHECK(settled.reachable);
  CHECK_FALSE(settled.landed);
  CHECK(settled.lost == std::vector<shard_id>{s.shard.id()});
  CHECK(settled.fences.empty());
}

TEST_CASE("a writer that stopped half way through its message does not stop a take-over", "[settle][postgres]") {
  ON_POSTGRES_ONLY;
  owned_shard shard(db);
  raw_session paused;
  // The fence is passed and no Sync follows: no time-out of PostgreSQL 15 ends this session.
  REQUIRE(PQenterPipelineMode(paused.conn) == 1);
  const auto fence = "SELECT souk_fence(ARRAY[" + std::to_string(shard.id()) + "]::int2[], ARRAY[" + std::to_string(shard.held.epoch)
                     + "]::int8[], ARRAY[" + std::to_string(shard.held.seq) + "]::int8[])";
  REQUIRE(PQsendQueryParams(paused.conn, fence.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 1);
  REQUIRE(PQsendFlushRequest(paused.conn) == 1);
  REQUIRE(PQflush(paused.conn) == 0);
  auto* r = PQgetResult(paused.conn);
  REQUIRE(PQresultStatus(r) == PGRES_TUPLES_OK);
  PQclear(r);

  const auto begin = std::chrono::steady_clock::now();
  auto taken = db.ownership().acquire(new_node(db, shard.node.name), {shard.id()}, stale_after);

  CHECK(std::chrono::steady_clock::now() - begin < 3s);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].epoch == shard.held.epoch + 1);
  CHECK(taken[0].seq == shard.held.seq);
}

TEST_CASE("a lane whose session the server ended before it wrote says unavailable or settles, and goes on", "[settle][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 10);
  auto lane = postgres::make_journal_store({postgres_url()}, "ended", impatient());
  std::vector first{s.checkout(new_order(s.store.id, new_id(1)), 1)};
  REQUIRE(lane->commit(batch_of({s.shard.held}, first)).what == kind::committed);
  ++s.shard.held.seq;

  postgres_session()->execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'souk-journal-ended'",
                              5s);
  std::this_thread::sleep_for(50ms);
  std::vector second{s.checkout(new_order(s.store.id, new_id(1)), 1)};

  // The lane sees that the idle connection is gone and opens another one: nothing was in doubt.
  CHECK(lane->commit(batch_of({s.shard.held}, second)).what == kind::committed);
}

TEST_CASE("a session ended in the middle of a batch has written nothing", "[settle][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 10);
  auto limits = impatient();
  limits.commit = 5s;
  auto lane = postgres::make_journal_store({postgres_url()}, "middle", limits);
  std::vector sets{s.checkout(new_order(s.store.id, new_id(1)), 1)};
  locked_level lock{s.variant};
  auto ending = std::async(std::launch::async, [] {
    std::this_thread::sleep_for(200ms);
    postgres_session()->execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'souk-journal-middle'", 5s);
  });

  auto out = lane->commit(batch_of({s.shard.held}, sets));
  ending.wait();
  lock.unlock();

  CHECK(out.what == kind::unavailable);
  CHECK(s.shard.row().seq == s.shard.held.seq);
  CHECK(lane->commit(batch_of({s.shard.held}, sets)).what == kind::committed);
}

TEST_CASE("a database that is not there is unavailable, soon", "[settle][postgres]") {
  postgres::journal_limits limits;
  limits.connect = 500ms;
  auto lane = postgres::make_journal_store({"postgresql://nobody@127.0.0.1:1/none"}, "nowhere", limits);
  const auto begin = std::chrono::steady_clock::now();

  CHECK(lane->commit({}).what == kind::unavailable);
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
}
