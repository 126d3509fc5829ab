#pragma once

#include "actors/edit_line.hpp"
#include "actors/gift_card/purse.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One gift card. Its mailbox is the lock: nothing is spent twice.
using gift_card_actor = caf::typed_actor<
  // Makes it, changes it, durably; by the merchant.
  caf::replies_to<create_gift_card>::with<storage::gift_card_row>,
  caf::replies_to<change_gift_card>::with<storage::gift_card_row>,
  caf::replies_to<get_gift_card>::with<storage::gift_card_row>,
  // What can be spent.
  caf::replies_to<get_gift_card_balance>::with<gift_card_balance>,
  // Holds an amount for an order.
  caf::replies_to<hold_gift_card>::with<gift_card_held>,
  // Gives back a hold that was never written.
  caf::reacts_to<release_gift_card>,
  // The order's rows say that it is spent.
  caf::reacts_to<settle_gift_card>,
  // Money comes back: before and after its rows are written.
  caf::replies_to<expect_gift_card_return>::with<std::uint64_t>,
  caf::reacts_to<gift_card_returned>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct gift_card_state {
  static inline const char* name = "gift_card";

  gift_card_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::optional<storage::gift_card_row> row; ///< as committed, but for its balance; none: there is no such card
  purse left;
  edit_line edits;
  std::size_t reading = 0; ///< who waits to hear whether they are the merchant

  caf::result<storage::gift_card_row> as_merchant(
    const caller& by, const storage::ulid& store, bool changes,
    std::function<void(const store_terms& terms, runtime::owed_answer)> then);
  void create(const create_gift_card& c, const std::string& currency, runtime::owed_answer answer);
  void change(const change_gift_card& c, runtime::owed_answer answer);
  void write(storage::gift_card_row next, std::int64_t expected_version, runtime::owed_answer answer);
  caf::result<gift_card_balance> balance(const get_gift_card_balance& c) const;
  caf::result<gift_card_held> hold(const hold_gift_card& c);
  storage::gift_card_row view() const;
  caf::error check(const storage::ulid& store) const;
  void leave();
  void leave(bool changes);
  void stop();
};

} // namespace souk::actors
