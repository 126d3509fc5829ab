#include "storage/simulated/transaction_rows.hpp"

namespace souk::storage::simulated {

namespace {

bool is_open(reservation_state s) noexcept {
  return s == reservation_state::held || s == reservation_state::pinned;
}

void check_sums(const payment_row& x) {
  check(x.captured >= 0 && x.captured <= x.amount && x.refunded >= 0 && x.refunded <= x.amount, "payment", x.id,
        "has taken or given back more than it is worth");
}

} // namespace

// --- stock ---

transaction::answer transaction::refusal_of(const insert_level& m) const {
  return taken(rows_.levels.contains(m.row.variant_id), m.row.variant_id);
}

void transaction::write(const insert_level& m) {
  at_home(m.row.variant_id, "variant");
  auto variant = rows_.variants.find(m.row.variant_id);
  check(variant != rows_.variants.end() && variant->second.store_id == m.row.store_id, "variant",
        m.row.variant_id, "is missing in the level's store");
  check(m.row.on_hand == 0 && m.row.reserved == 0, "level of variant", m.row.variant_id, "must start empty");
  put(rows_.levels, m.row.variant_id, m.row);
}

void transaction::write(const set_level_policy& m) {
  auto& row = row_of(rows_.levels, m.variant_id, m.store_id, "level of variant");
  row.backorder = m.backorder;
  row.low_stock_threshold = m.low_stock_threshold;
  touched_levels_.insert(m.variant_id);
}

void transaction::write(const move_stock& m) {
  auto& row = row_of(rows_.levels, m.variant_id, m.store_id, "level of variant");
  row.on_hand += m.on_hand_delta;
  row.reserved += m.reserved_delta;
  touched_levels_.insert(m.variant_id);

  auto& lines = rows_.ledger[shard_];
  auto seq = rows_.shards[shard_].seq;
  auto n = lines.empty() || lines.back().seq != seq ? 0 : lines.back().n + 1;
  undo_.save_end(lines);
  lines.push_back({shard_,
                   seq,
                   n,
                   m.store_id,
                   {m.variant_id, m.on_hand_delta, m.reserved_delta, row.on_hand, row.reserved, m.reason,
                    m.order_id, m.by, m.note, m.at}});
}

// --- carts ---

transaction::answer transaction::refusal_of(const insert_cart& m) const {
  return taken(rows_.carts.contains(m.row.id), m.row.id);
}

void transaction::write(const insert_cart& m) {
  at_home(m.row.id, "cart");
  at_home(m.row.store_id, "store");
  id_pair of{m.row.store_id, m.row.user_id};
  check(!rows_.cart_of.contains(of), "user", m.row.user_id, "has a cart in the store already");
  put(rows_.carts, m.row.id, m.row);
  put(rows_.cart_of, of, m.row.id);
}

void transaction::write(const update_cart& m) {
  auto& row = row_of(rows_.carts, m.row.id, m.row.store_id, "cart");
  check(row.version == m.expected_version, "cart", m.row.id, "has another version");
  check(row.user_id == m.row.user_id, "cart", m.row.id, "is another user's");
  row = m.row;
  row.version = m.expected_version + 1;
}

void transaction::write(const delete_cart& m) {
  at_home(m.id, "cart");
  auto at = rows_.carts.find(m.id);
  if (at == rows_.carts.end() || at->second.store_id != m.store_id)
    return;
  erase(rows_.cart_of, {at->second.store_id, at->second.user_id});
  erase(rows_.carts, m.id);
}

// --- orders ---

transaction::answer transaction::refusal_of(const insert_order& m) const {
  return taken(rows_.orders.contains(m.row.id), m.row.id);
}

void transaction::write(const insert_order& m) {
  at_home(m.row.id, "order");
  store_is_there(m.row.store_id);
  auto& next = rows_.next_order_number.at(m.row.store_id);
  undo_.save(rows_.next_order_number, m.row.store_id);
  order_number_ = next++;
  auto row = m.row;
  row.number = order_number_;
  check(row.discount >= 0 && row.gift_card >= 0, "order", row.id, "has a negative discount, or cards worth less than nothing");
  check(row.refunded >= 0 && row.refunded <= row.total, "order", row.id, "has more refunded than it cost");
  put(rows_.orders, row.id, std::move(row));
  add(rows_.orders_of, {m.row.user_id, m.row.id});
  for (const auto& item : m.items) {
    check(item.order_id == m.row.id && item.store_id == m.row.store_id, "item of order", m.row.id,
          "is another order's");
    check(item.quantity > 0 && item.unit_price >= 0, "item of order", m.row.id,
          "has no quantity or a negative price");
    check(item.discount >= 0 && item.discount <= item.total, "item of order", m.row.id, "has more taken off than it costs");
    std::pair key{item.order_id, item.line};
    check(!rows_.order_items.contains(key), "item of order", m.row.id, "has the number of another line");
    put(rows_.order_items, key, item);
  }
}

void transaction::write(const update_order& m) {
  auto& row = row_of(rows_.orders, m.row.id, m.row.store_id, "order");
  check(row.version == m.expected_version, "order", m.row.id, "has another version");
  row.status = m.row.status;
  row.payment = m.row.payment;
  row.note = m.row.note;
  row.carrier = m.row.carrier;
  row.tracking_number = m.row.tracking_number;
  row.tracking_url = m.row.tracking_url;
  row.refunded = m.row.refunded;
  row.fulfilment = m.row.fulfilment;
  row.updated_at = m.row.updated_at;
  row.version = m.expected_version + 1;
  check(row.refunded >= 0 && row.refunded <= row.total, "order", row.id, "has more refunded than it cost");
}

transaction::answer transaction::refusal_of(const insert_reservation& m) const {
  auto at = rows_.reservations.find({m.row.order_id, m.row.variant_id});
  return taken(at != rows_.reservations.end() && at->second.state != reservation_state::released,
               m.row.order_id);
}

void transaction::write(const insert_reservation& m) {
  at_home(m.row.order_id, "order");
  at_home(m.row.variant_id, "variant");
  check(m.row.quantity > 0, "reservation of order", m.row.order_id, "has no quantity");
  put(rows_.reservations, {m.row.order_id, m.row.variant_id}, m.row);
  new_reservations_.insert({m.row.order_id, m.row.variant_id});
  if (is_open(m.row.state))
    add(rows_.open_reservations, {m.row.variant_id, m.row.order_id});
}

void transaction::write(const set_reservations& m) {
  at_home(m.order_id, "order");
  for (auto at = rows_.reservations.lower_bound({m.order_id, ulid{}});
       at != rows_.reservations.end() && at->first.first == m.order_id; ++at) {
    auto& row = at->second;
    if (!is_open(row.state) || row.store_id != m.store_id)
      continue;
    undo_.save(rows_.reservations, at->first);
    row.state = m.state;
    if (m.state == reservation_state::held)
      row.deadline = m.deadline;
    if (!is_open(m.state))
      erase(rows_.open_reservations, {row.variant_id, row.order_id});
  }
}

transaction::answer transaction::refusal_of(const insert_payment& m) const {
  return taken(rows_.payments.contains(m.row.id), m.row.id);
}

void transaction::write(const insert_payment& m) {
  at_home(m.row.id, "payment");
  at_home(m.row.order_id, "order");
  check(m.row.amount >= 0, "payment", m.row.id, "has a negative amount");
  check_sums(m.row);
  put(rows_.payments, m.row.id, m.row);
  new_payments_.insert(m.row.id);
  add(rows_.payments_of, {m.row.order_id, m.row.id});
}

void transaction::write(const update_payment& m) {
  auto& row = row_of(rows_.payments, m.row.id, m.row.store_id, "payment");
  check(row.order_id == m.row.order_id, "payment", m.row.id, "is another order's");
  row.state = m.row.state;
  row.provider_reference = m.row.provider_reference;
  row.error_code = m.row.error_code;
  row.action_url = m.row.action_url;
  row.captured = m.row.captured;
  row.refunded = m.row.refunded;
  row.updated_at = m.row.updated_at;
  check_sums(row);
}

transaction::answer transaction::refusal_of(const insert_idempotency_key& m) const {
  if (bugs_.skip_idempotency_row)
    return {};
  if (auto at = rows_.idempotency_keys.find({m.store_id, m.caller, m.key});
      at != rows_.idempotency_keys.end())
    return {refusal::key_used, at->second.order_id.str()};
  return {};
}

void transaction::write(const insert_idempotency_key& m) {
  at_home(m.order_id, "order");
  at_home(m.store_id, "store");
  if (!bugs_.skip_idempotency_row)
    put(rows_.idempotency_keys, {m.store_id, m.caller, m.key}, {m.body_hash, m.order_id, m.at});
}

} // namespace souk::storage::simulated
