#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"
#include "simulation/world/shop_rows.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::simulation;

TEST_CASE("fifty shoppers want twenty pieces: exactly twenty are sold") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    world w{{.seed = seed}};
    auto tea = open_shop(w, 3);
    w.start_node();
    int sold = 0, refused = 0;
    for (int i = 0; i < 50; ++i) {
      w.ask<actors::order_view>(actors::order_at(w.fresh_id_beside(tea.id)), runtime::delivery::create,
                                order_of(signed_in(w.fresh_id()), tea, {{0, 1}}), [&](answer<actors::order_view> a) {
                                  sold += a.ok() && a.value.order.status == storage::order_status::paid;
                                  refused += !a.ok() && a.why == actors::errc::out_of_stock;
                                  if (!a.ok() && !(a.why == actors::errc::out_of_stock))
                                    UNSCOPED_INFO(caf::to_string(a.why));
                                });
    }
    w.run_for(std::chrono::minutes{1});
    INFO("seed " << seed);
    CHECK(sold == 20);
    CHECK(refused == 30);
    CHECK(level_in(w, tea.variants[0].id).on_hand == 0);
    CHECK(level_in(w, tea.variants[0].id).reserved == 0);
  }
}

TEST_CASE("a node that is replaced in the middle of a rush loses and doubles nothing") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    world w{{.seed = seed, .used = {3}}};
    auto tea = open_shop(w, 3, {.stock = 100});
    auto& node = w.start_node();
    std::size_t acknowledged = 0;
    for (int i = 0; i < 60; ++i)
      w.time.in(microseconds{w.random.below(2'000'000)}, [&] {
        w.ask<actors::order_view>(actors::order_at(w.fresh_id_beside(tea.id)), runtime::delivery::create,
                                  order_of(signed_in(w.fresh_id()), tea, {{0, 1}}),
                                  [&](answer<actors::order_view> a) { acknowledged += a.ok(); });
      });
    w.time.in(std::chrono::seconds{1}, [&] { w.replace_node(node, std::chrono::seconds{10}); });
    w.run_for(std::chrono::minutes{1});
    INFO("seed " << seed);
    CHECK_FALSE(node.alive());
    CHECK(acknowledged > 10);
    CHECK(w.db.dump().orders.size() == acknowledged); // nothing was cut off on the way
    CHECK(level_in(w, tea.variants[0].id).on_hand == 100 - static_cast<std::int64_t>(acknowledged));
  }
}
