// What only the simulated store can do: go wrong on purpose, the same way every time.

#include "storage/checker/invariants.hpp"
#include "storage/error.hpp"
#include "storage/shop_rows.hpp"
#include "storage/simulated/database.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;
using simulated::fault;
using kind = commit_outcome::kind;

namespace {

struct world {
  timestamp now = at();
  simulated::database db;
  std::unique_ptr<simulated::journal_client> journal = db.open_journal();
  std::unique_ptr<entity_reader> reader = db.open_reader();
  std::unique_ptr<ownership_store> ownership = db.open_ownership();
  node_row node = unregistered_node("a");
  fence held;
  user_row user = new_user(5);
  std::vector<write_set> sets{in_shard(5, insert_user{user})};

  explicit world(simulated::fault_plan faults = {}, simulated::mutants bugs = {})
    : db({[this] { return now; }, std::move(faults), bugs}) {
    ownership->register_node(node);
    held = ownership->acquire(node, {5}, stale_after).at(0);
  }

  commit_outcome commit() { return journal->commit(batch_of({held}, sets)); }
  settlement settle() { return journal->settle(batch_of({held}, sets)); }
  bool written() { return db.dump().users.contains(user.id); }
};

} // namespace

TEST_CASE("an unavailable database has written nothing and takes the same batch later", "[simulated]") {
  world w;
  w.db.script(fault::unavailable);
  CHECK(w.commit().what == kind::unavailable);
  CHECK_FALSE(w.written());
  CHECK(w.commit().what == kind::committed);
}

TEST_CASE("a lost answer is settled as landed or not, as it was", "[simulated]") {
  world w;
  bool applied = GENERATE(true, false);
  w.db.script(applied ? fault::lost_ack_applied : fault::lost_ack_dropped);

  CHECK(w.commit().what == kind::unknown);
  CHECK(w.written() == applied);
  auto settled = w.settle();
  CHECK(settled.reachable);
  CHECK(settled.landed == applied);
  CHECK(settled.results.size() == (applied ? 1U : 0U));
}

TEST_CASE("a transaction that is still running ends before anybody else gets its shard", "[simulated]") {
  int landed = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    world w{simulated::fault_plan{seed}};
    w.db.script(fault::lost_ack_late);
    REQUIRE(w.commit().what == kind::unknown);
    CHECK(w.ownership->shards()[5].seq == 0); // a plain read lies: it may land yet

    auto settled = w.settle();
    REQUIRE(settled.reachable);
    CHECK(settled.landed == w.written());
    landed += settled.landed;
    w.now += 1min;
    CHECK(settled.landed == w.written());
  }
  CHECK(landed > 5);
  CHECK(landed < 35);
}

TEST_CASE("a running transaction ends by itself in time, and a take-over waits for it", "[simulated]") {
  int landed = 0, by_itself = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    world w{simulated::fault_plan{seed}};
    w.db.script(fault::lost_ack_late);
    w.commit();
    w.now += 3s;
    by_itself += w.reader->load_user(w.user.id).has_value();

    world v{simulated::fault_plan{seed}};
    v.db.script(fault::lost_ack_late);
    v.commit();
    auto taken = v.ownership->acquire(v.node, {5}, stale_after).at(0);
    bool there = v.reader->load_user(v.user.id).has_value();
    CHECK(taken.seq == (there ? 1 : 0));
    v.now += 3s;
    CHECK(v.reader->load_user(v.user.id).has_value() == there);
    landed += there;
  }
  CHECK(by_itself == landed); // the seed decides, not who asks
  CHECK(landed > 5);
  CHECK(landed < 35);
}

TEST_CASE("a settlement whose own answer is lost is asked again", "[simulated]") {
  world w;
  w.db.script(fault::lost_ack_applied);
  CHECK(w.commit().what == kind::unknown);
  w.db.script(fault::unavailable);
  CHECK_FALSE(w.settle().reachable);
  w.db.script(fault::lost_ack_applied);
  CHECK_FALSE(w.settle().reachable);
  auto settled = w.settle();
  CHECK(settled.reachable);
  CHECK(settled.landed);
  CHECK(settled.lost.empty());
  CHECK(settled.fences.at(0) == fence{5, w.held.epoch + 2, 1});
}

TEST_CASE("a shard taken by somebody else fences the commit, and can be taken back", "[simulated]") {
  world w;
  w.db.script(fault::fenced);
  auto out = w.commit();
  CHECK(out.what == kind::fenced);
  CHECK(out.lost == std::vector<shard_id>{5});
  CHECK_FALSE(w.written());
  CHECK(w.settle().lost == std::vector<shard_id>{5});
  w.held = w.ownership->acquire(w.node, {5}, stale_after).at(0);
  CHECK(w.commit().what == kind::committed);
}

TEST_CASE("a restart is over after a virtual while, for everybody", "[simulated]") {
  world w;
  w.db.restart(5s);
  CHECK(w.commit().what == kind::unavailable);
  CHECK_FALSE(w.settle().reachable);
  CHECK_THROWS_AS(w.reader->load_user(w.user.id), unavailable);
  CHECK_THROWS_AS(w.ownership->observe(w.node, stale_after), unavailable);
  CHECK_THROWS_AS(w.db.open_outbox()->cursors(3), unavailable);
  CHECK_THROWS_AS(w.db.open_directory()->find(name_kind::slug, "tea"), unavailable);
  w.now += 5s;
  CHECK(w.commit().what == kind::committed);
  CHECK(w.reader->load_user(w.user.id).has_value());
}

TEST_CASE("a crash in the commit leaves it unknown and the database away", "[simulated]") {
  int landed = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    world w{simulated::fault_plan{seed}};
    w.db.script(fault::crash_in_commit);
    CHECK(w.commit().what == kind::unknown);
    CHECK_FALSE(w.settle().reachable);
    w.now += 2s;
    auto settled = w.settle();
    CHECK(settled.reachable);
    CHECK(settled.landed == w.written());
    landed += settled.landed;
  }
  CHECK(landed > 5);
  CHECK(landed < 35);
}

TEST_CASE("how long a commit takes is told, not slept", "[simulated]") {
  simulated::fault_rates rates;
  rates.latency = 2ms;
  rates.slow = 0.5;
  rates.slow_up_to = 1s;
  world w{simulated::fault_plan{3, rates}};
  std::chrono::microseconds longest{0}, shortest{1h};
  for (int i = 0; i < 50; ++i) {
    w.commit();
    auto took = w.journal->take_delay();
    longest = std::max(longest, took);
    shortest = std::min(shortest, took);
  }
  CHECK(shortest == 2ms);
  CHECK(longest > 100ms);
  CHECK(longest <= 1002ms);
  CHECK(w.journal->take_delay() == 0us);
}

TEST_CASE("the same seed gives the same run, and another seed another one", "[simulated]") {
  auto run = [](std::uint64_t seed) {
    simulated::fault_rates rates;
    rates.unavailable = rates.lost_ack_applied = rates.lost_ack_dropped = rates.lost_ack_late = 0.1;
    rates.fenced = rates.restart = rates.crash_in_commit = 0.1;
    rates.slow = 0.3;
    rates.slow_up_to = 1s;
    world w{simulated::fault_plan{seed, rates}};
    std::string log;
    for (int i = 0; i < 200; ++i) {
      w.now += 100ms;
      auto out = w.commit();
      log += std::to_string(static_cast<int>(out.what)) + ' '
           + std::to_string(w.journal->take_delay().count()) + '\n';
      auto row = w.db.dump().shards[5];
      w.held = {5, row.epoch, row.seq};
      log += std::to_string(row.epoch) + '/' + std::to_string(row.seq) + ' ';
    }
    return log;
  };
  auto seed = GENERATE(1U, 2U, 3U);
  CHECK(run(seed) == run(seed));
  CHECK(run(11) != run(12));
}

TEST_CASE("reads fail now and then when the plan says so, and work again when it is over", "[simulated]") {
  simulated::fault_rates rates;
  rates.read_unavailable = 0.5;
  timestamp now = at();
  simulated::database db{{[&] { return now; }, simulated::fault_plan{1, rates}, {}}};
  auto reader = db.open_reader();
  int failed = 0;
  for (int i = 0; i < 100; ++i) {
    try {
      reader->load_user(new_id(5));
    } catch (const unavailable&) {
      ++failed;
    }
  }
  CHECK(failed > 20);
  CHECK(failed < 80);
  db.heal();
  for (int i = 0; i < 100; ++i)
    CHECK_NOTHROW(reader->load_user(new_id(5)));
}

TEST_CASE("without its fence the database takes a stale batch, and the checker says so",
          "[simulated][mutant]") {
  simulated::mutants bugs;
  bugs.ignore_fence = GENERATE(true, false);
  world w{{}, bugs};
  auto usurper = unregistered_node("a");
  auto theirs = w.ownership->acquire(usurper, {5}, stale_after).at(0);
  std::vector other{in_shard(5, insert_user{new_user(5)})};
  REQUIRE(w.journal->commit(batch_of({theirs}, other)).what == kind::committed);

  auto out = w.commit();

  auto broken = checker::check(w.db.dump(), {});
  if (bugs.ignore_fence) {
    CHECK(out.what == kind::committed);
    CHECK(
      std::any_of(broken.begin(), broken.end(), [](const auto& v) { return v.invariant == "epochs_rise"; }));
    CHECK(std::any_of(broken.begin(), broken.end(),
                      [](const auto& v) { return v.invariant == "no_commit_after_take_over"; }));
  } else {
    CHECK(out.what == kind::fenced);
    CHECK(broken.empty());
  }
}

TEST_CASE("without its idempotency row a key places two orders, and the checker says so",
          "[simulated][mutant]") {
  simulated::mutants bugs;
  bugs.skip_idempotency_row = GENERATE(true, false);
  world w{{}, bugs};
  auto store = new_store(5);
  checker::observations seen;
  auto caller = new_id(9);
  for (int i = 0; i < 3; ++i) {
    auto order = new_order(store.id, caller);
    if (i == 0)
      w.sets = {in_shard(5, insert_store{store})};
    else
      w.sets = {in_shard(5, insert_order{order, {}}, key_of(order, "k"))};
    auto out = w.commit();
    REQUIRE(out.what == kind::committed);
    ++w.held.seq;
    if (i > 0)
      seen.operations.push_back(
        {store.id, caller, "k", "", order.id, out.results[0].refused == refusal::none});
  }
  auto broken = checker::check(w.db.dump(), seen);
  CHECK(std::any_of(broken.begin(), broken.end(),
                    [](const auto& v) { return v.invariant == "one_order_per_key"; })
        == bugs.skip_idempotency_row);
}
