#pragma once

#include "actors/discount/uses.hpp"
#include "actors/edit_line.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <map>

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One discount code. Its mailbox is the lock: a limit holds whatever arrives at the same moment.
using discount_actor = caf::typed_actor<
  // Makes it, changes it, durably; by the merchant.
  caf::replies_to<create_discount>::with<storage::discount_row>,
  caf::replies_to<change_discount>::with<storage::discount_row>,
  caf::replies_to<get_discount>::with<storage::discount_row>,
  // What it would give.
  caf::replies_to<check_discount>::with<discount_offer>,
  // Takes a use for an order.
  caf::replies_to<hold_discount>::with<discount_held>,
  // Gives back a use that was never written.
  caf::reacts_to<release_discount>,
  // A cancelled order's use comes back: before its rows are written.
  caf::replies_to<expect_discount_return>::with<std::uint64_t>,
  // The order's rows say that it is used, or no longer.
  caf::reacts_to<settle_discount>,
  // From a reader.
  caf::reacts_to<looked_up>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct discount_state {
  static inline const char* name = "discount";

  /// Somebody who waits for whether the customer has used it.
  struct question {
    std::function<void(bool)> go_on;
    runtime::owed_answer answer;
    storage::ulid order; ///< whose hold goes when the rows cannot be asked; nil: none
  };

  discount_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;
  std::optional<storage::discount_row> row; ///< as committed, but for `used`; none: there is no such code
  uses taken;
  std::optional<std::int64_t> coming_limit; ///< of a change under way: a lower one acts at once
  edit_line edits;
  std::size_t reading = 0; ///< who waits to hear whether they are the merchant
  std::map<std::uint64_t, question> questions; ///< by ticket
  std::uint64_t next_ticket = 1;

  caf::result<storage::discount_row> as_merchant(const caller& by, const storage::ulid& store, bool changes,
                                                 std::function<void(runtime::owed_answer)> then);
  void create(const create_discount& c, runtime::owed_answer answer);
  void change(const change_discount& c, runtime::owed_answer answer);
  void write(storage::discount_row next, std::int64_t expected_version, runtime::owed_answer answer);
  caf::result<discount_offer> offer(const check_discount& c);
  caf::result<discount_held> hold(const hold_discount& c);
  void settle(const settle_discount& c);
  void ask_whether_used(const std::string& customer, question q);
  void found(const looked_up& l);
  storage::discount_row view() const;
  std::int64_t limit() const;
  caf::error check(const storage::ulid& store, errc code) const;
  void leave();
  void leave(bool changes);
  void stop();
};

} // namespace souk::actors
