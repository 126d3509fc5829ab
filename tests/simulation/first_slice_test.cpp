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
