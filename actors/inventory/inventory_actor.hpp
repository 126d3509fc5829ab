#pragma once

#include "actors/inventory/stock.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One variant's stock. Its mailbox is the lock: a reservation is a message, and an actor handles one message at a time.
using inventory_actor = caf::typed_actor<
  // Holds goods for an order.
  caf::replies_to<reserve_stock>::with<reserved>,
  // Gives back a hold that was never written.
  caf::reacts_to<unreserve>,
  // The order's rows say that its goods are sold or free.
  caf::reacts_to<settle_hold>,
  // A refunded order's goods come back: before and after their rows are written.
  caf::replies_to<expect_return>::with<std::uint64_t>,
  caf::reacts_to<goods_returned>,
  // What can be sold, for how much.
  caf::replies_to<get_stock>::with<stock_view>,
  // Changes on_hand, durably.
  caf::replies_to<adjust_stock>::with<stock_view>,
  caf::replies_to<set_stock>::with<stock_view>,
  // Changes back-orders and the low-stock threshold, durably.
  caf::replies_to<set_stock_policy>::with<stock_view>,
  // The catalog changed.
  caf::reacts_to<publish_variant>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct inventory_state {
  static inline const char* name = "inventory";

  inventory_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;
  bool exists = false;
  stock rules;
  storage::variant_row variant;
  std::string product_title;
  storage::product_status product = storage::product_status::draft;
  std::int64_t product_version = 0;
  int writes = 0; ///< adjustments under way

  caf::result<reserved> reserve(const reserve_stock& c);
  void settle(const settle_hold& c);
  void take_back(const goods_returned& c);
  stock_view view() const;
  void change(const caller& by, std::int64_t delta, std::string reason, std::string note, runtime::owed_answer answer);
  void change_policy(const set_stock_policy& c, runtime::owed_answer answer);
  storage::emit_event low_stock_alert() const;
  void tell_pages() const; ///< what they show as available is old
  void published(const publish_variant& c);
  bool sellable() const;
  caf::error check(const storage::ulid& store) const;
  void stop();
};

} // namespace souk::actors
