#include "actors/webhooks/topics.hpp"
#include "actors/webhooks/webhook_rules.hpp"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::actors;
using namespace std::chrono_literals;
using storage::delivery_state;
using storage::webhook_state;

namespace {

const storage::timestamp noon{std::chrono::microseconds{1'700'000'000'000'000}};

storage::ulid id_of(std::uint8_t shard, std::uint8_t tail) {
  storage::ulid id;
  id.bytes[0] = 1;
  id.bytes[6] = shard;
  id.bytes[15] = tail;
  return id;
}

storage::webhook_row draft(std::uint8_t tail = 1) {
  storage::webhook_row w;
  w.id = id_of(9, tail);
  w.store_id = id_of(9, 200);
  w.address = "https://example.com/hooks";
  w.topics = {"orders/paid"};
  w.sealed_secret = "sealed";
  return w;
}

storage::webhook_row made() {
  return *webhook_rules::create(draft(), {}, noon);
}

storage::webhook_delivery_row waiting(const storage::webhook_row& w) {
  return webhook_rules::delivery_of(w, {w.store_id, "9-41-2", "orders/paid", "{}"}, {9, 41, 2}, noon);
}

} // namespace

TEST_CASE("a webhook is checked when it is made", "[webhooks]") {
  const auto w = made();
  CHECK(w.state == webhook_state::active);
  CHECK(w.version == 1);
  CHECK(w.created_at == noon);

  auto bad = draft();
  bad.address = GENERATE(std::string{}, std::string{"ftp://example.com"}, std::string{"example.com"},
                         std::string{"https://exa mple.com"}, "https://example.com/" + std::string(2100, 'a'),
                         std::string{"https://ex\xc3\xa4mple.com"});
  const auto no = webhook_rules::create(bad, {}, noon);
  REQUIRE_FALSE(no);
  CHECK(no.why().field == "address");
}

TEST_CASE("a webhook's topics are known ones, each once", "[webhooks]") {
  auto w = draft();
  w.topics = {"orders/paid", "*", "orders/paid"};
  CHECK(webhook_rules::create(w, {}, noon)->topics == std::vector<std::string>{"*", "orders/paid"});
  w.topics = GENERATE(std::vector<std::string>{}, std::vector<std::string>{"orders/paid", "orders/eaten"},
                      std::vector<std::string>{"order.paid"});
  const auto no = webhook_rules::create(w, {}, noon);
  REQUIRE_FALSE(no);
  CHECK(no.why().field == "topics");
}

TEST_CASE("a store has at most 20 webhooks", "[webhooks]") {
  std::vector<storage::webhook_row> known;
  for (std::uint8_t i = 0; i < 19; ++i)
    known.push_back(draft(i));
  CHECK(webhook_rules::create(draft(100), known, noon));
  known.push_back(draft(19));
  CHECK(webhook_rules::create(draft(100), known, noon).why().code == errc::limit_exceeded);
}

TEST_CASE("a webhook is changed as far as the merchant says", "[webhooks]") {
  const auto w = made();
  change_webhook c;
  CHECK(*webhook_rules::change(w, c, noon + 1h) == w);
  c.expected_version = 2;
  CHECK(webhook_rules::change(w, c, noon).why().code == errc::version_conflict);
  c.expected_version = 1;
  c.active = false;
  const auto paused = *webhook_rules::change(w, c, noon + 1h);
  CHECK(paused.state == webhook_state::paused);
  CHECK(paused.version == 2);
  CHECK(paused.address == w.address);
  CHECK_FALSE(webhook_rules::wants(paused, "orders/paid"));
}

TEST_CASE("one that was switched off starts anew", "[webhooks]") {
  auto w = made();
  w.state = webhook_state::failing_too_long;
  w.failing_since = noon;
  change_webhook c;
  c.active = true;
  const auto again = *webhook_rules::change(w, c, noon + 100h);
  CHECK(again.state == webhook_state::active);
  CHECK(again.failing_since == storage::timestamp{});
}

TEST_CASE("a webhook wants its topics, or all", "[webhooks]") {
  auto w = made();
  CHECK(webhook_rules::wants(w, "orders/paid"));
  CHECK_FALSE(webhook_rules::wants(w, "orders/create"));
  w.topics = {"*"};
  CHECK(webhook_rules::wants(w, "orders/create"));
}

TEST_CASE("an event's place is read from its id", "[webhooks]") {
  CHECK(event_position::parse("9-41-2") == event_position{9, 41, 2});
  CHECK(event_position::parse("255-9223372036854775807-0") == event_position{255, 9223372036854775807, 0});
  CHECK_FALSE(event_position::parse(GENERATE("", "9", "9-", "9-41", "9-41-", "256-1-1", "9--1-2", "9-41-2x", "9-41-2-3", "a-1-1")));
}

TEST_CASE("a delivery has one id, and ids sort as events do", "[webhooks]") {
  const auto a = id_of(9, 1), b = id_of(9, 2);
  CHECK(webhook_rules::delivery_id({9, 41, 2}, a) == webhook_rules::delivery_id({9, 41, 2}, a));
  std::set<storage::ulid> all;
  std::vector<storage::ulid> in_order;
  for (std::int64_t seq : {0LL, 1LL, 255LL, 256LL, 70'000LL, (1LL << 47)})
    for (std::int32_t n : {0, 1, 255, 256, 65'535}) {
      in_order.push_back(webhook_rules::delivery_id({9, seq, n}, a));
      all.insert(in_order.back());
      all.insert(webhook_rules::delivery_id({9, seq, n}, b));
    }
  CHECK(std::is_sorted(in_order.begin(), in_order.end()));
  CHECK(all.size() == 2 * in_order.size());
  CHECK(std::all_of(all.begin(), all.end(), [](const auto& id) { return id.shard() == 9; }));
}

TEST_CASE("a delivery that fails is tried again for four hours", "[webhooks]") {
  auto w = made();
  auto d = waiting(w);
  auto now = noon;
  int attempts = 0;
  while (d.state == delivery_state::waiting) {
    webhook_rules::attempted(d, w, {500, "status_500", 20}, now);
    ++attempts;
    CHECK(d.status == 500);
    if (d.state == delivery_state::waiting)
      now = d.next_at;
  }
  CHECK(attempts == webhook_rules::retries + 1);
  CHECK(d.state == delivery_state::failed);
  CHECK(now - noon > 3h);
  CHECK(now - noon < 5h);
  CHECK(w.failing_since == noon);
  CHECK(w.state == webhook_state::active);
}

TEST_CASE("retries of several deliveries are spread", "[webhooks]") {
  std::set<std::chrono::seconds> seen;
  for (std::uint8_t i = 0; i < 100; ++i) {
    const auto wait = webhook_rules::retry_wait(webhook_rules::delivery_id({9, i, 0}, id_of(9, 1)), 8);
    CHECK(wait >= 96min);
    CHECK(wait <= 144min + 1s);
    seen.insert(wait);
  }
  CHECK(seen.size() > 40);
}

TEST_CASE("a success ends a webhook's bad days, three of them switch it off", "[webhooks]") {
  auto w = made();
  auto d = waiting(w);
  CHECK(webhook_rules::attempted(d, w, {0, "timeout", 5000}, noon));
  auto e = waiting(w);
  CHECK_FALSE(webhook_rules::attempted(e, w, {0, "timeout", 5000}, noon + 71h));
  CHECK(w.failing_since == noon);
  SECTION("success") {
    auto f = waiting(w);
    CHECK(webhook_rules::attempted(f, w, {204, "", 5}, noon + 72h));
    CHECK(f.state == delivery_state::delivered);
    CHECK(w.failing_since == storage::timestamp{});
  }
  SECTION("failure") {
    auto f = waiting(w);
    CHECK(webhook_rules::attempted(f, w, {0, "timeout", 5000}, noon + 72h));
    CHECK(w.state == webhook_state::failing_too_long);
    CHECK(f.state == delivery_state::failed);
    CHECK_FALSE(webhook_rules::wants(w, "orders/paid"));
    auto g = waiting(w);
    webhook_rules::given_up(g, w, noon + 72h);
    CHECK(g.state == delivery_state::failed);
    CHECK(g.error == "webhook_disabled");
    CHECK(g.attempts == 0);
  }
}

TEST_CASE("every event for merchants has a topic that can be asked for", "[webhooks]") {
  CHECK(webhook_topic_of("order.paid") == "orders/paid");
  CHECK(webhook_topic_of("user.created").empty());
  CHECK(webhook_topic_of("webhook.created").empty());
  const auto& all = webhook_topics();
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(std::binary_search(all.begin(), all.end(), "carts/abandoned"));
}
