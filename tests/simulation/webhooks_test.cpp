#include "actors/webhooks/sender.hpp"
#include "simulation/world/small_world.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::simulation;
using namespace std::chrono_literals;
using runtime::delivery;
using storage::delivery_state;
using storage::webhook_state;

namespace {

/// Servers of merchants, by address: some of them answer no.
class merchants final : public actors::webhook_sender {
public:
  struct call {
    std::string address, event_id, topic;
    storage::timestamp at;
  };
  actors::webhook_answer send(const storage::webhook_row& to, const storage::webhook_delivery_row& what, const std::string& slug,
                              storage::timestamp now) override {
    CHECK(slug.starts_with("tea-"));
    calls.push_back({to.address, what.event_id, what.topic, now});
    if (broken.contains(to.address))
      return {500, "status_500", 10};
    return {200, "", 10};
  }
  std::string vet(const std::string&) override { return {}; }
  std::size_t count(const std::string& address) const {
    return static_cast<std::size_t>(
      std::count_if(calls.begin(), calls.end(), [&](const auto& c) { return c.address == address; }));
  }

  std::set<std::string> broken;
  std::vector<call> calls;
};

const std::string here = "https://here.example/hooks", there = "https://there.example/hooks";

struct hook_world : small_world {
  std::shared_ptr<merchants> out = std::make_shared<merchants>();
  std::int64_t told = 0;

  explicit hook_world(std::uint64_t seed = 1) : small_world({}, {.seed = seed}) {
    w.webhooks = out;
    w.restart_node(*node, 1ms);
    w.run_for(1s);
  }
  runtime::entity_address where() const { return actors::webhooks_at(tea.id); }
  storage::webhook_row make(const std::string& address, std::vector<std::string> topics = {"*"}) {
    storage::webhook_row draft;
    draft.id = w.fresh_id_beside(tea.id);
    draft.store_id = tea.id;
    draft.address = address;
    draft.topics = std::move(topics);
    draft.sealed_secret = "sealed";
    auto a = w.ask_now<storage::webhook_row>(where(), delivery::activate, actors::create_webhook{tea.owner, draft});
    INFO(caf::to_string(a.why));
    REQUIRE(a.ok());
    return a.value;
  }
  actors::webhook_event event(std::int64_t n, const std::string& topic = "orders/paid") const {
    return {tea.id, "3-" + std::to_string(1000 + n) + "-0", topic, "{\"n\":" + std::to_string(n) + "}"};
  }
  answer<bool> tell(const actors::webhook_event& e) { return w.ask_now<bool>(where(), delivery::activate, e); }
  answer<bool> happen(const std::string& topic = "orders/paid") { return tell(event(++told, topic)); }
  std::vector<storage::webhook_delivery_row> rows(const storage::webhook_row& of) {
    std::vector<storage::webhook_delivery_row> out_rows;
    for (const auto& [id, d] : w.db.dump().deliveries)
      if (d.webhook_id == of.id)
        out_rows.push_back(d);
    return out_rows;
  }
  storage::webhook_row row(const storage::webhook_row& of) { return w.db.dump().webhooks.at(of.id); }
};

} // namespace

TEST_CASE("an event reaches every webhook that wants it, once", "[webhooks]") {
  hook_world t;
  CHECK_FALSE(t.happen().value); // nobody listens
  auto a = t.make(here);
  auto b = t.make(there, {"orders/create"});
  auto first = t.happen("orders/paid");
  REQUIRE(first.ok());
  CHECK(first.value);
  t.happen("orders/create");
  t.w.run_for(5s);
  CHECK(t.out->count(here) == 2);
  CHECK(t.out->count(there) == 1);
  for (const auto& d : t.rows(a))
    CHECK(d.state == delivery_state::delivered);
  REQUIRE(t.rows(b).size() == 1);
  CHECK(t.rows(b)[0].topic == "orders/create");
  CHECK(t.rows(b)[0].attempts == 1);

  SECTION("told again it is nothing") {
    CHECK(t.tell(t.event(3)).value);
  }
  SECTION("nor after a restart") {
    t.w.restart_node(*t.w.running().front(), 1s);
    t.w.run_for(2s);
    CHECK(t.tell(t.event(2)).value);
    CHECK(t.tell(t.event(3)).value);
  }
  t.w.run_for(1min);
  CHECK(t.out->calls.size() == 3);
}

TEST_CASE("events come in their order", "[webhooks]") {
  hook_world t;
  t.make(here);
  for (int i = 0; i < 10; ++i) // faster than they can be sent
    t.happen();
  CHECK(t.out->calls.size() < 10);
  t.w.run_for(30s);
  REQUIRE(t.out->calls.size() == 10);
  CHECK(std::is_sorted(t.out->calls.begin(), t.out->calls.end(),
                       [](const auto& x, const auto& y) { return x.event_id < y.event_id; }));
}

TEST_CASE("a webhook that fails is tried for four hours, and then no more", "[webhooks]") {
  hook_world t;
  t.out->broken = {here};
  auto a = t.make(here);
  t.happen();
  t.w.run_for(10h);
  CHECK(t.out->calls.size() == 9);
  auto d = t.rows(a).at(0);
  CHECK(d.state == delivery_state::failed);
  CHECK(d.attempts == 9);
  CHECK(d.status == 500);
  CHECK(d.error == "status_500");
  auto took = t.out->calls.back().at - t.out->calls.front().at;
  CHECK(took > 3h);
  CHECK(took < 5h);
  CHECK(t.row(a).state == webhook_state::active);
  CHECK(t.row(a).failing_since != storage::timestamp{});
}

TEST_CASE("when it is there again, what waits is delivered at once", "[webhooks]") {
  hook_world t;
  t.out->broken = {here};
  auto a = t.make(here);
  for (int i = 0; i < 5; ++i)
    t.happen();
  t.w.run_for(70min);
  t.out->broken.clear();
  t.happen();
  t.w.run_for(30s);
  auto rows = t.rows(a);
  REQUIRE(rows.size() == 6);
  CHECK(std::all_of(rows.begin(), rows.end(), [](const auto& d) { return d.state == delivery_state::delivered; }));
  CHECK(t.row(a).failing_since == storage::timestamp{});
}

TEST_CASE("retries outlive the node that knew them", "[webhooks]") {
  hook_world t;
  t.out->broken = {here};
  auto a = t.make(here);
  t.happen();
  t.w.run_for(10s);
  CHECK(t.out->calls.size() == 1);
  t.out->broken.clear();
  SECTION("a crash") {
    t.w.restart_node(*t.w.running().front(), 1s);
  }
  SECTION("an orderly stop") {
    t.w.replace_node(*t.w.running().front(), 10s);
  }
  SECTION("a long absence") {
    t.w.restart_node(*t.w.running().front(), std::chrono::minutes{30});
    t.w.run_for(30min);
  }
  t.w.run_for(2min);
  CHECK(t.rows(a).at(0).state == delivery_state::delivered);
  CHECK(t.rows(a).at(0).attempts == 2);
  CHECK(t.out->calls.size() == 2);
}

TEST_CASE("deliveries follow their shard to another node", "[webhooks]") {
  hook_world t;
  t.out->broken = {here};
  auto a = t.make(here);
  t.happen();
  t.w.run_for(10s);
  auto* before = t.w.running().front();
  t.w.start_node("b");
  t.w.run_for(5s);
  t.w.remove_node(*before, 10s);
  t.w.run_for(20s);
  t.out->broken.clear();
  t.happen();
  t.w.run_for(2min);
  CHECK(t.w.owner_of(3)->name() == "b");
  auto rows = t.rows(a);
  REQUIRE(rows.size() == 2);
  for (const auto& d : rows)
    CHECK(d.state == delivery_state::delivered);
}

TEST_CASE("whichever node is asked, a store's webhooks answer", "[webhooks]") {
  hook_world t;
  t.w.start_node("b");
  t.w.start_node("c");
  t.w.run_for(5s);
  auto a = t.make(here);
  for (int i = 0; i < 20; ++i) {
    CHECK(t.happen().value);
    auto all = t.w.ask_now<std::vector<storage::webhook_row>>(t.where(), delivery::activate,
                                                              actors::get_webhooks{t.tea.owner, t.tea.id});
    CHECK(all.value.size() == 1);
  }
  t.w.run_for(30s);
  CHECK(t.rows(a).size() == 20);
  CHECK(t.out->calls.size() == 20);
}

TEST_CASE("an orderly stop does not wait for retries", "[webhooks]") {
  hook_world t;
  t.out->broken = {here};
  t.make(here);
  t.happen();
  t.w.run_for(10s);
  auto* before = t.w.running().front();
  t.w.replace_node(*before, 15s);
  CHECK(t.w.run_until([&] { return !before->alive(); }, 3s));
}

TEST_CASE("a webhook that fails for days is switched off, and its store hears of it", "[webhooks]") {
  hook_world t;
  t.out->broken = {here};
  auto a = t.make(here);
  for (int i = 0; i < 80 && t.row(a).state == webhook_state::active; ++i) {
    t.happen();
    t.w.run_for(1h);
  }
  CHECK(t.row(a).state == webhook_state::failing_too_long);
  t.w.run_for(10s);
  auto rows = t.rows(a);
  CHECK(rows.size() >= 72);
  CHECK(std::all_of(rows.begin(), rows.end(), [](const auto& d) { return d.state == delivery_state::failed; }));
  auto events = t.w.db.dump().outbox[3];
  CHECK(std::count_if(events.begin(), events.end(), [](const auto& e) { return e.event.topic == "webhook.disabled"; }) == 1);
  auto calls = t.out->calls.size();
  CHECK_FALSE(t.happen().value);
  t.w.run_for(1h);
  CHECK(t.out->calls.size() == calls);

  t.out->broken.clear();
  actors::change_webhook on;
  on.by = t.tea.owner;
  on.store_id = t.tea.id;
  on.webhook_id = a.id;
  on.active = true;
  CHECK(t.w.ask_now<storage::webhook_row>(t.where(), delivery::activate, on).value.state == webhook_state::active);
  CHECK(t.happen().value);
  t.w.run_for(5s);
  CHECK(t.out->calls.size() == calls + 1);
}

TEST_CASE("a paused webhook gets nothing more", "[webhooks]") {
  hook_world t;
  t.out->broken = {here};
  auto a = t.make(here);
  t.happen();
  t.w.run_for(10s);
  actors::change_webhook off;
  off.by = t.tea.owner;
  off.store_id = t.tea.id;
  off.webhook_id = a.id;
  off.active = false;
  CHECK(t.w.ask_now<storage::webhook_row>(t.where(), delivery::activate, off).ok());
  t.w.run_for(5h);
  CHECK(t.out->calls.size() == 1);
  CHECK(t.rows(a).at(0).error == "webhook_paused");
}

TEST_CASE("a delivery is sent again when the merchant asks for it", "[webhooks]") {
  hook_world t;
  auto a = t.make(here);
  t.happen();
  t.w.run_for(5s);
  auto id = t.rows(a).at(0).id;
  auto ask = [&](const storage::ulid& which, const actors::caller& by) {
    return t.w.ask_now<storage::webhook_delivery_row>(t.where(), delivery::activate,
                                                      actors::redeliver_webhook{by, t.tea.id, which});
  };
  auto again = ask(id, t.tea.owner);
  REQUIRE(again.ok());
  CHECK(again.value.state == delivery_state::waiting);
  t.w.run_for(5s);
  CHECK(t.out->calls.size() == 2);
  CHECK(t.rows(a).at(0).state == delivery_state::delivered);
  CHECK(t.out->calls[0].event_id == t.out->calls[1].event_id);

  CHECK(ask(t.w.fresh_id_beside(t.tea.id), t.tea.owner).why == actors::errc::not_found);
  CHECK(ask(id, signed_in(t.w.fresh_id())).why == actors::errc::forbidden);
}

TEST_CASE("a dead webhook does not delay another", "[webhooks]") {
  hook_world t;
  t.out->broken = {here};
  t.make(here);
  t.make(there);
  for (int i = 0; i < 100; ++i)
    t.w.ask<bool>(t.where(), delivery::activate, t.event(++t.told), [](auto) {});
  t.w.run_for(10s);
  CHECK(t.out->count(there) == 100);
}

TEST_CASE("more than fit into memory are delivered as well", "[webhooks]") {
  hook_world t;
  auto a = t.make(here);
  auto b = t.make(there);
  t.out->broken = {there};
  for (int round = 0; round < 25; ++round) { // faster than they can be sent
    for (int i = 0; i < 100; ++i)
      t.w.ask<bool>(t.where(), delivery::activate, t.event(++t.told), [](auto) {});
    t.w.run_for(200ms);
  }
  t.w.run_for(10min);
  CHECK(t.rows(a).size() == 2500);
  CHECK(t.rows(b).size() == 2500);
  std::set<std::string> got;
  for (const auto& c : t.out->calls)
    if (c.address == here)
      CHECK(got.insert(c.event_id).second);
  CHECK(got.size() == 2500);
  t.out->broken.clear();
  t.w.run_for(6h);
  for (const auto& d : t.rows(b))
    CHECK(d.state == delivery_state::delivered);
}

TEST_CASE("a webhook that is removed takes its deliveries along", "[webhooks]") {
  hook_world t;
  t.out->broken = {here};
  auto a = t.make(here);
  t.happen();
  t.w.run_for(10s);
  CHECK(t.w.ask_now<bool>(t.where(), delivery::activate, actors::remove_webhook{t.tea.owner, t.tea.id, a.id}).value);
  t.w.run_for(3min);
  CHECK(t.out->calls.size() == 1);
  CHECK(t.w.db.dump().deliveries.empty());
  CHECK(t.w.ask_now<bool>(t.where(), delivery::activate, actors::remove_webhook{t.tea.owner, t.tea.id, a.id}).why
        == actors::errc::not_found);
}

TEST_CASE("only the merchant sees and makes webhooks", "[webhooks]") {
  hook_world t;
  auto a = t.make(here);
  auto list = [&](const actors::caller& by) {
    return t.w.ask_now<std::vector<storage::webhook_row>>(t.where(), delivery::activate, actors::get_webhooks{by, t.tea.id});
  };
  CHECK(list(t.tea.owner).value == std::vector{a});
  CHECK(list(signed_in(t.w.fresh_id())).why == actors::errc::forbidden);
  CHECK(list({}).why == actors::errc::forbidden);
  auto asked_again = t.w.ask_now<storage::webhook_row>(t.where(), delivery::activate, actors::create_webhook{t.tea.owner, a});
  CHECK(asked_again.value == a);
}

TEST_CASE("deliveries survive crashes at any moment", "[webhooks]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    hook_world t(seed);
    auto a = t.make(here);
    std::set<std::string> accepted;
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 10; ++k) {
        auto e = t.event(++t.told);
        t.w.ask<bool>(t.where(), delivery::activate, e, [&accepted, id = e.event_id](auto answered) {
          if (answered.ok())
            accepted.insert(id);
        });
      }
      t.w.run_for(microseconds{t.w.random.below(200'000)});
      t.w.restart_node(*t.w.running().front(), 100ms);
      t.w.run_for(1s);
    }
    t.w.run_for(2min);
    std::set<std::string> got;
    for (const auto& c : t.out->calls)
      got.insert(c.event_id);
    INFO("seed " << seed);
    CHECK(std::includes(got.begin(), got.end(), accepted.begin(), accepted.end()));
    auto rows = t.rows(a);
    CHECK(std::all_of(rows.begin(), rows.end(), [](const auto& d) { return d.state == delivery_state::delivered; }));
  }
}
