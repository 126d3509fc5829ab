#pragma once

#include "actors/services.hpp"
#include "actors/supervisor/deadlines.hpp"
#include "actors/type_ids.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// Tells a shard's orders, at their deadline, that their reservation's time is over, and after a restart of the node those with a
/// payment in flight to find out about it. One timer per shard. It also sends the shard's expired carts away.
using supervisor_actor = caf::typed_actor<
  caf::reacts_to<watch_order>,
  caf::reacts_to<unwatch_order>,
  // The shard is ours: whoever starts the actor has it resume what the last owner left.
  caf::reacts_to<runtime::begin_atom>,
  // Its own timer, with its generation.
  caf::reacts_to<runtime::sweep_atom, std::uint64_t>,
  // From a reader thread: the carts to send away, or to have their shoppers reminded of.
  caf::reacts_to<runtime::loaded_entity>,
  caf::reacts_to<runtime::stop_atom>>;

struct supervisor_state {
  static inline const char* name = "reservation_supervisor";

  supervisor_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;
  deadlines watched;
  std::uint64_t timer = 0;
  storage::timestamp timer_due{};
  bool timer_runs = false;
  storage::timestamp carts_looked_at{};
  storage::timestamp left_looked_at{};

  void tick();
  void arm();
  void look_for_expired_carts();
  void look_for_left_carts();
  std::chrono::microseconds left_every() const;
};

} // namespace souk::actors
