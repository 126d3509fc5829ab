#pragma once

#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"
#include "simulation/world/shop_rows.hpp"

namespace souk::simulation {

/// One shop on one node, without any fault that a test does not ask for.
struct small_world {
  world w;
  shop tea;
  simulated_node* node;

  explicit small_world(const shop_plan& plan = {}, world_options options = {})
    : w(one_shard(std::move(options))), tea(open_shop(w, 3, plan)), node(&w.start_node()) {
    w.run_for(std::chrono::milliseconds{10});
  }
  static world_options one_shard(world_options o) {
    o.used = {3};
    o.heartbeat = std::chrono::minutes{1}; // there is nobody to hear it
    return o;
  }

  storage::ulid new_order() { return w.fresh_id_beside(tea.id); }
  answer<actors::order_view> place(const storage::ulid& id, const actors::place_order& c,
                                   runtime::delivery how = runtime::delivery::create) {
    return w.ask_now<actors::order_view>(actors::order_at(id), how, c);
  }
  /// Somebody buys; the answer is awaited.
  answer<actors::order_view> buy(std::vector<std::pair<std::size_t, std::int64_t>> lines, const std::string& token = "tok_ok") {
    return place(new_order(), order_of(signed_in(w.fresh_id()), tea, std::move(lines), token));
  }
  template <class Command>
  answer<actors::order_view> tell_order(const storage::ulid& id, Command c) {
    return w.ask_now<actors::order_view>(actors::order_at(id), runtime::delivery::activate, std::move(c));
  }
  answer<actors::order_view> look(const answer<actors::order_view>& a) {
    return tell_order(a.value.order.id, actors::get_order{signed_in(a.value.order.user_id)});
  }
  answer<actors::order_view> cancel(const answer<actors::order_view>& a) {
    return tell_order(a.value.order.id, actors::cancel_order{signed_in(a.value.order.user_id), ""});
  }
  /// What the inventory actor believes.
  actors::stock_view stock(std::size_t which = 0) {
    return w.ask_now<actors::stock_view>(actors::inventory_at(tea.variants.at(which).id), runtime::delivery::activate,
                                         actors::get_stock{tea.id})
      .value;
  }
  storage::level_row rows(std::size_t which = 0) { return level_in(w, tea.variants.at(which).id); }
  storage::order_status status(const storage::ulid& id) { return order_in(w, id).value().order.status; }
  storage::attempt_state money(const storage::ulid& id) { return order_in(w, id).value().payments.at(0).state; }
  storage::reservation_state goods(const storage::ulid& id) { return order_in(w, id).value().reservations.at(0).state; }
  /// Whether memory and rows agree that so much is on hand and reserved.
  bool agrees(std::int64_t on_hand, std::int64_t reserved, std::size_t which = 0) {
    auto m = stock(which);
    auto r = rows(which);
    return m.on_hand == on_hand && r.on_hand == on_hand && m.reserved == reserved && r.reserved == reserved;
  }
  /// The shopper acts on the provider's page.
  bool act(const storage::ulid& order, bool approve) {
    for (const auto& attempt : w.gateway->waiting())
      if (w.gateway->accounts().at(attempt).order == order)
        return w.gateway->act(attempt, approve);
    return false;
  }
};

} // namespace souk::simulation
