#include "storage/simulated/transaction.hpp"

#include "storage/simulated/transaction_rows.hpp"

#include <algorithm>

namespace souk::storage::simulated {

std::vector<shard_id> transaction::pass_fence(const std::vector<fence>& fences) {
  std::vector<shard_id> lost;
  for (std::size_t i = 0; i < fences.size(); ++i) {
    if (i > 0 && fences[i - 1].shard >= fences[i].shard)
      throw constraint_violation("the fences of a batch name each shard once, in shard order");
    auto& row = rows_.shards[fences[i].shard];
    if (!bugs_.ignore_fence && (row.epoch != fences[i].epoch || row.seq != fences[i].seq))
      lost.push_back(fences[i].shard);
    undo_.save_row(row);
    ++row.seq;
    fenced_.set(fences[i].shard);
  }
  return lost;
}

transaction::answer transaction::conflict(const mutation& m) const {
  return std::visit([this](const auto& x) { return refusal_of(x); }, m);
}

write_result transaction::apply(const write_set& ws) {
  if (!fenced_.test(ws.shard))
    throw constraint_violation("a write set's shard is missing from the fences of its batch");
  shard_ = ws.shard;
  order_number_ = 0;
  auto before = undo_.here();
  try {
    for (const auto& m : ws.mutations) {
      if (auto no = conflict(m); no.refused != refusal::none) {
        undo_.back_to(before);
        return {no.refused, std::move(no.detail), 0};
      }
      std::visit([this](const auto& x) { write(x); }, m);
    }
  } catch (const constraint_violation&) {
    // A command that was done before meets rows that moved on since. That it was done is the answer, not the
    // stale version.
    undo_.back_to(before);
    for (const auto& m : ws.mutations)
      if (auto no = conflict(m); no.refused != refusal::none)
        return {no.refused, std::move(no.detail), 0};
    throw;
  }
  return {refusal::none, {}, order_number_};
}

void transaction::check_batch() const {
  check_levels();
  check_cards();
  check_discounts();
  auto in_store = [](const auto& table, const ulid& id, const ulid& store) {
    auto at = table.find(id);
    return at != table.end() && at->second.store_id == store;
  };
  for (const auto& key : new_reservations_) {
    auto at = rows_.reservations.find(key);
    if (at == rows_.reservations.end())
      continue; // its write set was refused
    const auto& r = at->second;
    check(in_store(rows_.orders, r.order_id, r.store_id), "order", r.order_id,
          "is missing in its reservation's store");
    check(in_store(rows_.levels, r.variant_id, r.store_id), "variant", r.variant_id,
          "has no level in its reservation's store");
  }
  for (const auto& id : new_payments_)
    if (auto at = rows_.payments.find(id); at != rows_.payments.end())
      check(in_store(rows_.orders, at->second.order_id, at->second.store_id), "order", at->second.order_id,
            "is missing in its payment's store");
}

void transaction::check_levels() const {
  for (const auto& id : touched_levels_) {
    auto at = rows_.levels.find(id);
    if (at == rows_.levels.end())
      continue; // its write set was refused
    const auto& x = at->second;
    if (x.reserved < 0 || (!x.backorder && x.reserved > x.on_hand))
      throw constraint_violation("level of variant " + id.str() + ": on_hand " + std::to_string(x.on_hand)
                                 + ", reserved " + std::to_string(x.reserved));
  }
}

void transaction::at_home(const ulid& id, const char* what) const {
  check(id.shard() == shard_, what, id, "lies in another shard than its write set");
}

void transaction::store_is_there(const ulid& store) const {
  at_home(store, "store");
  check(rows_.stores.contains(store), "store", store, "is missing");
}

void transaction::add(std::set<id_pair>& index, const id_pair& entry) {
  undo_.save(index, entry);
  index.insert(entry);
}

// --- users ---

transaction::answer transaction::refusal_of(const insert_user& m) const {
  return taken(rows_.users.contains(m.row.id), m.row.id);
}

void transaction::write(const insert_user& m) {
  at_home(m.row.id, "user");
  put(rows_.users, m.row.id, m.row);
}

void transaction::write(const update_user& m) {
  auto& row = row_of(rows_.users, m.row.id, m.row.id, "user");
  check(row.version == m.expected_version, "user", m.row.id, "has another version");
  row = m.row;
  row.version = m.expected_version + 1;
}

transaction::answer transaction::refusal_of(const insert_session& m) const {
  return taken(rows_.sessions.contains(m.row.hash), m.row.user_id);
}

void transaction::write(const insert_session& m) {
  at_home(m.row.user_id, "user");
  check(rows_.users.contains(m.row.user_id), "user", m.row.user_id, "is missing");
  put(rows_.sessions, m.row.hash, m.row);
}

void transaction::write(const delete_session& m) {
  at_home(m.user_id, "user");
  if (auto at = rows_.sessions.find(m.hash); at != rows_.sessions.end() && at->second.user_id == m.user_id)
    erase(rows_.sessions, m.hash);
}

void transaction::write(const put_user_cart& m) {
  at_home(m.row.user_id, "user");
  id_pair key{m.row.user_id, m.row.store_id};
  if (auto at = rows_.user_carts.find(key);
      at == rows_.user_carts.end() || at->second.touched_at < m.row.touched_at)
    put(rows_.user_carts, key, m.row);
}

void transaction::write(const delete_user_cart& m) {
  at_home(m.user_id, "user");
  erase(rows_.user_carts, {m.user_id, m.store_id});
}

void transaction::write(const put_user_order& m) {
  at_home(m.row.user_id, "user");
  id_pair key{m.row.user_id, m.row.order_id};
  if (!rows_.user_orders.contains(key))
    put(rows_.user_orders, key, m.row);
}

// --- stores and catalog ---

transaction::answer transaction::refusal_of(const insert_store& m) const {
  return taken(rows_.stores.contains(m.row.id), m.row.id);
}

void transaction::write(const insert_store& m) {
  at_home(m.row.id, "store");
  put(rows_.stores, m.row.id, m.row);
  put(rows_.next_order_number, m.row.id, 1001);
}

void transaction::write(const update_store& m) {
  auto& row = row_of(rows_.stores, m.row.id, m.row.id, "store");
  check(row.version == m.expected_version, "store", m.row.id, "has another version");
  row = m.row;
  row.version = m.expected_version + 1;
}

transaction::answer transaction::refusal_of(const insert_product& m) const {
  if (rows_.products.contains(m.row.id))
    return {refusal::exists, m.row.id.str()};
  if (rows_.handles.contains({m.row.store_id, m.row.handle}))
    return {refusal::handle_taken, m.row.handle};
  return {};
}

void transaction::write(const insert_product& m) {
  at_home(m.row.id, "product");
  store_is_there(m.row.store_id);
  put(rows_.products, m.row.id, m.row);
  put(rows_.handles, {m.row.store_id, m.row.handle}, m.row.id);
}

transaction::answer transaction::refusal_of(const update_product& m) const {
  if (auto at = rows_.handles.find({m.row.store_id, m.row.handle});
      at != rows_.handles.end() && at->second != m.row.id)
    return {refusal::handle_taken, m.row.handle};
  return {};
}

void transaction::write(const update_product& m) {
  auto& row = row_of(rows_.products, m.row.id, m.row.store_id, "product");
  check(row.version == m.expected_version, "product", m.row.id, "has another version");
  if (row.handle != m.row.handle) {
    erase(rows_.handles, {row.store_id, row.handle});
    put(rows_.handles, {row.store_id, m.row.handle}, row.id);
  }
  row = m.row;
  row.version = m.expected_version + 1;
}

transaction::answer transaction::refusal_of(const put_variant& m) const {
  if (m.row.removed || m.row.sku.empty())
    return {};
  if (auto at = rows_.skus.find({m.row.store_id, m.row.sku});
      at != rows_.skus.end() && at->second != m.row.id)
    return {refusal::sku_taken, m.row.sku};
  return {};
}

void transaction::write(const put_variant& m) {
  at_home(m.row.id, "variant");
  auto product = rows_.products.find(m.row.product_id);
  check(product != rows_.products.end() && product->second.store_id == m.row.store_id, "product",
        m.row.product_id, "is missing in the variant's store");
  check(m.row.price >= 0, "variant", m.row.id, "has a negative price");
  if (auto at = rows_.variants.find(m.row.id); at != rows_.variants.end()) {
    const auto& old = at->second;
    check(old.store_id == m.row.store_id && old.product_id == m.row.product_id, "variant", m.row.id,
          "cannot move to another product or store");
    if (!old.removed && !old.sku.empty())
      erase(rows_.skus, {old.store_id, old.sku});
  }
  put(rows_.variants, m.row.id, m.row);
  add(rows_.variants_of, {m.row.product_id, m.row.id});
  if (!m.row.removed && !m.row.sku.empty())
    put(rows_.skus, {m.row.store_id, m.row.sku}, m.row.id);
}

// --- reviews and imports ---

transaction::answer transaction::refusal_of(const insert_review& m) const {
  if (rows_.reviews.contains(m.row.id))
    return {refusal::exists, m.row.id.str()};
  if (auto at = rows_.review_of.find({m.row.product_id, m.row.user_id}); at != rows_.review_of.end())
    return {refusal::already_reviewed, at->second.str()};
  return {};
}

void transaction::write(const insert_review& m) {
  at_home(m.row.id, "review");
  auto product = rows_.products.find(m.row.product_id);
  check(product != rows_.products.end() && product->second.store_id == m.row.store_id, "product",
        m.row.product_id, "is missing in the review's store");
  check(m.row.rating >= 1 && m.row.rating <= 5, "review", m.row.id, "has a rating outside 1 to 5");
  put(rows_.reviews, m.row.id, m.row);
  put(rows_.review_of, {m.row.product_id, m.row.user_id}, m.row.id);
}

transaction::answer transaction::refusal_of(const insert_review_vote& m) const {
  if (rows_.review_votes.contains({m.review_id, m.user_id}))
    return {refusal::already_voted, m.review_id.str()};
  return {};
}

void transaction::write(const insert_review_vote& m) {
  auto& review = row_of(rows_.reviews, m.review_id, m.store_id, "review");
  check(review.product_id == m.product_id, "review", m.review_id, "is another product's");
  add(rows_.review_votes, {m.review_id, m.user_id});
  ++review.helpful;
}

transaction::answer transaction::refusal_of(const insert_import& m) const {
  return taken(rows_.imports.contains(m.row.id), m.row.id);
}

void transaction::write(const insert_import& m) {
  at_home(m.row.id, "import");
  store_is_there(m.row.store_id);
  put(rows_.imports, m.row.id, m.row);
}

void transaction::write(const update_import& m) {
  row_of(rows_.imports, m.row.id, m.row.store_id, "import") = m.row;
}

// --- events ---

void transaction::write(const emit_event& m) {
  at_home(m.subject, "event's subject");
  auto& events = rows_.outbox[shard_];
  auto seq = rows_.shards[shard_].seq;
  auto n = events.empty() || events.back().seq != seq ? 0 : events.back().n + 1;
  undo_.save_end(events);
  events.push_back({shard_, seq, n, m});
}

} // namespace souk::storage::simulated
