#include "storage/simulated/transaction_rows.hpp"

namespace souk::storage::simulated {

// --- refunds, parcels, returns ---

transaction::answer transaction::refusal_of(const insert_refund& m) const {
  return taken(rows_.refunds.contains(m.row.id), m.row.id);
}

void transaction::write(const insert_refund& m) {
  at_home(m.row.id, "refund");
  at_home(m.row.order_id, "order");
  auto payment = rows_.payments.find(m.row.payment_id);
  check(payment != rows_.payments.end() && payment->second.order_id == m.row.order_id
          && payment->second.store_id == m.row.store_id, "payment", m.row.payment_id, "is missing in the refund's order");
  check(m.row.amount > 0, "refund", m.row.id, "gives nothing back");
  put(rows_.refunds, m.row.id, m.row);
  add(rows_.refunds_of, {m.row.order_id, m.row.id});
}

void transaction::write(const update_refund& m) {
  auto& row = row_of(rows_.refunds, m.row.id, m.row.store_id, "refund");
  check(row.order_id == m.row.order_id, "refund", m.row.id, "is another order's");
  row.state = m.row.state;
  row.provider_reference = m.row.provider_reference;
  row.error_code = m.row.error_code;
  row.updated_at = m.row.updated_at;
}

void transaction::write(const put_order_life& m) {
  at_home(m.row.order_id, "order");
  auto order = rows_.orders.find(m.row.order_id);
  check(order != rows_.orders.end() && order->second.store_id == m.row.store_id, "order", m.row.order_id,
        "is missing in the store of its later life");
  auto at = rows_.lives.find(m.row.order_id);
  check((at == rows_.lives.end() ? 0 : at->second.version) == m.expected_version, "later life of order", m.row.order_id,
        "has another version");
  auto row = m.row;
  row.version = m.expected_version + 1;
  put(rows_.lives, m.row.order_id, std::move(row));
}

// --- discounts ---

transaction::answer transaction::refusal_of(const put_discount& m) const {
  if (m.expected_version != 0)
    return {};
  for (const auto& [key, row] : rows_.discounts)
    if (row.id == m.row.id)
      return {refusal::exists, m.row.id.str()};
  if (rows_.discounts.contains({m.row.store_id, m.row.code}))
    return {refusal::exists, m.row.code};
  return {};
}

void transaction::write(const put_discount& m) {
  store_is_there(m.row.store_id);
  check(!m.row.code.empty(), "discount", m.row.id, "has no code");
  store_code key{m.row.store_id, m.row.code};
  auto at = rows_.discounts.find(key);
  check((at == rows_.discounts.end() ? 0 : at->second.version) == m.expected_version, "discount", m.row.id,
        "has another version");
  auto row = m.row;
  row.version = m.expected_version + 1;
  row.used = at == rows_.discounts.end() ? 0 : at->second.used;
  if (at != rows_.discounts.end()) {
    row.id = at->second.id;
    row.created_at = at->second.created_at;
  }
  put(rows_.discounts, key, std::move(row));
}

transaction::answer transaction::refusal_of(const put_discount_use& m) const {
  if (!m.once || m.row.given_back)
    return {};
  for (const auto& [key, use] : rows_.discount_uses)
    if (use.once && !use.row.given_back && use.row.store_id == m.row.store_id && use.row.code == m.row.code
        && use.row.customer == m.row.customer && use.row.order_id != m.row.order_id)
      return {refusal::already_used, m.row.code};
  return {};
}

void transaction::write(const put_discount_use& m) {
  at_home(m.row.order_id, "order");
  store_code of{m.row.store_id, m.row.code};
  auto discount = rows_.discounts.find(of);
  std::pair key{m.row.order_id, m.row.code};
  auto at = rows_.discount_uses.find(key);
  auto count = [&](std::int64_t delta) {
    undo_.save(rows_.discounts, of);
    discount->second.used += delta;
  };
  if (m.row.given_back) {
    if (at == rows_.discount_uses.end() || at->second.row.given_back || at->second.row.store_id != m.row.store_id)
      return;
    undo_.save(rows_.discount_uses, key);
    at->second.row.given_back = true;
    return count(-1);
  }
  if (at != rows_.discount_uses.end())
    return;
  check(discount != rows_.discounts.end(), "discount of order", m.row.order_id, "is missing");
  put(rows_.discount_uses, key, {m.row, m.once});
  new_uses_.insert(key);
  count(1);
}

void transaction::check_discounts() const {
  for (const auto& key : new_uses_) {
    auto use = rows_.discount_uses.find(key);
    if (use == rows_.discount_uses.end() || use->second.row.given_back)
      continue;
    const auto& discount = rows_.discounts.at({use->second.row.store_id, use->second.row.code});
    check(discount.usage_limit < 0 || discount.used <= discount.usage_limit, "discount", discount.id, "is used up");
  }
}

// --- gift cards ---

transaction::answer transaction::refusal_of(const put_gift_card& m) const {
  if (m.expected_version != 0)
    return {};
  if (rows_.gift_cards.contains(m.row.id) || rows_.gift_card_of.contains({m.row.store_id, m.row.code_hash}))
    return {refusal::exists, m.row.id.str()};
  return {};
}

void transaction::write(const put_gift_card& m) {
  at_home(m.row.id, "gift card");
  store_is_there(m.row.store_id);
  if (m.expected_version == 0) {
    check(m.row.initial > 0, "gift card", m.row.id, "is worth nothing");
    auto row = m.row;
    row.version = 1;
    row.balance = row.initial;
    put(rows_.gift_cards, row.id, row);
    put(rows_.gift_card_of, {row.store_id, row.code_hash}, row.id);
    return;
  }
  auto& row = row_of(rows_.gift_cards, m.row.id, m.row.store_id, "gift card");
  check(row.version == m.expected_version, "gift card", m.row.id, "has another version");
  row.active = m.row.active;
  row.expires_at = m.row.expires_at;
  row.note = m.row.note;
  row.updated_at = m.row.updated_at;
  row.version = m.expected_version + 1;
}

void transaction::write(const move_gift_card& m) {
  auto& row = row_of(rows_.gift_cards, m.entry.card_id, m.entry.store_id, "gift card");
  row.balance += m.entry.delta;
  touched_cards_.insert(m.entry.card_id);
  undo_.save_end(rows_.gift_card_history);
  rows_.gift_card_history.push_back(m.entry);
}

void transaction::check_cards() const {
  for (const auto& id : touched_cards_)
    if (auto at = rows_.gift_cards.find(id); at != rows_.gift_cards.end())
      check(at->second.balance >= 0 && at->second.balance <= at->second.initial, "gift card", id,
            "is overdrawn, or holds more than it was sold for");
}

// --- what goes out ---

transaction::answer transaction::refusal_of(const put_webhook& m) const {
  return taken(m.expected_version == 0 && rows_.webhooks.contains(m.row.id), m.row.id);
}

void transaction::write(const put_webhook& m) {
  at_home(m.row.id, "webhook");
  store_is_there(m.row.store_id);
  auto row = m.row;
  row.version = m.expected_version + 1;
  if (m.expected_version > 0) {
    const auto& old = row_of(rows_.webhooks, m.row.id, m.row.store_id, "webhook");
    check(old.version == m.expected_version, "webhook", m.row.id, "has another version");
    row.created_at = old.created_at;
  }
  put(rows_.webhooks, m.row.id, std::move(row));
}

void transaction::write(const delete_webhook& m) {
  at_home(m.id, "webhook");
  auto at = rows_.webhooks.find(m.id);
  if (at == rows_.webhooks.end() || at->second.store_id != m.store_id)
    return;
  std::vector<ulid> gone;
  for (const auto& [id, delivery] : rows_.deliveries)
    if (delivery.webhook_id == m.id)
      gone.push_back(id);
  for (const auto& id : gone)
    erase(rows_.deliveries, id);
  erase(rows_.webhooks, m.id);
}

void transaction::write(const put_webhook_delivery& m) {
  at_home(m.row.id, "delivery");
  auto at = rows_.deliveries.find(m.row.id);
  if (m.fresh) {
    auto webhook = rows_.webhooks.find(m.row.webhook_id);
    if (at == rows_.deliveries.end() && webhook != rows_.webhooks.end() && webhook->second.store_id == m.row.store_id)
      put(rows_.deliveries, m.row.id, m.row);
    return;
  }
  if (at == rows_.deliveries.end() || at->second.store_id != m.row.store_id)
    return;
  undo_.save(rows_.deliveries, m.row.id);
  auto& row = at->second;
  row.state = m.row.state;
  row.attempts = m.row.attempts;
  row.next_at = m.row.next_at;
  row.status = m.row.status;
  row.error = m.row.error;
  row.took_ms = m.row.took_ms;
  row.updated_at = m.row.updated_at;
}

void transaction::write(const put_mail_template& m) {
  store_is_there(m.row.store_id);
  put(rows_.mail_templates, {m.row.store_id, m.row.name, m.row.language}, m.row);
}

void transaction::write(const delete_mail_template& m) {
  at_home(m.store_id, "store");
  erase(rows_.mail_templates, {m.store_id, m.name, m.language});
}

void transaction::write(const put_suppression& m) {
  at_home(m.row.store_id, "store");
  put(rows_.mail_suppressions, {m.row.store_id, m.row.email}, m.row);
}

void transaction::write(const delete_suppression& m) {
  at_home(m.store_id, "store");
  erase(rows_.mail_suppressions, {m.store_id, m.email});
}

void transaction::write(const put_mail& m) {
  at_home(m.row.id, "mail");
  auto row = m.row;
  if (auto at = rows_.mails.find(m.row.id); at != rows_.mails.end()) {
    row = at->second;
    row.state = m.row.state;
    row.provider_reference = m.row.provider_reference;
    row.error = m.row.error;
    row.at = m.row.at;
  }
  put(rows_.mails, m.row.id, std::move(row));
}

} // namespace souk::storage::simulated
