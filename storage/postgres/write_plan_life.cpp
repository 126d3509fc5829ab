#include "storage/postgres/write_plan_life.hpp"

#include "storage/postgres/json_life.hpp"
#include "storage/postgres/json_text.hpp"
#include "storage/postgres/write_statements.hpp"

#include <algorithm>
#include <tuple>

namespace souk::storage::postgres {

namespace {

void at_home(const ulid& id, shard_id shard, const char* what) {
  if (id.shard() != shard)
    throw refused_batch{std::string{what} + " " + id.str() + " does not lie in shard " + std::to_string(shard)};
}

/// Writes of rows with a version, one per key: a new one has expected 0. The first expected version, the last content; what never
/// changes is as it was first.
template <class Key, class Row>
class versioned {
public:
  struct entry {
    const Row* first = nullptr;
    const Row* row = nullptr;
    std::int64_t expected = 0;
    std::int64_t version = 0;
  };

  void add(const Key& key, const Row& row, std::int64_t expected, const char* what) {
    auto [it, fresh] = rows.try_emplace(key, entry{&row, &row, expected, expected + 1});
    if (fresh)
      return;
    if (it->second.version != expected)
      throw refused_batch{std::string{what} + ": version " + std::to_string(it->second.version) + " in this batch, expected "
                          + std::to_string(expected)};
    it->second.row = &row;
    it->second.version = expected + 1;
  }

  std::map<Key, entry> rows;
};

bool waits_for_merchant(const order_return& r) {
  return r.state == return_state::requested || r.state == return_state::approved || r.state == return_state::received;
}

} // namespace

struct life_rows::parts {
  using code_key = std::pair<ulid, std::string>; // store, code
  using template_key = std::tuple<ulid, std::string, std::string>;

  struct use {
    const discount_use_row* row = nullptr;
    bool once = false;
    bool given_back = false; ///< by a later command of the batch
  };

  column_arrays refunds, uses_back, history;
  std::map<std::pair<ulid, std::string>, use> uses; // order, code
  std::map<ulid, const refund_row*> refund_updates;
  versioned<ulid, order_life_row> lives;
  versioned<code_key, discount_row> discounts;
  versioned<ulid, gift_card_row> cards;
  std::map<std::pair<ulid, ulid>, std::int64_t> moves; // card, store
  std::array<std::int32_t, shard_count> history_n{};
  versioned<ulid, webhook_row> webhooks;
  column_arrays webhook_deletes, deliveries;
  std::map<ulid, const webhook_delivery_row*> delivery_updates;
  std::map<template_key, const mail_template_row*> templates; // null: deleted
  std::map<code_key, const mail_suppression_row*> suppressions; // store, email; null: deleted
  std::map<ulid, const mail_row*> mails;

  void take_money(write_plan& plan);
  void take_outgoing(write_plan& plan);
  static void put(write_plan& plan, const statement& what, column_arrays& rows) {
    if (!rows.empty())
      plan.calls.push_back({&what, rows.take()});
  }
};

life_rows::life_rows() = default;
life_rows::~life_rows() = default;
life_rows::life_rows(life_rows&&) noexcept = default;

life_rows::parts& life_rows::made() {
  if (!parts_)
    parts_ = std::make_unique<parts>();
  return *parts_;
}

void life_rows::mutation_added(const insert_refund& m, shard_id shard, std::int64_t) {
  at_home(m.row.id, shard, "refund");
  at_home(m.row.order_id, shard, "refunded order");
  const auto& r = m.row;
  made().refunds.row(r.id, r.order_id, r.store_id, r.payment_id, r.amount, r.currency, number_of(r.state),
                     jsonb_text{to_json(r.lines)}, r.reason, r.note, r.provider_reference, r.error_code, unless_nil(r.by),
                     r.created_at, r.updated_at);
}

void life_rows::mutation_added(const update_refund& m, shard_id shard, std::int64_t) {
  at_home(m.row.id, shard, "refund");
  made().refund_updates[m.row.id] = &m.row;
}

void life_rows::mutation_added(const put_order_life& m, shard_id shard, std::int64_t) {
  at_home(m.row.order_id, shard, "order");
  made().lives.add(m.row.order_id, m.row, m.expected_version, "later life of an order");
}

void life_rows::mutation_added(const put_discount& m, shard_id shard, std::int64_t) {
  at_home(m.row.store_id, shard, "store of discount");
  made().discounts.add({m.row.store_id, m.row.code}, m.row, m.expected_version, "discount");
}

void life_rows::mutation_added(const put_discount_use& m, shard_id shard, std::int64_t) {
  at_home(m.row.order_id, shard, "order that uses a discount");
  const auto& r = m.row;
  auto& p = made();
  if (!r.given_back) {
    p.uses.try_emplace({r.order_id, r.code}, parts::use{&r, m.once, false}); // again is nothing
    return;
  }
  p.uses_back.row(r.store_id, r.code, r.order_id);
  // What is given back is written before what is used, so that a code may change hands in a batch: the batch's own uses are not
  // there yet.
  if (auto at = p.uses.find({r.order_id, r.code}); at != p.uses.end() && at->second.row->store_id == r.store_id)
    at->second.given_back = true;
}

void life_rows::mutation_added(const put_gift_card& m, shard_id shard, std::int64_t) {
  at_home(m.row.id, shard, "gift card");
  at_home(m.row.store_id, shard, "store of gift card");
  made().cards.add(m.row.id, m.row, m.expected_version, "gift card");
}

void life_rows::mutation_added(const move_gift_card& m, shard_id shard, std::int64_t seq) {
  at_home(m.entry.card_id, shard, "gift card");
  auto& p = made();
  const auto& e = m.entry;
  p.moves[{e.card_id, e.store_id}] += e.delta;
  p.history.row(e.card_id, seq, p.history_n[shard]++, e.store_id, unless_nil(e.order_id), e.delta, e.reason, e.at);
}

void life_rows::mutation_added(const put_webhook& m, shard_id shard, std::int64_t) {
  at_home(m.row.id, shard, "webhook");
  made().webhooks.add(m.row.id, m.row, m.expected_version, "webhook");
}

void life_rows::mutation_added(const delete_webhook& m, shard_id shard, std::int64_t) {
  at_home(m.id, shard, "webhook");
  auto& p = made();
  p.webhooks.rows.erase(m.id);
  p.webhook_deletes.row(m.id, m.store_id);
}

void life_rows::mutation_added(const put_webhook_delivery& m, shard_id shard, std::int64_t) {
  at_home(m.row.id, shard, "delivery");
  auto& p = made();
  const auto& r = m.row;
  if (m.fresh)
    p.deliveries.row(r.id, r.webhook_id, r.store_id, r.event_id, r.topic, r.payload, number_of(r.state), r.attempts, r.next_at,
                     r.status, r.error, r.took_ms, r.created_at, r.updated_at);
  else
    p.delivery_updates[r.id] = &r;
}

void life_rows::mutation_added(const put_mail_template& m, shard_id shard, std::int64_t) {
  at_home(m.row.store_id, shard, "store of mail template");
  made().templates[{m.row.store_id, m.row.name, m.row.language}] = &m.row;
}

void life_rows::mutation_added(const delete_mail_template& m, shard_id shard, std::int64_t) {
  at_home(m.store_id, shard, "store of mail template");
  made().templates[{m.store_id, m.name, m.language}] = nullptr;
}

void life_rows::mutation_added(const put_suppression& m, shard_id shard, std::int64_t) {
  at_home(m.row.store_id, shard, "store that does not write");
  made().suppressions[{m.row.store_id, m.row.email}] = &m.row;
}

void life_rows::mutation_added(const delete_suppression& m, shard_id shard, std::int64_t) {
  at_home(m.store_id, shard, "store that does not write");
  made().suppressions[{m.store_id, m.email}] = nullptr;
}

void life_rows::mutation_added(const put_mail& m, shard_id shard, std::int64_t) {
  at_home(m.row.id, shard, "mail");
  made().mails[m.row.id] = &m.row;
}

void life_rows::parts::take_money(write_plan& plan) {
  put(plan, writes::insert_refunds, refunds);
  column_arrays refunds_changed, lives_new, lives_changed, discounts_new, discounts_changed, cards_new, cards_changed, moved;
  for (const auto& [id, r] : refund_updates)
    refunds_changed.row(id, r->store_id, r->order_id, number_of(r->state), r->provider_reference, r->error_code, r->updated_at);
  put(plan, writes::update_refunds, refunds_changed);
  for (const auto& [id, e] : lives.rows) {
    const auto& r = *e.row;
    const bool open = std::any_of(r.returns.begin(), r.returns.end(), waits_for_merchant);
    if (e.expected == 0)
      lives_new.row(id, r.store_id, jsonb_text{to_json(r.fulfilments)}, jsonb_text{to_json(r.returns)},
                    jsonb_text{to_json(r.timeline)}, jsonb_text{to_json(r.heard)}, open, e.version);
    else
      lives_changed.row(id, r.store_id, e.expected, jsonb_text{to_json(r.fulfilments)}, jsonb_text{to_json(r.returns)},
                        jsonb_text{to_json(r.timeline)}, jsonb_text{to_json(r.heard)}, open, e.version);
  }
  put(plan, writes::insert_lives, lives_new);
  put(plan, writes::update_lives, lives_changed);
  for (const auto& [key, e] : discounts.rows) {
    const auto& r = *e.row;
    const auto limit = r.usage_limit < 0 ? std::nullopt : std::optional{r.usage_limit};
    if (e.expected == 0)
      discounts_new.row(e.first->id, r.store_id, r.code, r.active, r.once_per_customer, limit, jsonb_text{to_json(r.rule)},
                        e.version, e.first->created_at, r.updated_at);
    else
      discounts_changed.row(r.store_id, r.code, e.expected, e.version, r.active, r.once_per_customer, limit,
                            jsonb_text{to_json(r.rule)}, r.updated_at);
  }
  put(plan, writes::insert_discounts, discounts_new);
  put(plan, writes::update_discounts, discounts_changed);
  put(plan, writes::give_uses_back, uses_back);
  column_arrays used;
  for (const auto& [key, u] : uses)
    used.row(u.row->store_id, u.row->code, u.row->order_id, u.row->customer, u.once, u.given_back, u.row->at);
  put(plan, writes::insert_uses, used);
  for (const auto& [id, e] : cards.rows) {
    const auto &r = *e.row, &f = *e.first;
    if (e.expected == 0)
      cards_new.row(id, f.store_id, f.code_hash, f.last_characters, f.currency, f.initial, r.active, unless_epoch(r.expires_at),
                    r.note, e.version, f.created_at, r.updated_at);
    else
      cards_changed.row(id, r.store_id, e.expected, e.version, r.active, unless_epoch(r.expires_at), r.note, r.updated_at);
  }
  put(plan, writes::insert_gift_cards, cards_new);
  put(plan, writes::update_gift_cards, cards_changed);
  for (const auto& [key, delta] : moves)
    moved.row(key.first, key.second, delta);
  put(plan, writes::move_gift_cards, moved);
  put(plan, writes::insert_gift_card_history, history);
}

void life_rows::parts::take_outgoing(write_plan& plan) {
  column_arrays webhooks_new, webhooks_changed, deliveries_changed, templates_put, templates_gone, suppressed, allowed, mailed;
  for (const auto& [id, e] : webhooks.rows) {
    const auto& r = *e.row;
    if (e.expected == 0)
      webhooks_new.row(id, r.store_id, r.address, jsonb_text{to_json(r.topics)}, r.sealed_secret, number_of(r.state),
                       unless_epoch(r.failing_since), e.version, e.first->created_at, r.updated_at);
    else
      webhooks_changed.row(id, r.store_id, e.expected, e.version, r.address, jsonb_text{to_json(r.topics)}, r.sealed_secret,
                           number_of(r.state), unless_epoch(r.failing_since), r.updated_at);
  }
  put(plan, writes::insert_webhooks, webhooks_new);
  put(plan, writes::update_webhooks, webhooks_changed);
  put(plan, writes::insert_deliveries, deliveries);
  for (const auto& [id, r] : delivery_updates)
    deliveries_changed.row(id, r->store_id, number_of(r->state), r->attempts, r->next_at, r->status, r->error, r->took_ms,
                           r->updated_at);
  put(plan, writes::update_deliveries, deliveries_changed);
  put(plan, writes::delete_webhooks, webhook_deletes); // and the deliveries with them
  for (const auto& [key, r] : templates)
    if (r != nullptr)
      templates_put.row(r->store_id, r->name, r->language, r->subject, r->html, r->text, r->updated_at);
    else
      templates_gone.row(std::get<0>(key), std::get<1>(key), std::get<2>(key));
  put(plan, writes::put_templates, templates_put);
  put(plan, writes::delete_templates, templates_gone);
  for (const auto& [key, r] : suppressions)
    if (r != nullptr)
      suppressed.row(r->store_id, r->email, number_of(r->reason), r->at);
    else
      allowed.row(key.first, key.second);
  put(plan, writes::put_suppressions, suppressed);
  put(plan, writes::delete_suppressions, allowed);
  for (const auto& [id, r] : mails)
    mailed.row(id, r->store_id, r->event_id, r->name, r->email, r->subject_id, number_of(r->state), r->provider_reference,
               r->error, r->at);
  put(plan, writes::put_mails, mailed);
}

void life_rows::take(write_plan& plan) {
  if (!parts_)
    return;
  parts_->take_money(plan);
  parts_->take_outgoing(plan);
}

} // namespace souk::storage::postgres
