#include "simulation/world/probe.hpp"
#include "simulation/world/world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk;
using namespace souk::simulation;
using namespace std::chrono_literals;
using runtime::delivery;

namespace {

struct probe_world {
  std::shared_ptr<probe_diary> diary = std::make_shared<probe_diary>();
  world w;
  simulated_node* node;
  std::vector<answer<std::string>> answers;

  explicit probe_world(runtime::shard_options shards = {}, std::uint64_t seed = 1, bool serving = false)
    : w(options_of(shards, seed, serving)), node(&w.start_node()) {
    w.run_for(10ms);
  }
  ~probe_world() { w.end(); } // whoever still waits is told, and writes it into `answers`
  world_options options_of(runtime::shard_options shards, std::uint64_t seed, bool serving) {
    world_options o;
    o.seed = seed;
    o.shards = shards;
    o.used = {3};
    o.catalog = [d = diary, serving] {
      auto all = probe_catalog(d);
      if (serving) {
        all.kinds[serving_probe_id] = probe_kind(d, true);
        all.on_begin = {serving_probe_id};
      }
      return all;
    };
    return o;
  }
  void tell(const storage::ulid& whom, const std::string& what, delivery how = delivery::activate) {
    w.ask<std::string>(probe_at(whom), how, what, [this](answer<std::string> a) { answers.push_back(std::move(a)); });
  }
  answer<std::string> ask(const storage::ulid& whom, const std::string& what, delivery how = delivery::activate) {
    return w.ask_now<std::string>(probe_at(whom), how, what);
  }
  runtime::shard_stats stats() {
    std::optional<runtime::shard_stats> out;
    node->system().spawn([&out, shard = node->host().shards()[3]](caf::event_based_actor* self) {
      self->request(shard, caf::infinite, runtime::stats_atom_v)
        .then([&out](const runtime::shard_stats& s) { out = s; }, [](const caf::error&) {});
    });
    w.run_until([&] { return out.has_value(); });
    return out.value();
  }
};

} // namespace

TEST_CASE("the first message activates an entity, and its rows are read once", "[shard]") {
  probe_world t;
  auto id = t.w.fresh_id();
  for (int i = 0; i < 5; ++i)
    t.tell(id, "hello");
  t.w.run_for(1s);
  REQUIRE(t.answers.size() == 5);
  for (const auto& a : t.answers)
    CHECK(a.value == "life 1");
  CHECK(t.diary->loads == 1);
}

TEST_CASE("messages that come while rows are read wait, and keep their order", "[shard]") {
  probe_world t;
  auto id = t.w.fresh_id();
  // One sender, whose messages arrive in order.
  t.node->system().spawn([&t, id](caf::event_based_actor*) {
    for (int i = 0; i < 20; ++i)
      runtime::tell(t.node->routes(), probe_at(id), delivery::activate, std::to_string(i));
  });
  t.w.run_for(1s);
  REQUIRE(t.diary->heard.size() == 20);
  for (int i = 0; i < 20; ++i)
    CHECK(t.diary->heard[static_cast<std::size_t>(i)] == std::to_string(i));
}

TEST_CASE("what was created is not looked for in the rows", "[shard]") {
  probe_world t;
  CHECK(t.ask(t.w.fresh_id(), "hello", delivery::create).ok());
  CHECK(t.diary->loads == 0);
}

TEST_CASE("an entity whose rows cannot be read answers unavailable, and is read for the next message", "[shard]") {
  probe_world t;
  auto id = t.w.fresh_id();
  t.diary->fail_loads = 1;
  CHECK(t.ask(id, "hello").why == runtime::errc::unavailable);
  CHECK(t.ask(id, "hello").ok());
}

TEST_CASE("what need not be told to an entity that is not there is dropped", "[shard]") {
  probe_world t;
  auto id = t.w.fresh_id();
  runtime::tell(t.node->routes(), probe_at(id), delivery::if_active, std::string{"one"});
  t.w.run_for(1s);
  CHECK(t.diary->heard.empty());
  CHECK(t.diary->loads == 0);
  t.tell(id, "two");
  runtime::tell(t.node->routes(), probe_at(id), delivery::if_active, std::string{"three"}); // being read counts as there
  t.w.run_for(1s);
  CHECK(t.diary->heard.size() >= 1);
  t.ask(id, "four", delivery::if_active);
  CHECK(t.diary->heard.back() == "four");
}

TEST_CASE("an idle entity goes, and comes back when it is needed", "[shard]") {
  probe_world t({.idle = 60s});
  auto id = t.w.fresh_id();
  CHECK(t.ask(id, "hello").value == "life 1");
  t.w.run_for(30s);
  CHECK(t.ask(id, "hello").value == "life 1");
  t.w.run_for(62s);
  CHECK(t.diary->ended == 1);
  CHECK(t.ask(id, "hello").value == "life 2");
}

TEST_CASE("an entity that is busy stays", "[shard]") {
  probe_world t({.idle = 5s});
  auto id = t.w.fresh_id();
  t.ask(id, "stay");
  t.w.run_for(60s);
  CHECK(t.ask(id, "go").value == "life 1");
  t.w.run_for(60s);
  CHECK(t.diary->ended == 1);
}

TEST_CASE("an entity that has nothing left to do is stopped at once", "[shard]") {
  probe_world t;
  t.ask(t.w.fresh_id(), "retire");
  t.w.run_for(10ms);
  CHECK(t.diary->ended == 1);
}

TEST_CASE("no message is lost while entities come and go", "[shard]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    probe_world t({.idle = 1s, .entities_max = 4, .sweep_every = 1s}, seed);
    std::vector<storage::ulid> ids;
    for (int i = 0; i < 8; ++i)
      ids.push_back(t.w.fresh_id());
    for (int i = 0; i < 300; ++i)
      t.w.time.in(microseconds{t.w.random.below(20'000'000)}, [&t, &ids] {
        t.tell(ids[t.w.random.below(ids.size())], t.w.random.chance(0.2) ? "retire" : "hello");
      });
    t.w.run_for(60s);
    INFO("seed " << seed);
    CHECK(t.answers.size() == 300);
    CHECK(std::all_of(t.answers.begin(), t.answers.end(), [](const auto& a) { return a.ok(); }));
    CHECK(t.diary->heard.size() == 300); // none twice
    CHECK(t.diary->lives > 8);
    CHECK(t.diary->ended == t.diary->lives);
  }
}

TEST_CASE("beyond the cap the least recently used entity goes, idle or not", "[shard]") {
  probe_world t({.idle = 3600s, .entities_max = 3});
  std::vector<storage::ulid> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(t.w.fresh_id());
    t.ask(ids.back(), "hello");
  }
  t.ask(ids[0], "hello"); // now the second is the oldest
  t.ask(t.w.fresh_id(), "hello");
  t.w.run_for(10ms);
  CHECK(t.diary->ended == 1);
  CHECK(t.ask(ids[0], "hello").value == "life 1");
  CHECK(t.ask(ids[2], "hello").value == "life 3");
  CHECK(t.ask(ids[1], "hello").value == "life 5");
}

TEST_CASE("a crashed entity starts again from its rows", "[shard]") {
  probe_world t;
  auto id = t.w.fresh_id();
  t.ask(id, "hello");
  CHECK_FALSE(t.ask(id, "crash").ok()); // whoever asked is told
  CHECK(t.ask(id, "hello").value == "life 2");
  CHECK(t.diary->loads == 2);
  CHECK(t.stats().restarts == 1);
}

TEST_CASE("what waits for a crashed entity is answered by its next life", "[shard]") {
  probe_world t;
  auto id = t.w.fresh_id();
  t.ask(id, "hello");
  t.tell(id, "crash");
  t.w.run_until([&] { return t.diary->heard.back() == "crash"; });
  for (int i = 0; i < 3; ++i)
    t.tell(id, "hello");
  t.w.run_for(1s);
  REQUIRE(t.answers.size() == 4);
  for (std::size_t i = 1; i < 4; ++i)
    CHECK(t.answers[i].value == "life 2");
}

TEST_CASE("three crashes in a minute are answered as unavailable until the minute is over", "[shard]") {
  probe_world t;
  auto id = t.w.fresh_id();
  for (int i = 0; i < 3; ++i) {
    CHECK(t.ask(id, "hello").ok());
    t.ask(id, "crash");
  }
  auto loads = t.diary->loads;
  CHECK(t.ask(id, "hello").why == runtime::errc::unavailable);
  CHECK(t.diary->loads == loads); // not tried
  CHECK(t.ask(t.w.fresh_id(), "hello").ok()); // the others do not suffer
  t.w.run_for(61s);
  CHECK(t.ask(id, "hello").ok());
}

TEST_CASE("a message for a shard that nobody owns waits for an owner, and not for ever", "[shard]") {
  probe_world t;
  storage::ulid elsewhere = t.w.random.id(9, t.w.time.now());
  std::optional<answer<std::string>> got;
  t.node->ask<std::string>(probe_at(elsewhere), delivery::activate, std::string{"hello"},
                           [&](answer<std::string> a) { got = std::move(a); });
  t.w.run_for(4s);
  CHECK_FALSE(got);
  t.w.run_for(2s);
  REQUIRE(got);
  CHECK(got->why == runtime::errc::unavailable);
}

TEST_CASE("no more messages wait for an owner than may", "[shard]") {
  probe_world t({.intake_max = 5});
  storage::ulid elsewhere = t.w.random.id(9, t.w.time.now());
  int refused = 0;
  for (int i = 0; i < 12; ++i)
    t.node->ask<std::string>(probe_at(elsewhere), delivery::activate, std::string{"hello"},
                             [&](answer<std::string> a) { refused += a.why == runtime::errc::overloaded; });
  t.w.run_for(1s);
  CHECK(refused == 7);
}

TEST_CASE("too many messages for one entity are refused", "[shard]") {
  probe_world t({.parked_max = 10});
  auto id = t.w.fresh_id();
  for (int i = 0; i < 25; ++i)
    t.tell(id, "hello");
  t.w.run_for(1s);
  CHECK(std::count_if(t.answers.begin(), t.answers.end(), [](const auto& a) { return a.ok(); }) >= 10);
  CHECK(std::all_of(t.answers.begin(), t.answers.end(),
                    [](const auto& a) { return a.ok() || a.why == runtime::errc::overloaded; }));
  CHECK(t.answers.size() == 25);
}

TEST_CASE("a write set in the name of a life that is over is refused", "[shard]") {
  probe_world t;
  CHECK(t.ask(t.w.fresh_id(), "outdated gone").why == runtime::errc::restarted);
  CHECK(t.w.db.dump().outbox[3].empty());
}

TEST_CASE("no entity is read again while a write set that names it is under way", "[shard]") {
  probe_world t;
  auto id = t.w.fresh_id();
  t.ask(id, "hello");
  t.w.db.restart(3s); // the write set waits, and nobody lets go of the shard yet
  t.tell(id, "write hat");
  t.w.run_until([&] { return t.diary->heard.back() == "write hat"; });
  t.w.run_for(100ms);
  t.tell(id, "crash");
  t.w.run_for(1s);
  t.tell(id, "hello");
  t.w.run_for(1s);
  CHECK(t.diary->loads == 1);
  CHECK(t.diary->lives == 1);
  t.w.run_for(10s);
  CHECK(t.diary->loads == 2);
  CHECK(t.answers.back().value == "life 2");
  CHECK(t.w.db.dump().outbox[3].size() == 1);
}

TEST_CASE("a drained shard has finished what was under way and takes nothing new", "[shard]") {
  probe_world t;
  auto a = t.w.fresh_id(), b = t.w.fresh_id();
  t.ask(a, "stay");
  t.ask(b, "hello");
  bool drained = false;
  t.node->system().spawn([&drained, shard = t.node->host().shards()[3]](caf::event_based_actor* self) {
    self->request(shard, caf::infinite, runtime::drain_atom_v).then([&drained] { drained = true; }, [](const caf::error&) {});
  });
  t.w.run_for(3s);
  CHECK_FALSE(drained);
  CHECK(t.diary->ended == 1);
  CHECK(t.ask(t.w.fresh_id(), "hello").why == runtime::errc::shutting_down);
  CHECK(t.ask(a, "go").ok()); // who is still there still answers
  t.w.run_for(3s);
  CHECK(drained);
  CHECK(t.diary->ended == 2);
}

TEST_CASE("an entity does not outlive its shard", "[shard]") {
  probe_world t;
  for (int i = 0; i < 5; ++i)
    t.ask(t.w.fresh_id(), "hello");
  t.tell(t.w.fresh_id(), "hello"); // still being read
  t.node->crash();
  CHECK(t.diary->ended == 5);
  CHECK(t.answers.size() == 1);
}

TEST_CASE("a shard that somebody took is given up at once", "[shard]") {
  probe_world t;
  t.node->close_its_eyes(); // only the journal can tell it
  auto id = t.w.fresh_id();
  t.ask(id, "hello");
  t.w.db.take_away(3, t.w.random.id(0, t.w.time.now()));
  std::optional<answer<std::string>> got;
  t.node->ask<std::string>(probe_at(id), delivery::activate, std::string{"write hat"},
                           [&](answer<std::string> a) { got = std::move(a); });
  t.w.run_for(1s);
  REQUIRE(got);
  CHECK(got->why == runtime::errc::moved);
  CHECK(t.diary->ended == 1);
  CHECK_FALSE(t.node->owns(3));
  CHECK(t.w.db.dump().outbox[3].empty());
}

TEST_CASE("what serves a shard is there from the beginning and comes back by itself", "[shard]") {
  probe_world t({.idle = 5s}, 1, true);
  auto at = runtime::shard_address(serving_probe_id, 3);
  CHECK(t.diary->heard == std::vector<std::string>{"begin"});
  t.w.run_for(60s);
  CHECK(t.diary->ended == 0); // never idle
  t.diary->fail_loads = 3;
  t.w.ask_now<std::string>(at, delivery::activate, std::string{"crash"});
  t.w.run_for(1s);
  CHECK(t.diary->ended == 1);
  t.w.run_for(5s);
  CHECK(t.diary->lives == 2);
  CHECK(t.diary->heard.back() == "begin");
}
