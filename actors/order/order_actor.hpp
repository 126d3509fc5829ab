#pragma once

#include "actors/order/order_machine.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <functional>
#include <list>

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One order: the saga of placing it, its payment, its refunds, its parcels and what comes back. Everything that happens to it
/// meets in its mailbox.
using order_actor = caf::typed_actor<
  caf::replies_to<place_order>::with<order_view>,
  caf::replies_to<get_order>::with<order_view>,
  caf::replies_to<cancel_order>::with<order_view>,
  caf::replies_to<confirm_payment>::with<order_view>,
  caf::replies_to<capture_payment>::with<order_view>,
  caf::replies_to<refund_order>::with<order_view>,
  caf::replies_to<mark_shipped>::with<order_view>,
  caf::replies_to<mark_delivered>::with<order_view>,
  caf::replies_to<request_return>::with<order_view>,
  caf::replies_to<step_return>::with<order_view>,
  caf::replies_to<receive_return>::with<order_view>,
  // From outside: a provider or a shipping service has news.
  caf::replies_to<provider_told>::with<bool>,
  caf::replies_to<parcel_left>::with<bool>,
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

  /// Something held for the order in another actor's memory, not yet in rows.
  struct memory_hold {
    runtime::entity_address where;
    std::uint64_t activation = 0;
  };
  /// Something that goes back with the rows under way, and the life of the actor that is told of it.
  struct given_back {
    runtime::entity_address where;
    std::int64_t amount = 0; ///< pieces, minor units, or uses
    std::uint64_t activation = 0;
  };
  /// Someone who waits for how the payment ends.
  struct waiter {
    runtime::owed_answer answer;
    bool replay = false;
  };
  /// A provider's event that is being asked about, and who waits until what it says is committed.
  struct told_event {
    storage::heard_event event;
    runtime::owed_answer answer;
  };

  order_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;

  bool exists = false;
  order_machine machine;
  std::shared_ptr<const storage::store_row> store; ///< the store's terms, once they are known

  // The saga of a new order, and of one whose goods are got again.
  bool placing = false;
  bool regaining = false;
  place_order command;
  std::vector<priced_line> lines; ///< by variant_id: carts that share variants take them in one order
  std::vector<memory_hold> holds;
  std::vector<storage::discount_row> codes; ///< as they are held
  funding paid_with;
  gateway_answer late_money; ///< what the goods are got again for

  int asking = 0; ///< for the store's terms: whoever waits for them must not lose this life of the order
  bool writing = false;
  std::list<std::function<void()>> later; ///< what came while rows were on their way; no deque: an empty one allocates 600 bytes
  std::vector<waiter> waiters;
  std::vector<told_event> told;  ///< to be asked about
  std::vector<told_event> asked; ///< the call under way will tell
  std::vector<told_event> telling; ///< the rows under way say what became of them
  bool calling = false;          ///< a gateway worker has the attempt
  int failed_calls = 0;
  std::uint64_t retry_timer = 0; ///< generation; a timer of an older one is stale
  std::uint64_t wait_timer = 0;  ///< likewise; 0 = none runs
  std::uint64_t wait_timers = 0;
  bool retry_due = false;        ///< a retry timer runs

  ~order_state();

  // -- placing (order_placing.cpp) ---
  caf::result<order_view> place(place_order& c);
  void start_saga();
  caf::error check_payment_method() const;
  void reserve_next(std::size_t at);
  void hold_code(std::size_t at);
  void price_order();
  void hold_card(std::size_t at, std::int64_t left, quote q);
  void write_order(const quote& q);
  void placed(decision& d, const runtime::receipt& r);
  void give_up(caf::error why);
  void let_go_of_holds();

  // -- writing (order_writing.cpp) ---
  void apply(verdict v, std::vector<told_event> about = {});
  void find_lives(std::shared_ptr<decision> d, std::vector<given_back> back, std::size_t at);
  void write(std::shared_ptr<decision> d, std::vector<given_back> back);
  void written(decision& d);
  void tell_returned(const given_back& b);
  void keep_watch(bool placed);
  void unwatch();
  void when_idle(std::function<void()> f);
  void rest();
  void stop();
  void reload(const caf::error& why);
  void answer_waiters();
  bool busy() const noexcept { return writing || placing || regaining; }
  bool idle() const noexcept;

  // -- the gateway (order_gateway.cpp) ---
  void with_terms(std::function<void(const caf::error&)> f);
  void drive();
  void call_gateway(const next_call& call);
  charge charge_of(const next_call& call) const;
  void gateway_answered(const payment_answered& a);
  void try_again_later();
  void regain(std::size_t at);
  caf::result<bool> hear(const provider_told& c);
  static void answer_told(std::vector<told_event>& events, const caf::error& why);
  caf::result<bool> parcel_news(const parcel_left& c);
};

} // namespace souk::actors
