#include "simulation/world/small_world.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::simulation;
using namespace std::chrono_literals;
using storage::order_status;

TEST_CASE("orders expire at their own deadline, not before and not long after", "[supervisor]") {
  small_world t;
  auto first = t.buy({{0, 1}}, "manual");
  t.w.run_for(5min);
  auto second = t.buy({{0, 1}}, "manual");
  t.w.run_for(9min + 55s);
  CHECK(t.status(first.value.order.id) == order_status::pending);
  t.w.run_for(10s);
  CHECK(t.status(first.value.order.id) == order_status::cancelled);
  CHECK(t.status(second.value.order.id) == order_status::pending);
  t.w.run_for(5min);
  CHECK(t.status(second.value.order.id) == order_status::cancelled);
  CHECK(t.agrees(20, 0));
}

TEST_CASE("deadlines outlive the node that knew them", "[supervisor]") {
  small_world t;
  auto a = t.buy({{0, 1}}, "manual");
  t.w.run_for(10min);
  t.w.restart_node(*t.node, 10s);
  t.w.run_for(4min);
  CHECK(t.status(a.value.order.id) == order_status::pending);
  t.w.run_for(2min);
  CHECK(t.status(a.value.order.id) == order_status::cancelled);
}

TEST_CASE("a deadline that passed while nobody ran is kept as soon as somebody does", "[supervisor]") {
  small_world t;
  auto a = t.buy({{0, 1}}, "tok_requires_action");
  t.w.restart_node(*t.node, std::chrono::hours{2});
  t.w.run_for(2h + 5s);
  CHECK(t.status(a.value.order.id) == order_status::cancelled);
  CHECK(t.agrees(20, 0));
}

TEST_CASE("a burst of deadlines is worked off", "[supervisor]") {
  small_world t({.stock = 1000});
  for (int i = 0; i < 500; ++i)
    t.w.ask<actors::order_view>(actors::order_at(t.new_order()), runtime::delivery::create,
                                order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 1}}, "manual"), [](auto) {});
  t.w.run_for(5s);
  CHECK(t.agrees(1000, 500));
  t.w.run_for(15min + 10s);
  CHECK(t.agrees(1000, 0));
}

TEST_CASE("deadlines are kept although the database was away", "[supervisor]") {
  small_world t;
  auto a = t.buy({{0, 1}}, "manual");
  t.w.run_for(14min + 50s);
  t.w.db.restart(60s);
  t.w.run_for(3min);
  CHECK(t.status(a.value.order.id) == order_status::cancelled);
  CHECK(t.agrees(20, 0));
}

TEST_CASE("the shard finds its supervisor again although its rows could not be read at first", "[supervisor]") {
  small_world t;
  auto a = t.buy({{0, 1}}, "manual");
  t.w.restart_node(*t.node, 1s);
  t.w.run_for(1s);            // the new process has its shards
  t.w.db.restart(30s);        // and then no database
  t.w.run_for(16min);
  CHECK(t.status(a.value.order.id) == order_status::cancelled);
}

TEST_CASE("an expired cart is cleared away", "[supervisor]") {
  small_world t({}, {.shards = {.sweep_every = 3600s}}); // a month passes
  auto by = signed_in(t.w.fresh_id());
  auto added = t.w.ask_now<actors::cart_view>(actors::cart_at(t.tea.id, by.user), runtime::delivery::activate,
                                              actors::add_to_cart{by, t.tea.variants[0].product, t.tea.variants[0].id, 1});
  INFO(caf::to_string(added.why));
  REQUIRE(added.ok());
  CHECK(t.w.db.dump().carts.size() == 1);
  t.w.run_for(std::chrono::hours{24 * 30 + 3});
  CHECK(t.w.db.dump().carts.empty());
}

TEST_CASE("carts that were left are found, and their shoppers reminded once", "[supervisor]") {
  small_world t;
  auto by = signed_in(t.w.fresh_id());
  REQUIRE(t.w.ask_now<actors::cart_view>(actors::cart_at(t.tea.id, by.user), runtime::delivery::activate,
                                         actors::add_to_cart{by, t.tea.variants[0].product, t.tea.variants[0].id, 1})
            .ok());
  auto reminders = [&] {
    int n = 0;
    auto rows = t.w.db.dump();
    for (const auto& e : rows.outbox[t.tea.id.shard()])
      n += e.event.topic == "cart.abandoned";
    return n;
  };
  t.w.run_for(55min);
  CHECK(reminders() == 0);
  t.w.run_for(12min);
  CHECK(reminders() == 1);
  t.w.restart_node(*t.node, 10s);
  t.w.run_for(5h);
  CHECK(reminders() == 1);
}
