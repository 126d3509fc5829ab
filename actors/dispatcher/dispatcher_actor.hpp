#pragma once

#include "actors/dispatcher/cursor_book.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"

#include <deque>

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// Delivers a shard's events to every consumer at least once and in order, each at its own pace: a dead consumer never delays
/// another. Events come from the journal in memory; the outbox is read only after a restart or when too many wait. A consumer who has
/// nothing to do gets an event at once; what comes while he works, or within the 20 ms after he began, he gets together.
using dispatcher_actor = caf::typed_actor<
  // The shard is ours.
  caf::reacts_to<runtime::begin_atom>,
  // Committed events, in order.
  caf::reacts_to<runtime::events_atom, std::vector<storage::outbox_event>>,
  // From a worker: what the outbox holds.
  caf::reacts_to<runtime::loaded_entity>,
  // From a worker or the built-in index: a consumer has done this many events.
  caf::reacts_to<runtime::retry_atom, std::uint64_t, std::uint64_t>,
  // Timer, with its generation: deliver what has gathered.
  caf::reacts_to<runtime::sweep_atom, std::uint64_t>,
  // Timer: write the cursors.
  caf::reacts_to<runtime::keep_atom>,
  // Timer: read the outbox again.
  caf::reacts_to<runtime::own_atom>,
  caf::reacts_to<runtime::stop_atom>>;

/// Events that were put aside by this process.
std::uint64_t events_parked() noexcept;

struct dispatcher_state {
  struct consumer {
    std::string name;
    std::shared_ptr<event_consumer> target; ///< null: the users' index of their orders, which the dispatcher keeps itself
    std::uint64_t done = 0;                 ///< ordinal of the next event to deliver
    std::size_t asked = 0;                  ///< events under way
    int failures = 0;
    storage::timestamp not_before{};
  };

  static inline const char* name = "event_dispatcher";

  dispatcher_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;
  std::shared_ptr<cursor_book> cursors;
  std::vector<consumer> consumers;
  std::deque<storage::outbox_event> backlog; ///< the first has ordinal `base`
  std::uint64_t base = 0;
  std::vector<storage::outbox_event> early;  ///< committed while the outbox was being read
  bool reading = false;
  bool ready = false;
  bool overflowed = false; ///< more than fit: the outbox is read again when the backlog is done
  /// The batch that was made last, with its first ordinal: consumers that stand at the same event read one copy.
  std::weak_ptr<const std::vector<storage::outbox_event>> made;
  std::uint64_t made_from = 0;
  std::uint64_t timer = 0; ///< generation
  bool timer_runs = false;
  storage::timestamp timer_due{};
  bool cursors_timer_runs = false;

  void read_outbox();
  void take_over(const runtime::loaded_entity& found);
  void add(const std::vector<storage::outbox_event>& events);
  void arm(storage::timestamp due);
  void write_cursors_later();
  void write_cursors();
  void deliver();
  void deliver_to(std::size_t which);
  bool keeps_failing(const consumer& c) const;
  void park(std::size_t which, const storage::outbox_event& poison);
  std::shared_ptr<const std::vector<storage::outbox_event>> batch_from(std::uint64_t first);
  void index_orders(std::size_t which, std::shared_ptr<const std::vector<storage::outbox_event>> shared);
  void done(std::size_t which, std::size_t count);
  void trim();
};

} // namespace souk::actors
