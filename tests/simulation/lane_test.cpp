#include "simulation/world/probe.hpp"
#include "simulation/world/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace souk;
using namespace souk::simulation;
using namespace std::chrono_literals;
using runtime::delivery;
using storage::simulated::fault;

namespace {

/// Probes of two shards that write through one lane.
struct lane_world {
  std::shared_ptr<probe_diary> diary = std::make_shared<probe_diary>();
  world w;
  simulated_node* node;
  std::map<std::string, answer<std::string>> answers; ///< by topic

  explicit lane_world(runtime::lane_options lane = {}, std::uint64_t seed = 1) : w(options_of(lane, seed)), node(&w.start_node()) {
    node->close_its_eyes(); // what the lane says of its shards is all that counts here
    w.run_for(10ms);
  }
  ~lane_world() { w.end(); } // whoever still waits is told, and writes it into `answers`
  world_options options_of(runtime::lane_options lane, std::uint64_t seed) {
    world_options o;
    o.seed = seed;
    o.lane = lane;
    o.lanes = 1;
    o.used = {3, 7};
    o.random_schedule = false;
    o.catalog = [d = diary] { return probe_catalog(d); };
    o.faults.latency = 10ms;
    return o;
  }
  storage::ulid probe(storage::shard_id shard = 3) { return w.random.id(shard, w.time.now()); }
  void tell(const storage::ulid& whom, const std::string& verb, const std::string& topic) {
    node->ask<std::string>(probe_at(whom), delivery::activate, verb + " " + topic,
                           [this, topic](answer<std::string> a) { answers[topic] = std::move(a); });
  }
  /// A write that keeps the lane busy for a while, so that what comes now queues up.
  void occupy() {
    tell(probe(), "write", "first");
    w.run_until([&] { return stats().queued > 0; }, 1s);
  }
  runtime::lane_stats stats() {
    std::optional<runtime::lane_stats> out;
    node->system().spawn([&out, lane = node->host().lanes()[0]](caf::event_based_actor* self) {
      self->request(lane, caf::infinite, runtime::stats_atom_v)
        .then([&out](const runtime::lane_stats& s) { out = s; }, [](const caf::error&) {});
    });
    w.run_until([&] { return out.has_value(); });
    return out.value();
  }
  std::multiset<std::string> written(storage::shard_id shard = 3) {
    std::multiset<std::string> out;
    const auto rows = w.db.dump();
    for (const auto& e : rows.outbox[shard])
      out.insert(e.event.topic);
    return out;
  }
};

std::string nth(int i) {
  return "t" + std::to_string(i);
}

} // namespace

TEST_CASE("an idle lane commits a write at once, alone", "[lane]") {
  lane_world t;
  auto id = t.probe();
  for (int i = 0; i < 3; ++i) {
    t.tell(id, "write", nth(i));
    t.w.run_for(1s);
  }
  CHECK(t.stats().batches == 3);
  CHECK(t.written().size() == 3);
}

TEST_CASE("what queued up while a transaction ran is committed as one", "[lane]") {
  lane_world t;
  t.occupy();
  for (int i = 0; i < 100; ++i)
    t.tell(t.probe(i % 2 ? 3 : 7), "write", nth(i));
  t.w.run_for(2s);
  auto s = t.stats();
  CHECK(s.write_sets == 101);
  CHECK(s.batches <= 5);
  CHECK(t.written(3).size() == 51);
  CHECK(t.written(7).size() == 50);
  CHECK(std::all_of(t.answers.begin(), t.answers.end(), [](const auto& a) { return a.second.ok(); }));
}

TEST_CASE("a batch is not larger than it may be", "[lane]") {
  lane_world t({.batch_max = 8});
  t.occupy();
  for (int i = 0; i < 40; ++i)
    t.tell(t.probe(), "write", nth(i));
  t.w.run_for(2s);
  CHECK(t.stats().write_sets == 41);
  CHECK(t.stats().batches >= 6);
}

TEST_CASE("the writes of an entity are committed in its order", "[lane]") {
  lane_world t({.batch_max = 4});
  auto id = t.probe();
  for (int i = 0; i < 30; ++i)
    t.tell(id, "write", nth(i));
  t.w.run_for(2s);
  auto said = t.diary->heard;
  auto events = t.w.db.dump().outbox[3];
  REQUIRE(events.size() == 30);
  for (std::size_t i = 0; i < events.size(); ++i)
    CHECK("write " + events[i].event.topic == said[i]);
}

TEST_CASE("one bad write stands alone: its writer is told, the others never notice", "[lane]") {
  lane_world t;
  t.occupy();
  for (int i = 0; i < 15; ++i)
    t.tell(t.probe(i % 2 ? 3 : 7), i == 9 ? "poison" : "write", nth(i));
  t.w.run_for(2s);
  for (int i = 0; i < 15; ++i) {
    INFO(i);
    if (i == 9)
      CHECK(t.answers[nth(i)].why == runtime::errc::write_failed);
    else
      CHECK(t.answers[nth(i)].ok());
  }
  CHECK(t.stats().halvings >= 2);
  CHECK(t.written(3).size() + t.written(7).size() == 15); // the first and fourteen others
}

TEST_CASE("what a writer queued behind its bad write fails with it", "[lane]") {
  lane_world t;
  auto bad = t.probe(), good = t.probe();
  t.tell(bad, "write", "warm");
  t.tell(good, "write", "up");
  t.w.run_for(1s);
  t.occupy();
  t.tell(bad, "write", "before");
  for (int i = 0; i < 4; ++i)
    t.tell(good, "write", nth(i));
  t.tell(bad, "poison", "poison");
  for (int i = 4; i < 8; ++i)
    t.tell(good, "write", nth(i));
  t.tell(bad, "write", "behind");
  t.w.run_for(2s);
  CHECK(t.answers["before"].ok());
  CHECK(t.answers["poison"].why == runtime::errc::write_failed);
  CHECK(t.answers["behind"].why == runtime::errc::restarted);
  for (int i = 0; i < 8; ++i)
    CHECK(t.answers[nth(i)].ok());
  CHECK(t.written().count("behind") == 0);
}

TEST_CASE("while the database is away writes wait, and are written once", "[lane]") {
  lane_world t;
  t.w.db.restart(5s);
  for (int i = 0; i < 10; ++i)
    t.tell(t.probe(), "write", nth(i));
  t.w.run_for(4s);
  CHECK(t.answers.empty());
  t.w.run_for(5s);
  CHECK(t.answers.size() == 10);
  CHECK(t.written().size() == 10);
  CHECK(std::all_of(t.answers.begin(), t.answers.end(), [](const auto& a) { return a.second.ok(); }));
}

TEST_CASE("a commit whose answer is lost is settled, not repeated", "[lane]") {
  auto what = GENERATE(fault::lost_ack_applied, fault::lost_ack_dropped, fault::lost_ack_late, fault::crash_in_commit);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    lane_world t({}, seed);
    t.tell(t.probe(), "write", "warm");
    t.w.run_for(1s);
    t.w.db.script(what);
    t.tell(t.probe(), "write", "hat");
    t.w.run_for(10s);
    INFO("seed " << seed << ", fault " << static_cast<int>(what));
    CHECK(t.answers["hat"].ok());
    CHECK(t.written().count("hat") == 1);
    CHECK(t.stats().settlements == 1);
    t.tell(t.probe(), "write", "coat"); // and the lane goes on
    t.w.run_for(1s);
    CHECK(t.answers["coat"].ok());
  }
}

TEST_CASE("a full lane refuses", "[lane]") {
  lane_world t({.batch_max = 1, .queue_max = 4});
  for (int i = 0; i < 20; ++i)
    t.tell(t.probe(), "write", nth(i));
  t.w.run_for(5s);
  auto refused = std::count_if(t.answers.begin(), t.answers.end(),
                               [](const auto& a) { return !a.second.ok() && a.second.why == runtime::errc::overloaded; });
  CHECK(t.answers.size() == 20);
  CHECK(refused > 0);
  CHECK(t.written().size() + static_cast<std::size_t>(refused) == 20);
}

TEST_CASE("a fenced shard is lost, and the others of its batch are written", "[lane]") {
  lane_world t;
  t.occupy();
  t.w.db.take_away(7, t.w.random.id(0, t.w.time.now()));
  for (int i = 0; i < 10; ++i)
    t.tell(t.probe(i % 2 ? 3 : 7), "write", nth(i));
  t.w.run_for(2s);
  for (int i = 0; i < 10; ++i) {
    INFO(i);
    if (i % 2)
      CHECK(t.answers[nth(i)].ok());
    else
      CHECK(t.answers[nth(i)].why == runtime::errc::moved);
  }
  CHECK(t.written(7).empty());
  CHECK_FALSE(t.node->owns(7));
  CHECK(t.node->owns(3));
}

TEST_CASE("a drained lane has written everything", "[lane]") {
  lane_world t;
  for (int i = 0; i < 30; ++i)
    t.tell(t.probe(), "write", nth(i));
  t.w.run_until([&] { return t.diary->heard.size() == 30; });
  bool drained = false;
  t.node->system().spawn([&drained, lane = t.node->host().lanes()[0]](caf::event_based_actor* self) {
    self->request(lane, caf::infinite, runtime::drain_atom_v).then([&drained] { drained = true; }, [](const caf::error&) {});
  });
  t.w.run_until([&] { return drained; }, 10s);
  CHECK(drained);
  CHECK(t.written().size() == 30);
}
