#include "actors/supervisor/supervisor_actor.hpp"

#include "actors/kinds.hpp"
#include "runtime/owed_answer.hpp"

#include <algorithm>

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::actors {

using runtime::delivery;

namespace {

constexpr std::size_t due_per_tick = 200;       ///< so that a burst does not load thousands of orders at once
constexpr std::chrono::milliseconds burst{50};  ///< between two such portions
constexpr std::chrono::hours carts_every{1};
constexpr int carts_per_look = 200;
constexpr std::chrono::minutes left_carts_every{5};
constexpr std::chrono::hours reminded_within{24}; ///< who left longer ago (the shop was down) is not told any more

struct left_carts {
  std::vector<storage::cart_row> carts;
};

/// What the last owner of the shard left.
struct left_behind {
  std::vector<storage::open_order> orders;
  std::vector<storage::ulid> with_deliveries; ///< stores whose webhooks are owed something
};

} // namespace

void supervisor_state::tick() {
  timer_runs = false;
  auto now = context.time->now();
  for (const auto& order : watched.take_due(now, due_per_tick)) {
    runtime::tell(*context.routes, order_at(order), delivery::activate, reservation_expired{});
    // The order unwatches itself when its goods are free or sold; until then it is reminded.
    watched.watch(order, now + services->options.payment_retry * 6);
  }
  if (now - carts_looked_at >= carts_every)
    look_for_expired_carts();
  if (now - left_looked_at >= left_every())
    look_for_left_carts();
  arm();
}

void supervisor_state::arm() {
  auto now = context.time->now();
  auto due = std::min<storage::timestamp>(carts_looked_at + carts_every, left_looked_at + left_every());
  if (auto first = watched.next())
    due = std::min(due, *first);
  if (timer_runs && timer_due <= due)
    return;
  timer_runs = true;
  timer_due = due;
  auto wait = std::max<std::chrono::microseconds>(due - now, burst);
  self->delayed_send(self, wait, runtime::sweep_atom_v, ++timer);
}

std::chrono::microseconds supervisor_state::left_every() const {
  return std::clamp<std::chrono::microseconds>(services->options.cart_abandoned / 4, std::chrono::seconds{1}, left_carts_every);
}

void supervisor_state::look_for_left_carts() {
  left_looked_at = context.time->now();
  auto shard = context.who.shard();
  auto until = left_looked_at - services->options.cart_abandoned;
  services->readers->post(shard, [me = caf::actor_cast<caf::actor>(self), shard, until,
                                  life = services->options.cart_life](storage::entity_reader& reader) {
    runtime::loaded_entity out;
    try {
      out.rows = left_carts{reader.abandoned_carts(shard, until - reminded_within, until, life, carts_per_look)};
    } catch (const std::exception& e) {
      out.error = e.what(); // they are looked for again
    }
    caf::anon_send(me, std::move(out));
  });
}

void supervisor_state::look_for_expired_carts() {
  carts_looked_at = context.time->now();
  auto shard = context.who.shard();
  services->readers->post(shard, [me = caf::actor_cast<caf::actor>(self), shard,
                                  now = carts_looked_at](storage::entity_reader& reader) {
    runtime::loaded_entity out;
    try {
      out.rows = reader.expired_carts(shard, now, carts_per_look);
    } catch (const std::exception& e) {
      out.error = e.what(); // they are looked for again in an hour
    }
    caf::anon_send(me, std::move(out));
  });
}

namespace {

supervisor_actor::behavior_type supervisor(supervisor_actor::stateful_pointer<supervisor_state> self,
                                           runtime::entity_context context, std::shared_ptr<const shop_services> services,
                                           left_behind rows) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.services = std::move(services);
  state.carts_looked_at = state.context.time->now() - carts_every + std::chrono::minutes{state.context.who.shard() % 60};
  state.left_looked_at
    = state.context.time->now() - state.left_every() * (state.context.who.shard() % 16) / 16; // not all shards at once
  const auto& open = rows.orders;
  std::vector<storage::ulid> to_resume;
  for (const auto& o : open) {
    state.watched.watch(o.order_id, o.deadline);
    if (o.payment_in_flight)
      to_resume.push_back(o.order_id);
  }
  if (!to_resume.empty())
    spdlog::info("shard {}: {} open orders, {} with a payment in flight", state.context.who.shard(), open.size(),
                 to_resume.size());
  for (const auto& order : to_resume)
    runtime::tell(*state.context.routes, order_at(order), delivery::activate, resume_payment{});
  for (const auto& store : rows.with_deliveries)
    runtime::tell(*state.context.routes, webhooks_at(store), delivery::activate, resume_deliveries{});
  state.arm();
  return {
    [self](const watch_order& c) {
      self->state.watched.watch(c.order_id, c.due);
      self->state.arm();
    },
    [self](const unwatch_order& c) { self->state.watched.unwatch(c.order_id); },
    [](runtime::begin_atom) {
      // nop: being there is all it takes
    },
    [self](runtime::sweep_atom, std::uint64_t generation) {
      if (generation == self->state.timer)
        self->state.tick();
    },
    [self](const runtime::loaded_entity& carts) {
      if (!carts.rows.has_value())
        return;
      if (const auto* left = std::any_cast<left_carts>(&carts.rows)) {
        for (const auto& cart : left->carts)
          runtime::tell(*self->state.context.routes, cart_at(cart.store_id, cart.user_id), delivery::activate, remind_cart{});
        return;
      }
      for (const auto& cart : std::any_cast<const std::vector<storage::cart_row>&>(carts.rows))
        runtime::tell(*self->state.context.routes, cart_at(cart.store_id, cart.user_id), delivery::activate, expire_cart{});
    },
    [self](runtime::stop_atom) {
      // It lives while its shard does; a shard that drains asks all the same, and gets it.
      self->quit();
    },
  };
}

} // namespace

runtime::entity_kind supervisor_kind(std::shared_ptr<const shop_services> services) {
  runtime::entity_kind k;
  k.name = "reservation_supervisor";
  k.stays = true;
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return left_behind{reader.open_orders(who.shard()), reader.stores_with_deliveries(who.shard())};
  };
  k.spawn = [services](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    auto left = rows.has_value() ? std::any_cast<left_behind>(std::move(rows)) : left_behind{};
    return caf::actor_cast<caf::actor>(system.spawn(supervisor, std::move(context), services, std::move(left)));
  };
  return k;
}

} // namespace souk::actors
