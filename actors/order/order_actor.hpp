#pragma once

#include "actors/order/order_machine.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <list>
#include <functional>

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One order: the checkout saga (reserve all, write, pay, settle or release) and the state machine after it. Answer of the
/// gateway, deadline and people's commands all meet in its mailbox, so they cannot race.
using order_actor = caf::typed_actor<
  // Places the order; again, answers it.
  caf::replies_to<place_order>::with<order_view>,
  caf::replies_to<get_order>::with<order_view>,
  caf::replies_to<cancel_order>::with<order_view>,
  caf::replies_to<confirm_payment>::with<order_view>,
  caf::replies_to<mark_shipped>::with<order_view>,
  caf::replies_to<mark_delivered>::with<order_view>,
  // From the supervisor: its time is over; after a restart, find out about the payment.
  caf::reacts_to<reservation_expired>,
  caf::reacts_to<resume_payment>,
  // From a gateway worker, and from the timers the order sets itself (with the generation they belong to).
  caf::reacts_to<payment_answered>,
  caf::reacts_to<runtime::retry_atom, std::uint64_t>,
  caf::reacts_to<runtime::sweep_atom, std::uint64_t>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct order_state {
  static inline const char* name = "order";

  /// Goods held in an inventory actor's memory, not yet in rows.
  struct memory_hold {
    storage::ulid variant;
    std::uint64_t activation = 0;
  };
  /// Goods that come back with the rows under way, and the life of the inventory actor that is told of it.
  struct returned_goods {
    storage::ulid variant;
    std::int64_t quantity = 0;
    std::uint64_t activation = 0;
  };
  /// Someone who waits for how the payment ends.
  struct waiter {
    runtime::owed_answer answer;
    bool replay = false;
  };

  order_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;

  bool exists = false;
  order_machine machine;
  storage::ulid owner; ///< the store's owner, once the terms are known

  // The saga of a new order.
  bool placing = false;
  place_order command;
  std::shared_ptr<const storage::store_row> store;
  std::vector<priced_line> lines; ///< by variant_id: carts that share variants take them in one order
  std::vector<memory_hold> holds;

  bool writing = false;
  std::list<std::function<void()>> later; ///< what came while rows were on their way; no deque: an empty one allocates 600 bytes
  std::vector<waiter> waiters;
  bool calling = false;          ///< a gateway worker has the attempt
  int failed_calls = 0;
  std::uint64_t retry_timer = 0; ///< generation; a timer of an older one is stale
  std::uint64_t wait_timer = 0;  ///< likewise; 0 = none runs
  std::uint64_t wait_timers = 0;
  bool retry_due = false;        ///< a retry timer runs

  ~order_state();

  // -- placing ---
  caf::result<order_view> place(place_order& c);
  void start_saga();
  void reserve_next(std::size_t at);
  void write_order();
  void give_up(caf::error why);

  // -- afterwards ---
  void apply(verdict v, std::function<void(const caf::error&)> failed = {});
  void find_lives(std::shared_ptr<decision> d, std::vector<returned_goods> back, std::size_t at,
                  std::function<void(const caf::error&)> failed);
  void write(std::shared_ptr<decision> d, std::vector<returned_goods> back,
             std::function<void(const caf::error&)> failed);
  void written(decision& d);
  void keep_watch(bool placed);
  void unwatch();
  void when_idle(std::function<void()> f);
  void drive();
  void call_gateway(gateway_call what);
  void gateway_answered(const payment_answered& a);
  void answer_waiters();
  void rest();
  void stop();
  void reload(const caf::error& why);
  bool idle() const noexcept;
};

} // namespace souk::actors
