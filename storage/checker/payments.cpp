#include "storage/checker/parts.hpp"

#include <set>

namespace souk::storage::checker {

namespace {

bool is_under_way(attempt_state s) noexcept {
  return s == attempt_state::started || s == attempt_state::pending || s == attempt_state::cancelling
      || s == attempt_state::refunding || s == attempt_state::capturing;
}

bool is_gift_card(const payment_row& p) noexcept {
  return p.provider == "gift_card";
}

/// What went back, and what is on its way: never more than was taken, and counted where it was taken and on the order alike.
void check_refunds(const simulated::tables& rows, const observations& seen, findings& out) {
  std::map<ulid, std::int64_t> asked, done, done_of_order; // payment, payment, order
  for (const auto& [id, refund] : rows.refunds) {
    auto payment = rows.payments.find(refund.payment_id);
    out.expect(payment != rows.payments.end() && payment->second.order_id == refund.order_id, "refund_belongs_to_payment",
               "refund", id, "is of a payment that its order does not have");
    if (refund.state != refund_state::failed)
      asked[refund.payment_id] += refund.amount;
    if (refund.state == refund_state::succeeded) {
      done[refund.payment_id] += refund.amount;
      done_of_order[refund.order_id] += refund.amount;
    }
    if (seen.at_rest)
      out.expect(refund.state == refund_state::succeeded || refund.state == refund_state::failed, "no_refund_under_way", "refund",
                 id, "is still under way");
  }
  for (const auto& [id, payment] : rows.payments) {
    out.expect(asked[id] <= payment.captured, "no_more_back_than_taken", "payment", id,
               std::to_string(asked[id]) + " goes back of " + std::to_string(payment.captured));
    out.expect(done[id] == payment.refunded, "refunds_are_counted", "payment", id,
               std::to_string(done[id]) + " went back, and the payment says " + std::to_string(payment.refunded));
  }
  for (const auto& [id, order] : rows.orders)
    out.expect(done_of_order[id] == order.refunded, "refunds_are_counted", "order", id,
               std::to_string(done_of_order[id]) + " went back, and the order says " + std::to_string(order.refunded));
}

/// What a gift card lost was spent, and a code is used by as many orders as it says.
void check_prepaid(const simulated::tables& rows, findings& out) {
  std::map<ulid, std::int64_t> moved;
  std::map<std::pair<ulid, std::string>, std::int64_t> lost; ///< order, card; what is paid with it, and not spent, is above 0
  for (const auto& entry : rows.gift_card_history) {
    moved[entry.card_id] += entry.delta;
    if (!entry.order_id.is_nil())
      lost[{entry.order_id, entry.card_id.str()}] += entry.delta;
  }
  for (const auto& [id, payment] : rows.payments)
    if (is_gift_card(payment) && payment.state != attempt_state::declined && payment.state != attempt_state::cancelled)
      lost[{payment.order_id, payment.method_token}] += payment.amount;
  for (const auto& [id, refund] : rows.refunds)
    if (auto payment = rows.payments.find(refund.payment_id);
        refund.state == refund_state::succeeded && payment != rows.payments.end() && is_gift_card(payment->second))
      lost[{refund.order_id, payment->second.method_token}] -= refund.amount;
  for (const auto& [key, sum] : lost)
    out.expect(sum == 0, "cards_paid_for_orders", "order", key.first,
               "paid with gift card " + key.second + ", and its history differs by " + std::to_string(sum));
  for (const auto& [id, sum] : moved)
    out.expect(rows.gift_cards.contains(id), "gift_card_balance", "gift card", id, "has a history and is missing");
  for (const auto& [id, card] : rows.gift_cards)
    out.expect(card.balance == card.initial + moved[id] && card.balance >= 0, "gift_card_balance", "gift card", id,
               "holds " + std::to_string(card.balance) + " of " + std::to_string(card.initial) + ", and its history says "
                 + std::to_string(moved[id]));
  std::map<simulated::store_code, std::int64_t> uses;
  std::map<std::pair<simulated::store_code, std::string>, int> once;
  for (const auto& [key, use] : rows.discount_uses) {
    if (use.row.given_back)
      continue;
    ++uses[{use.row.store_id, use.row.code}];
    if (auto order = rows.orders.find(use.row.order_id); order != rows.orders.end())
      out.expect(order->second.status != order_status::cancelled, "cancelled_keeps_no_code", "order", use.row.order_id,
                 "is cancelled, and still uses the code " + use.row.code);
    if (use.once)
      ++once[{{use.row.store_id, use.row.code}, use.row.customer}];
  }
  for (const auto& [key, discount] : rows.discounts) {
    out.expect(discount.used == uses[key], "discount_uses_are_counted", "discount", discount.id,
               "says that " + std::to_string(discount.used) + " orders use it, and " + std::to_string(uses[key]) + " do");
  }
  for (const auto& [key, n] : once)
    out.expect(n == 1, "used_once_per_customer", "store", key.first.first,
               key.second + " uses the code " + key.first.second + " " + std::to_string(n) + " times");
}

} // namespace

void check_payments(const simulated::tables& rows, const observations& seen, findings& out) {
  check_refunds(rows, seen, out);
  check_prepaid(rows, out);
  std::map<ulid, int> succeeded;
  std::map<ulid, std::int64_t> to_pay, with_cards; ///< of all payments of an order, and of those with gift cards
  std::set<ulid> gone_back, failed_refunds;
  for (const auto& [id, refund] : rows.refunds)
    if (refund.state == refund_state::failed)
      failed_refunds.insert(refund.payment_id);
  std::set<ulid> going_back; ///< cancelled by a person: paid until the provider has given the money back
  for (const auto& [id, payment] : rows.payments) {
    auto at = rows.orders.find(payment.order_id);
    if (at == rows.orders.end()) {
      out.add("money_belongs_to_paid_order",
              "payment " + id.str() + " of order " + payment.order_id.str() + ", which is missing");
      continue;
    }
    const auto& order = at->second;
    to_pay[order.id] += payment.amount;
    if (is_gift_card(payment))
      with_cards[order.id] += payment.amount;
    const bool taken = payment.state == attempt_state::succeeded || payment.state == attempt_state::refunding
                    || payment.state == attempt_state::refunded;
    const bool never = payment.state == attempt_state::declined || payment.state == attempt_state::cancelled;
    out.expect(!(taken && payment.captured == 0 && payment.amount > 0) && !(never && payment.captured > 0), "capture_is_counted",
               "payment", id, "has state " + std::to_string(static_cast<int>(payment.state)) + ", and took "
                 + std::to_string(payment.captured));
    out.expect(payment.currency == order.currency, "amount_is_total", "payment", id,
               std::to_string(payment.amount) + ' ' + payment.currency + " for an order of "
                 + std::to_string(order.total) + ' ' + order.currency);
    if (payment.state == attempt_state::refunding)
      going_back.insert(order.id);
    if (payment.state == attempt_state::refunded)
      gone_back.insert(order.id);
    if (is_gift_card(payment)) {
      out.expect(payment.state != attempt_state::succeeded || order.status != order_status::pending, "money_belongs_to_paid_order",
                 "gift card payment", id, "succeeded, and its order is not paid");
      continue;
    }
    if (payment.state == attempt_state::succeeded) {
      ++succeeded[order.id];
      bool failed_to_go_back = failed_refunds.contains(id);
      out.expect(is_paid(order) || order.status == order_status::refunded || failed_to_go_back, "money_belongs_to_paid_order",
                 "payment", id, "succeeded, and order " + order.id.str() + " is neither paid nor refunded");
    }
    if (seen.at_rest)
      out.expect(!is_under_way(payment.state), "no_payment_under_way", "payment", id,
                 "is still under way, state " + std::to_string(static_cast<int>(payment.state)));
  }
  for (const auto& [id, times] : succeeded)
    out.expect(times == 1, "paid_once", "order", id, "paid " + std::to_string(times) + " times");
  for (const auto& [id, order] : rows.orders) {
    if (auto sum = to_pay.find(id); sum != to_pay.end()) {
      out.expect(sum->second == order.total, "amount_is_total", "order", id,
                 "costs " + std::to_string(order.total) + ", and its payments are of " + std::to_string(sum->second));
      out.expect(with_cards[id] == order.gift_card, "amount_is_total", "order", id,
                 "says that gift cards pay " + std::to_string(order.gift_card) + ", and they pay "
                   + std::to_string(with_cards[id]));
    }
    if (is_paid(order)) {
      out.expect(order.total == 0 || succeeded.contains(id) || going_back.contains(id) || gone_back.contains(id),
                 "paid_order_has_money", "order", id, "is paid, and no payment succeeded");
      out.expect(order.payment == payment_status::completed || order.payment == payment_status::partially_refunded
                   || order.payment == payment_status::refunded, "paid_order_has_money", "order", id,
                 "is paid, and its payment status is " + std::to_string(static_cast<int>(order.payment)));
    }
  }
}

} // namespace souk::storage::checker
