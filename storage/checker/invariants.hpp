#pragma once

#include "storage/simulated/tables.hpp"

#include <string>
#include <vector>

namespace souk::storage::checker {

/// One attempt of a client to place an order, as the client saw it. Twins and retries are operations of their
/// own.
struct operation {
  ulid store_id;
  ulid caller;
  std::string idempotency_key; ///< empty when none was sent
  /// What marks the purchase the shopper meant, written into the order's e-mail; empty to leave that out.
  /// However often it was tried, one order may carry it.
  std::string marker;
  ulid order_id;             ///< nil when no answer named one
  bool acknowledged = false; ///< the answer said that the order is placed
  bool refused = false;      ///< the answer was a plain no: nothing came of it
};

/// One delivery of an event to a consumer, in the order in which the consumer saw them.
struct delivery {
  std::string consumer;
  shard_id shard = 0;
  std::int64_t seq = 0;
  std::int32_t n = 0;
};

/// What the world outside the database saw.
struct observations {
  std::vector<operation> operations;
  std::vector<delivery> deliveries;
  /// Who must have had every event of every shard, in order; only asked of a run that has come to rest.
  std::vector<std::string> consumers;
  /// The run has healed and come to rest: every event is delivered, nothing is under way, no hold is overdue.
  bool at_rest = false;
  timestamp now{};                        ///< virtual time at the end
  std::chrono::seconds overdue_after{10}; ///< how late a held reservation may be found at rest
};

/// A broken promise. `invariant` is a stable name ("reserved_is_sum_of_holds"), `what` names the rows.
struct violation {
  std::string invariant;
  std::string what;
};

/// Checks everything that must hold of the rows, whatever happened: stock, orders, money, shards, events,
/// tenants. Empty means that all of it holds. Pure: a failing run can be checked again and again.
///
///   stock    reserved_is_sum_of_holds, stock_is_sum_of_ledger, stock_within_bounds, ledger_runs_on, sold_is_claimed
///   orders   acknowledged_order_exists, order_was_asked_for, one_order_per_key, one_order_per_purchase, key_names_an_order,
///            amounts_add_up, numbers_without_gaps, hold_belongs_to_order, paid_is_claimed, never_paid_and_released, no_hold_overdue
///   money    paid_once, money_belongs_to_paid_order, paid_order_has_money, amount_is_total, no_payment_under_way,
///            capture_is_counted, refund_belongs_to_payment, no_refund_under_way, no_more_back_than_taken, refunds_are_counted
///   prepaid  gift_card_balance, cards_paid_for_orders, discount_uses_are_counted, used_once_per_customer,
///            cancelled_keeps_no_code
///   later    pieces_within_sold, return_within_announced, return_names_refund, heard_once, delivery_has_its_webhook
///   shards   seq_without_gaps, epochs_rise, no_commit_after_take_over, owned_where_it_lives
///   events   outbox_follows_commits, delivered_in_order, delivered_all, delivered_only_committed
///   tenants  row_in_its_shard, row_in_its_store
std::vector<violation> check(const simulated::tables& rows, const observations& seen);

/// One line per violation, at most `limit` of them.
std::string report(const std::vector<violation>& violations, std::size_t limit = 20);

} // namespace souk::storage::checker
