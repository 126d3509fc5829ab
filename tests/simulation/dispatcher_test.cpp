#include "simulation/world/small_world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

using namespace souk;
using namespace souk::simulation;
using namespace std::chrono_literals;

namespace {

struct event_world : small_world {
  std::shared_ptr<recording_consumer> mail, search;
  std::map<std::string, std::vector<microseconds>> lags; ///< of batches that were taken, by consumer

  explicit event_world(std::uint64_t seed = 1) : small_world({.stock = 1000}, {.seed = seed}) {
    w.restart_node(*node, 1ms); // the node that has consumers
    mail = std::make_shared<recording_consumer>("mail");
    search = std::make_shared<recording_consumer>("search");
    w.consumers = {mail, search};
    w.events_done = [this](const std::string& consumer, std::size_t events, microseconds lag) {
      if (events > 0)
        lags[consumer].push_back(lag);
    };
    w.run_for(1s);
  }
  simulated_node& running() { return *w.running().front(); }
  void buy_many(int n) {
    for (int i = 0; i < n; ++i)
      w.ask<actors::order_view>(actors::order_at(new_order()), runtime::delivery::create,
                                order_of(signed_in(w.fresh_id()), tea, {{0, 1}}), [](auto) {});
    w.run_for(5s);
  }
  /// Every event of the outbox, each for the first time in order; `parked` ones left out.
  bool had_all(const recording_consumer& who) {
    auto rows = w.db.dump();
    std::set<std::pair<std::int64_t, std::int32_t>> had;
    std::vector<std::pair<std::int64_t, std::int32_t>> first, wanted;
    for (const auto& d : who.got)
      if (had.emplace(d.seq, d.n).second)
        first.emplace_back(d.seq, d.n);
    for (const auto& e : rows.outbox[3])
      if (std::none_of(rows.parked.begin(), rows.parked.end(),
                       [&](const auto& p) { return p.consumer == who.name() && p.event.seq == e.seq && p.event.n == e.n; }))
        wanted.emplace_back(e.seq, e.n);
    return first == wanted;
  }
};

} // namespace

TEST_CASE("every consumer gets every event, once and in order", "[dispatcher]") {
  event_world t;
  t.buy_many(30);
  CHECK(t.had_all(*t.mail));
  CHECK(t.had_all(*t.search));
  CHECK(t.mail->got.size() == t.w.db.dump().outbox[3].size());
  CHECK(std::count(t.mail->topics.begin(), t.mail->topics.end(), "order.paid") == 30);
}

TEST_CASE("events of a while go out together", "[dispatcher]") {
  event_world t;
  t.buy_many(50);
  CHECK(t.mail->got.size() >= 100);
  CHECK(t.mail->calls < 20);
}

TEST_CASE("whoever has nothing to do hears of an event at once, also while another is dead", "[dispatcher]") {
  event_world t;
  t.mail->dead = GENERATE(false, true);
  t.mail->parks = false;
  for (int i = 0; i < 50; ++i) {
    t.w.ask<actors::order_view>(actors::order_at(t.new_order()), runtime::delivery::create,
                                order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 1}}), [](auto) {});
    t.w.run_for(microseconds{t.w.random.below(60'000)});
  }
  t.w.run_for(5s);
  CHECK(t.had_all(*t.search));
  for (const auto* consumer : {"search", actors::user_index_consumer}) {
    INFO(consumer);
    const auto& lags = t.lags.at(consumer);
    CHECK(lags.size() > 20);
    CHECK(*std::max_element(lags.begin(), lags.end()) < 60ms); // the commit included
  }
}

TEST_CASE("after a crash no event is missing", "[dispatcher]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    event_world t(seed);
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 10; ++k)
        t.w.ask<actors::order_view>(actors::order_at(t.new_order()), runtime::delivery::create,
                                    order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 1}}), [](auto) {});
      t.w.run_for(microseconds{t.w.random.below(300'000)});
      t.w.restart_node(t.running(), 100ms);
      t.w.run_for(1s);
    }
    t.w.run_for(2min);
    INFO("seed " << seed);
    CHECK(t.had_all(*t.mail));
    CHECK(t.had_all(*t.search));
  }
}

TEST_CASE("what was delivered long before a crash is not delivered again", "[dispatcher]") {
  event_world t;
  t.buy_many(10);
  t.w.run_for(10s); // the cursors are written
  auto before = t.mail->got.size();
  t.w.restart_node(t.running(), 1s);
  t.w.run_for(10s);
  CHECK(t.mail->got.size() == before);
}

TEST_CASE("a dead consumer does not delay another, and gets it all when it is back", "[dispatcher]") {
  event_world t;
  t.mail->dead = true;
  t.mail->parks = false;
  t.buy_many(10);
  CHECK(t.had_all(*t.search));
  CHECK(t.mail->got.empty());
  t.w.run_for(10min);
  auto calls = t.mail->calls;
  CHECK(calls < 60); // it is asked less and less often
  t.mail->dead = false;
  t.w.run_for(2min);
  CHECK(t.had_all(*t.mail));
  CHECK(t.w.db.dump().parked.empty());
}

TEST_CASE("an event that a consumer never takes is parked, and the rest goes on", "[dispatcher]") {
  event_world t;
  t.mail->poison = "order.paid";
  t.buy_many(3);
  t.w.run_for(10min);
  auto rows = t.w.db.dump();
  CHECK(rows.parked.size() == 3);
  for (const auto& p : rows.parked) {
    CHECK(p.consumer == "mail");
    CHECK(p.event.event.topic == "order.paid");
  }
  CHECK(t.had_all(*t.mail));
  CHECK(t.had_all(*t.search));
}

TEST_CASE("an event is parked only when the operator will find it", "[dispatcher]") {
  event_world t;
  t.mail->poison = "order.paid";
  t.buy_many(1);
  t.w.run_for(20s);
  t.w.db.restart(120s); // away when the time to park comes
  t.w.run_for(10min);
  CHECK(t.w.db.dump().parked.size() == 1);
  CHECK(t.had_all(*t.mail));
}

TEST_CASE("a shopper finds his orders in his own index", "[dispatcher]") {
  event_world t;
  storage::user_row ada;
  ada.id = t.w.fresh_id();
  ada.email = "ada@example.com";
  ada.name = "Ada";
  ada.password_hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
  storage::session_row session;
  session.hash[0] = 1;
  session.user_id = ada.id;
  session.expires_at = t.w.time.now() + 24h;
  auto signed_up = t.w.ask_now<actors::user_view>(actors::user_at(ada.id), runtime::delivery::create,
                                                  actors::sign_up{ada, session});
  INFO(caf::to_string(signed_up.why));
  REQUIRE(signed_up.ok());
  auto order = t.new_order();
  REQUIRE(t.place(order, order_of(signed_in(ada.id), t.tea, {{0, 1}})).ok());
  t.w.run_for(5s);
  CHECK(t.w.db.dump().user_orders.count({ada.id, order}) == 1);
}
