#include "storage/checker/parts.hpp"

#include <set>

namespace souk::storage::checker {

namespace {

void check_acknowledgements(const simulated::tables& rows, const observations& seen, findings& out) {
  std::map<simulated::idempotency_key, std::set<ulid>> by_key;
  std::map<std::pair<ulid, std::string>, std::size_t> by_marker;
  for (const auto& [id, order] : rows.orders)
    ++by_marker[{order.store_id, order.email}];

  for (const auto& op : seen.operations) {
    if (op.acknowledged) {
      auto at = rows.orders.find(op.order_id);
      out.expect(at != rows.orders.end(), "acknowledged_order_exists", "order", op.order_id,
                 "was acknowledged and is missing");
      if (at != rows.orders.end())
        out.expect(at->second.store_id == op.store_id, "row_in_its_store", "order", op.order_id,
                   "is another store's");
      if (!op.marker.empty())
        out.expect(by_marker[{op.store_id, op.marker}] == 1, "one_order_per_purchase", "order", op.order_id,
                   std::to_string(by_marker[{op.store_id, op.marker}]) + " orders for purchase " + op.marker);
    } else if (!op.marker.empty() && by_marker[{op.store_id, op.marker}] > 1) {
      out.add("one_order_per_purchase",
              std::to_string(by_marker[{op.store_id, op.marker}]) + " orders for purchase " + op.marker);
    }
    if (!op.idempotency_key.empty() && rows.orders.contains(op.order_id))
      by_key[{op.store_id, op.caller, op.idempotency_key}].insert(op.order_id);
  }
  for (const auto& [key, orders] : by_key)
    out.expect(orders.size() == 1, "one_order_per_key", "caller", key.caller,
               "key " + key.key + " placed " + std::to_string(orders.size()) + " orders");
  for (const auto& [key, row] : rows.idempotency_keys) {
    auto order = rows.orders.find(row.order_id);
    out.expect(order != rows.orders.end() && order->second.store_id == key.store_id, "key_names_an_order",
               "caller", key.caller,
               "key " + key.key + " names the order " + row.order_id.str()
                 + ", which its store does not have");
    if (auto answered = by_key.find(key); answered != by_key.end())
      out.expect(answered->second.contains(row.order_id), "one_order_per_key", "caller", key.caller,
                 "key " + key.key + " was answered with another order than its row names");
  }
}

/// Committed is acknowledged or unknown: who has only heard no has nothing, and nobody has what he did not ask for. Asked of a run at
/// rest, when everybody has heard something, and only where purchases are marked.
void check_wanted(const simulated::tables& rows, const observations& seen, findings& out) {
  std::map<std::pair<ulid, std::string>, bool> only_refused;
  for (const auto& op : seen.operations)
    if (!op.marker.empty()) {
      auto [at, fresh] = only_refused.try_emplace({op.store_id, op.marker}, op.refused);
      at->second = at->second && op.refused;
    }
  if (!seen.at_rest || only_refused.empty())
    return;
  for (const auto& [id, order] : rows.orders) {
    auto at = only_refused.find({order.store_id, order.email});
    out.expect(at != only_refused.end(), "order_was_asked_for", "order", id, "is nobody's: " + order.email);
    bool lives = order.status != order_status::cancelled && order.status != order_status::refunded;
    out.expect(at == only_refused.end() || !(lives && at->second), "order_was_asked_for", "order", id,
               "is placed, and " + order.email + " has only heard no");
  }
}

void check_amounts(const simulated::tables& rows, findings& out) {
  struct sums {
    std::int64_t lines = 0, tax = 0, discount = 0;
  };
  std::map<ulid, sums> of;
  for (const auto& [key, item] : rows.order_items) {
    out.expect(item.total == item.quantity * item.unit_price && item.quantity > 0 && item.unit_price >= 0 && item.tax >= 0
                 && item.discount >= 0 && item.discount <= item.total,
               "amounts_add_up", "order", item.order_id, "line " + std::to_string(item.line) + " is not its quantity times its price");
    of[item.order_id].lines += item.total;
    of[item.order_id].tax += item.tax;
    of[item.order_id].discount += item.discount;
  }
  for (const auto& [id, order] : rows.orders) {
    const auto& sum = of[id];
    const auto before_tax = order.subtotal - order.discount + order.shipping;
    out.expect(order.subtotal == sum.lines && order.discount == sum.discount && order.tax == sum.tax + order.pricing.shipping_tax
                 && order.shipping >= 0 && order.total == before_tax + (order.pricing.tax_inclusive ? 0 : order.tax),
               "amounts_add_up", "order", id,
               "lines " + std::to_string(sum.lines) + ", subtotal " + std::to_string(order.subtotal) + ", shipping "
                 + std::to_string(order.shipping) + ", tax " + std::to_string(order.tax) + ", total " + std::to_string(order.total));
  }
}

void check_numbers(const simulated::tables& rows, findings& out) {
  std::map<ulid, std::set<std::int64_t>> numbers;
  for (const auto& [id, order] : rows.orders)
    out.expect(numbers[order.store_id].insert(order.number).second, "numbers_without_gaps", "order", id,
               "number " + std::to_string(order.number) + " is there twice");
  for (const auto& [store, drawn] : numbers) {
    auto count = static_cast<std::int64_t>(drawn.size());
    out.expect(*drawn.begin() == 1001 && *drawn.rbegin() == 1000 + count, "numbers_without_gaps", "store",
               store,
               std::to_string(count) + " orders from number " + std::to_string(*drawn.begin()) + " to "
                 + std::to_string(*drawn.rbegin()));
    auto next = rows.next_order_number.find(store);
    out.expect(next != rows.next_order_number.end() && next->second == *drawn.rbegin() + 1,
               "numbers_without_gaps", "store", store, "the next number does not follow the last order");
  }
}

void check_reservations(const simulated::tables& rows, const observations& seen, findings& out) {
  std::map<simulated::id_pair, std::int64_t> bought, claimed; // order, variant
  for (const auto& [key, item] : rows.order_items)
    bought[{item.order_id, item.variant_id}] += item.quantity;

  for (const auto& [key, r] : rows.reservations) {
    auto at = rows.orders.find(r.order_id);
    if (at == rows.orders.end()) {
      out.add("hold_belongs_to_order", "reservation of order " + r.order_id.str() + ", which is missing");
      continue;
    }
    const auto& order = at->second;
    if (r.state == reservation_state::claimed)
      claimed[{r.order_id, r.variant_id}] += r.quantity;
    out.expect(!(is_paid(order) && r.state == reservation_state::released), "never_paid_and_released",
               "order", order.id,
               "is paid, and its reservation of variant " + r.variant_id.str() + " is released");
    bool over = order.status == order_status::cancelled || order.status == order_status::refunded;
    out.expect(!(over && is_open(r.state)), "hold_belongs_to_order", "order", order.id,
               "is over, and still holds variant " + r.variant_id.str());
    if (auto item = bought.find({r.order_id, r.variant_id}); item != bought.end())
      out.expect(item->second == r.quantity, "hold_belongs_to_order", "order", order.id,
                 "holds " + std::to_string(r.quantity) + " of variant " + r.variant_id.str() + " for "
                   + std::to_string(item->second) + " bought");
    if (seen.at_rest)
      out.expect(!(r.state == reservation_state::held && r.deadline + seen.overdue_after < seen.now),
                 "no_hold_overdue", "order", order.id,
                 "still holds variant " + r.variant_id.str() + " past its deadline");
  }
  for (const auto& [key, quantity] : bought) {
    auto order = rows.orders.find(key.first);
    if (order == rows.orders.end()) {
      out.add("hold_belongs_to_order", "item of order " + key.first.str() + ", which is missing");
      continue;
    }
    bool must_hold = order->second.status == order_status::pending;
    auto held = rows.reservations.find(key);
    if (must_hold)
      out.expect(held != rows.reservations.end() && held->second.state != reservation_state::released,
                 "hold_belongs_to_order", "order", key.first,
                 "is pending and holds nothing of variant " + key.second.str());
    if (is_paid(order->second))
      out.expect(claimed[key] == quantity, "paid_is_claimed", "order", key.first,
                 "is paid with " + std::to_string(claimed[key]) + " of " + std::to_string(quantity)
                   + " claimed of variant " + key.second.str());
  }
}

} // namespace

void check_orders(const simulated::tables& rows, const observations& seen, findings& out) {
  check_acknowledgements(rows, seen, out);
  check_wanted(rows, seen, out);
  check_amounts(rows, out);
  check_numbers(rows, out);
  check_reservations(rows, seen, out);
}

} // namespace souk::storage::checker
