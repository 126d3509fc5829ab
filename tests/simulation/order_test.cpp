#include "simulation/world/small_world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk;
using namespace souk::simulation;
using namespace std::chrono_literals;
using actors::errc;
using runtime::delivery;
using storage::attempt_state;
using storage::order_status;
using storage::reservation_state;

namespace {

actors::check_out under_key(actors::place_order c, const std::string& key, std::uint8_t body = 1) {
  actors::key_claim claim;
  claim.key = key;
  claim.body_hash[0] = body;
  c.key = claim;
  return {std::move(c)};
}

answer<actors::order_view> check_out(small_world& t, const actors::check_out& c) {
  return t.w.ask_now<actors::order_view>(actors::checkout_at(t.tea.id, c.command.by.user, c.command.key->key), delivery::activate, c);
}

} // namespace

TEST_CASE("a paid order has its goods, its number and its price", "[order]") {
  small_world t({.variants = 2});
  auto a = t.buy({{0, 2}, {1, 1}});
  REQUIRE(a.ok());
  CHECK(a.value.order.status == order_status::paid);
  CHECK(a.value.order.number == 1001);
  CHECK(a.value.order.subtotal == 2 * 1250 + 1350);
  CHECK(a.value.order.total == 3850 + 490 + 770);
  CHECK(t.agrees(18, 0, 0));
  CHECK(t.agrees(19, 0, 1));
  CHECK(t.buy({{0, 1}}).value.order.number == 1002);
}

TEST_CASE("an order reserves all of its lines or none", "[order]") {
  small_world t({.variants = 3, .stock = 5});
  auto a = t.buy({{0, 2}, {1, 9}, {2, 1}});
  REQUIRE(a.why == errc::out_of_stock);
  auto lines = actors::problem_of(a.why).lines;
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].variant_id == t.tea.variants[1].id);
  CHECK(lines[0].requested == 9);
  CHECK(lines[0].available == 5);
  t.w.run_for(1s);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(t.agrees(5, 0, i));
  CHECK(t.w.db.dump().orders.empty());
}

TEST_CASE("two carts cannot refuse each other crosswise", "[order]") {
  // One of each is left and both shoppers want both, listed in opposite order: one of them must get them.
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    small_world t({.variants = 2, .stock = 1}, {.seed = seed});
    int sold = 0;
    for (auto lines : {std::vector<std::pair<std::size_t, std::int64_t>>{{0, 1}, {1, 1}}, {{1, 1}, {0, 1}}})
      t.w.ask<actors::order_view>(actors::order_at(t.new_order()), delivery::create,
                                  order_of(signed_in(t.w.fresh_id()), t.tea, lines),
                                  [&](answer<actors::order_view> a) { sold += a.ok(); });
    t.w.run_for(5s);
    INFO("seed " << seed);
    CHECK(sold == 1);
  }
}

TEST_CASE("lines of one variant are one reservation", "[order]") {
  small_world t;
  auto a = t.buy({{0, 2}, {0, 3}});
  REQUIRE(a.ok());
  CHECK(a.value.items.size() == 1);
  CHECK(t.agrees(15, 0));
}

TEST_CASE("a declined payment frees the goods", "[order]") {
  small_world t;
  auto a = t.buy({{0, 2}}, "tok_declined");
  REQUIRE(a.ok());
  CHECK(a.value.order.status == order_status::cancelled);
  CHECK(a.value.payment_error == "card_declined");
  CHECK(t.agrees(20, 0));
}

TEST_CASE("while the shopper must act the goods are held, and sold when he has", "[order]") {
  small_world t;
  auto a = t.buy({{0, 2}}, "tok_requires_action");
  REQUIRE(a.ok());
  CHECK(a.value.order.status == order_status::pending);
  CHECK_FALSE(a.value.next_action_url.empty());
  CHECK(a.value.held_until == a.value.order.created_at + 15min);
  CHECK(t.agrees(20, 2));
  auto id = a.value.order.id;
  auto confirm = actors::confirm_payment{signed_in(a.value.order.user_id)};
  CHECK(t.tell_order(id, confirm).value.order.status == order_status::pending); // he has not acted yet
  REQUIRE(t.act(id, true));
  CHECK(t.tell_order(id, confirm).value.order.status == order_status::paid);
  CHECK(t.agrees(18, 0));
}

TEST_CASE("a shopper who walks away loses his goods after fifteen minutes", "[order]") {
  small_world t;
  auto a = t.buy({{0, 2}}, "tok_requires_action");
  t.w.run_for(14min);
  CHECK(t.agrees(20, 2));
  t.w.run_for(2min);
  CHECK(t.look(a).value.order.status == order_status::cancelled);
  CHECK(t.look(a).value.order.note == "reservation_expired");
  CHECK(t.agrees(20, 0));
  CHECK_FALSE(t.act(a.value.order.id, true)); // the provider was told
}

TEST_CASE("he who paid at the last moment has paid, whether he says so or not", "[order]") {
  small_world t;
  auto a = t.buy({{0, 2}}, "tok_requires_action");
  t.w.run_for(14min);
  REQUIRE(t.act(a.value.order.id, true));
  t.w.run_for(3min);
  CHECK(t.look(a).value.order.status == order_status::paid);
  CHECK(t.look(a).value.order.note.empty());
  CHECK(t.agrees(18, 0));
}

TEST_CASE("a slow gateway is not waited for: the order is pending, and paid later", "[order]") {
  small_world t;
  auto began = t.w.time.now();
  auto a = t.buy({{0, 1}}, "tok_slow");
  REQUIRE(a.ok());
  CHECK(a.value.order.status == order_status::pending);
  CHECK(t.w.time.now() - began < 1500ms);
  t.w.run_for(10min);
  CHECK(t.look(a).value.order.status == order_status::paid);
  CHECK(t.agrees(19, 0));
}

TEST_CASE("when the gateway's answer is lost it is asked again, and takes the money once", "[order]") {
  small_world t;
  auto a = t.buy({{0, 1}}, "tok_drop");
  REQUIRE(a.ok());
  CHECK(a.value.order.status == order_status::pending);
  CHECK(t.goods(a.value.order.id) == reservation_state::pinned);
  t.w.run_for(1min);
  CHECK(t.look(a).value.order.status == order_status::paid);
  CHECK(t.w.gateway->accounts().begin()->second.captures == 1);
}

TEST_CASE("what is pinned is not released while the gateway is silent, however long", "[order]") {
  small_world t;
  t.w.gateway->go_silent(true);
  auto a = t.buy({{0, 2}});
  t.w.run_for(3h);
  CHECK(t.money(a.value.order.id) == attempt_state::cancelling);
  CHECK(t.agrees(20, 2));
  t.w.gateway->go_silent(false);
  t.w.run_for(6min);
  CHECK(t.status(a.value.order.id) == order_status::cancelled);
  CHECK(t.agrees(20, 0));
}

TEST_CASE("a deadline that races the gateway's yes never leaves an order paid and released", "[order]") {
  int paid = 0, cancelled = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    small_world t({}, {.seed = seed, .shop = {.reservation = 30s}});
    auto a = t.buy({{0, 2}}, "tok_requires_action");
    auto id = a.value.order.id;
    t.w.time.in(29'900ms + microseconds{t.w.random.below(200'000)}, [&] {
      t.act(id, true);
      t.w.ask<actors::order_view>(actors::order_at(id), delivery::activate,
                                  actors::confirm_payment{signed_in(a.value.order.user_id)}, [](auto) {});
    });
    t.w.run_for(10min);
    auto s = t.status(id);
    INFO("seed " << seed);
    auto captured = t.w.gateway->accounts().begin()->second.captures;
    if (s == order_status::paid) {
      ++paid;
      CHECK(t.goods(id) == reservation_state::claimed);
      CHECK(captured == 1);
      CHECK(t.agrees(18, 0));
    } else {
      ++cancelled;
      CHECK(s == order_status::cancelled);
      CHECK(t.goods(id) == reservation_state::released);
      CHECK(captured == 0);
      CHECK(t.agrees(20, 0));
    }
  }
  CHECK(paid > 0);
  CHECK(cancelled > 0);
}

TEST_CASE("an order that is cancelled before it is paid frees its goods", "[order]") {
  small_world t;
  auto a = t.buy({{0, 2}}, "tok_requires_action");
  auto c = t.cancel(a);
  REQUIRE(c.ok());
  CHECK(c.value.order.status == order_status::cancelled);
  CHECK(c.value.order.note == "cancelled_by_customer");
  CHECK(t.agrees(20, 0));
}

TEST_CASE("a paid order that is cancelled gets its money back and its goods on the shelf", "[order]") {
  small_world t({.variants = 2});
  auto a = t.buy({{0, 2}, {1, 3}});
  auto c = t.cancel(a);
  REQUIRE(c.ok());
  CHECK(c.value.order.status == order_status::refunded);
  t.w.run_for(1s);
  CHECK(t.agrees(20, 0, 0));
  CHECK(t.agrees(20, 0, 1));
  const auto& account = t.w.gateway->accounts().begin()->second;
  CHECK(account.captures == 1);
  CHECK(account.refunds == 1);
  CHECK(t.cancel(a).value.order.status == order_status::refunded); // again is fine
}

TEST_CASE("goods come back once, whether the inventory is in memory or not", "[order]") {
  small_world t({}, {.shards = {.idle = 60s}});
  auto a = t.buy({{0, 5}});
  t.w.run_for(5min); // nobody is in memory
  t.w.gateway->go_silent(true);
  t.w.ask<actors::order_view>(actors::order_at(a.value.order.id), delivery::activate,
                              actors::cancel_order{signed_in(a.value.order.user_id), ""}, [](auto) {});
  t.w.run_for(1min);
  t.w.gateway->go_silent(false);
  t.w.run_for(10min);
  CHECK(t.status(a.value.order.id) == order_status::refunded);
  CHECK(t.agrees(20, 0));
}

TEST_CASE("cancelled while the gateway takes the money, an order is refunded", "[order]") {
  small_world t;
  auto a = t.buy({{0, 2}}, "tok_drop"); // taken, but nobody knows
  auto c = t.cancel(a);
  REQUIRE(c.ok());
  t.w.run_for(10min);
  CHECK(t.status(a.value.order.id) == order_status::refunded);
  CHECK(t.w.gateway->accounts().begin()->second.refunds == 1);
  CHECK(t.agrees(20, 0));
}

TEST_CASE("a refund that the gateway does not answer is finished after a crash", "[order]") {
  small_world t;
  auto a = t.buy({{0, 2}});
  t.w.gateway->go_silent(true);
  CHECK(t.cancel(a).value.order.status == order_status::paid); // on its way
  CHECK(t.money(a.value.order.id) == attempt_state::refunding);
  t.w.restart_node(*t.node, 1s);
  t.w.run_for(2s);
  t.w.gateway->go_silent(false);
  t.w.run_for(10min);
  CHECK(t.status(a.value.order.id) == order_status::refunded);
  CHECK(t.agrees(20, 0));
}

TEST_CASE("a payment in flight is resumed after a crash", "[order]") {
  small_world t;
  t.w.gateway->go_silent(true);
  auto a = t.buy({{0, 2}});
  CHECK(t.money(a.value.order.id) == attempt_state::started);
  t.w.restart_node(*t.node, 1s);
  t.w.run_for(2s);
  t.w.gateway->go_silent(false);
  t.w.run_for(2min);
  CHECK(t.status(a.value.order.id) == order_status::paid);
  CHECK(t.agrees(18, 0));
}

TEST_CASE("an order is placed once, however often it is asked for", "[order]") {
  small_world t;
  auto id = t.new_order();
  auto c = order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 2}});
  auto first = t.place(id, c);
  auto again = t.place(id, c, delivery::activate);
  REQUIRE(again.ok());
  CHECK_FALSE(first.value.replayed);
  CHECK(again.value.replayed);
  CHECK(again.value.order.number == first.value.order.number);
  CHECK(t.agrees(18, 0));
  t.w.restart_node(*t.node, 1s);
  t.w.run_for(2s);
  CHECK(t.place(id, c, delivery::activate).value.replayed);
  CHECK(t.w.db.dump().orders.size() == 1);
}

TEST_CASE("somebody else's order does not exist", "[order]") {
  small_world t;
  auto a = t.buy({{0, 1}});
  auto stranger = signed_in(t.w.fresh_id());
  auto id = a.value.order.id;
  CHECK(t.tell_order(id, actors::get_order{stranger}).why == errc::not_found);
  CHECK(t.tell_order(id, actors::cancel_order{stranger, ""}).why == errc::not_found);
  CHECK(t.tell_order(id, actors::mark_shipped{stranger, "", "", ""}).why == errc::not_found);
  CHECK(t.place(id, order_of(stranger, t.tea, {{0, 1}}), delivery::activate).why == errc::not_found);
  CHECK(t.tell_order(t.new_order(), actors::get_order{stranger}).why == errc::not_found);
  CHECK(t.tell_order(id, actors::get_order{t.tea.owner}).ok()); // the merchant may
}

TEST_CASE("the merchant ships a paid order, and nobody cancels it then", "[order]") {
  small_world t;
  auto a = t.buy({{0, 1}});
  auto id = a.value.order.id;
  auto shopper = signed_in(a.value.order.user_id);
  CHECK(t.tell_order(id, actors::mark_shipped{shopper, "DHL", "1Z", ""}).why == errc::forbidden);
  CHECK(t.tell_order(id, actors::mark_shipped{t.tea.owner, "DHL", "1Z", ""}).value.order.status == order_status::shipped);
  CHECK(t.cancel(a).why == errc::illegal_transition);
  CHECK(t.tell_order(id, actors::mark_delivered{t.tea.owner}).value.order.status == order_status::delivered);
}

TEST_CASE("a manual payment is confirmed by the merchant, or expires", "[order]") {
  small_world t;
  auto a = t.buy({{0, 1}}, "manual"), b = t.buy({{0, 1}}, "manual");
  CHECK(t.agrees(20, 2));
  CHECK(t.tell_order(a.value.order.id, actors::confirm_payment{signed_in(a.value.order.user_id)}).why == errc::forbidden);
  CHECK(t.tell_order(a.value.order.id, actors::confirm_payment{t.tea.owner}).value.order.status == order_status::paid);
  t.w.run_for(16min);
  CHECK(t.status(b.value.order.id) == order_status::cancelled);
  CHECK(t.agrees(19, 0));
}

TEST_CASE("an order whose total is not the expected one is not placed", "[order]") {
  small_world t;
  auto c = order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 1}});
  c.expected_total = 1;
  CHECK(t.place(t.new_order(), c).why == errc::amount_changed);
  t.w.run_for(1s);
  CHECK(t.agrees(20, 0));
}

TEST_CASE("who asks about an order while it is being refused hears that there is none", "[order]") {
  small_world t({.variants = 2, .stock = 1});
  auto id = t.new_order();
  auto by = signed_in(t.w.fresh_id());
  t.w.ask<actors::order_view>(actors::order_at(id), delivery::create, order_of(by, t.tea, {{0, 1}, {1, 5}}), [](auto) {});
  std::optional<answer<actors::order_view>> got;
  t.w.time.in(10us, [&] {
    t.w.ask<actors::order_view>(actors::order_at(id), delivery::activate, actors::cancel_order{by, ""},
                                [&](auto a) { got = std::move(a); });
  });
  t.w.run_for(1s);
  REQUIRE(got);
  CHECK(got->why == errc::not_found);
}

// -- Idempotency-Key --------------------------------------------------------------------------------------------------------

TEST_CASE("a request with the same key gets the same order", "[checkout]") {
  small_world t;
  auto c = under_key(order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 2}}), "k1");
  auto first = check_out(t, c), again = check_out(t, c);
  REQUIRE(first.ok());
  CHECK(again.value.order.id == first.value.order.id);
  CHECK(again.value.replayed);
  CHECK(t.agrees(18, 0));
  SECTION("also after a crash") {
    t.w.restart_node(*t.node, 1s);
    t.w.run_for(2s);
    CHECK(check_out(t, c).value.order.id == first.value.order.id);
    CHECK(t.agrees(18, 0));
  }
  SECTION("another body under the key is refused") {
    c.command.key->body_hash[0] = 2;
    CHECK(check_out(t, c).why == errc::idempotency_key_reused);
  }
  SECTION("somebody else's key of the same name is another one") {
    auto other = under_key(order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 1}}), "k1");
    CHECK(check_out(t, other).value.order.id != first.value.order.id);
  }
}

TEST_CASE("twins place one order", "[checkout]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    small_world t({}, {.seed = seed});
    auto c = under_key(order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 1}}), "k1");
    int placed = 0, in_flight = 0;
    for (int i = 0; i < 5; ++i)
      t.w.ask<actors::order_view>(actors::checkout_at(t.tea.id, c.command.by.user, "k1"), delivery::activate, c,
                                  [&](answer<actors::order_view> a) {
                                    placed += a.ok();
                                    in_flight += !a.ok() && a.why == errc::idempotency_in_flight;
                                  });
    t.w.run_for(5s);
    CHECK(placed >= 1);
    CHECK(placed + in_flight == 5);
    CHECK(t.w.db.dump().orders.size() == 1);
  }
}

TEST_CASE("a refused request frees its key", "[checkout]") {
  small_world t({.stock = 1});
  auto by = signed_in(t.w.fresh_id());
  CHECK(check_out(t, under_key(order_of(by, t.tea, {{0, 5}}), "k1")).why == errc::out_of_stock);
  CHECK(check_out(t, under_key(order_of(by, t.tea, {{0, 1}}), "k1", 2)).ok());
}

TEST_CASE("a request that comes again after it was refused hears the same, whatever is in stock by then", "[checkout]") {
  small_world t({.stock = 0});
  auto c = under_key(order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 1}}), "k1");
  REQUIRE(check_out(t, c).why == errc::out_of_stock);
  REQUIRE(t.w.ask_now<actors::stock_view>(actors::inventory_at(t.tea.variants[0].id), delivery::activate,
                                          actors::adjust_stock{t.tea.owner, t.tea.id, 5, "adjusted", "five"}).ok());
  CHECK(check_out(t, c).why == errc::out_of_stock); // a copy that an impatient edge sent: its shopper was told no
  CHECK(t.w.db.dump().orders.empty());
  t.w.run_for(21s);
  CHECK(check_out(t, c).ok());
}

TEST_CASE("a checkout whose commit was lost with its node is found by its key", "[checkout]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    small_world t({}, {.seed = seed});
    auto c = under_key(order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 1}}), "k1");
    bool lost = false;
    t.w.ask<actors::order_view>(actors::checkout_at(t.tea.id, c.command.by.user, "k1"), delivery::activate, c,
                                [&](answer<actors::order_view> a) { lost = !a.ok(); });
    t.w.run_for(microseconds{t.w.random.below(20'000)});
    t.w.restart_node(*t.node, 1s);
    t.w.run_for(5s);
    INFO("seed " << seed);
    CHECK(check_out(t, c).ok());
    t.w.run_for(1min);
    CHECK(t.w.db.dump().orders.size() == 1);
    CHECK(t.agrees(19, 0));
  }
}
