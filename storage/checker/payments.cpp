#include "storage/checker/parts.hpp"

#include <set>

namespace souk::storage::checker {

namespace {

bool is_under_way(attempt_state s) noexcept {
  return s == attempt_state::started || s == attempt_state::pending || s == attempt_state::cancelling
      || s == attempt_state::refunding;
}

} // namespace

void check_payments(const simulated::tables& rows, const observations& seen, findings& out) {
  std::map<ulid, int> succeeded;
  std::set<ulid> going_back; ///< cancelled by a person: paid until the provider has given the money back
  for (const auto& [id, payment] : rows.payments) {
    auto at = rows.orders.find(payment.order_id);
    if (at == rows.orders.end()) {
      out.add("money_belongs_to_paid_order",
              "payment " + id.str() + " of order " + payment.order_id.str() + ", which is missing");
      continue;
    }
    const auto& order = at->second;
    out.expect(payment.amount == order.total && payment.currency == order.currency, "amount_is_total",
               "payment", id,
               std::to_string(payment.amount) + ' ' + payment.currency + " for an order of "
                 + std::to_string(order.total) + ' ' + order.currency);
    if (payment.state == attempt_state::refunding)
      going_back.insert(order.id);
    if (payment.state == attempt_state::succeeded) {
      ++succeeded[order.id];
      out.expect(is_paid(order) || order.status == order_status::refunded, "money_belongs_to_paid_order",
                 "payment", id, "succeeded, and order " + order.id.str() + " is neither paid nor refunded");
    }
    if (seen.at_rest)
      out.expect(!is_under_way(payment.state), "no_payment_under_way", "payment", id,
                 "is still under way, state " + std::to_string(static_cast<int>(payment.state)));
  }
  for (const auto& [id, times] : succeeded)
    out.expect(times == 1, "paid_once", "order", id, "paid " + std::to_string(times) + " times");
  for (const auto& [id, order] : rows.orders) {
    if (is_paid(order)) {
      out.expect(order.total == 0 || succeeded.contains(id) || going_back.contains(id), "paid_order_has_money", "order", id,
                 "is paid, and no payment succeeded");
      out.expect(order.payment == payment_status::completed, "paid_order_has_money", "order", id,
                 "is paid, and its payment status is " + std::to_string(static_cast<int>(order.payment)));
    }
  }
}

} // namespace souk::storage::checker
