#include "storage/simulated/database.hpp"

#include <algorithm>

namespace souk::storage::simulated {

namespace {

bool has_ended(attempt_state s) noexcept {
  return s == attempt_state::succeeded || s == attempt_state::declined || s == attempt_state::cancelled
      || s == attempt_state::refunded;
}

template <class Row, class Key>
std::optional<Row> one(const std::map<Key, Row>& table, const Key& key) {
  auto at = table.find(key);
  return at == table.end() ? std::nullopt : std::optional{at->second};
}

/// The second ids of an index that follow `first`.
std::vector<ulid> behind(const std::set<id_pair>& index, const ulid& first) {
  std::vector<ulid> out;
  for (auto at = index.lower_bound({first, ulid{}}); at != index.end() && at->first == first; ++at)
    out.push_back(at->second);
  return out;
}

class reader final : public entity_reader {
public:
  explicit reader(database& db) : db_(db) {}

  std::optional<user_snapshot> load_user(const ulid& user) override {
    auto db = db_.enter();
    auto row = one(db->users, user);
    if (!row)
      return std::nullopt;
    user_snapshot out{*row, {}, {}};
    for (const auto& [hash, session] : db->sessions)
      if (session.user_id == user && session.expires_at > db.now())
        out.sessions.push_back(session);
    for (auto at = db->user_carts.lower_bound({user, ulid{}});
         at != db->user_carts.end() && at->first.first == user; ++at)
      out.carts.push_back(at->second);
    return out;
  }

  std::optional<store_row> load_store(const ulid& store) override { return one(db_.enter()->stores, store); }

  std::optional<product_snapshot> load_product(const ulid& product) override {
    auto db = db_.enter();
    return product_of(db.rows(), product);
  }

  std::optional<product_snapshot> load_product_by_handle(const ulid& store,
                                                         const std::string& handle) override {
    auto db = db_.enter();
    auto at = db->handles.find({store, handle});
    return at == db->handles.end() ? std::nullopt : product_of(db.rows(), at->second);
  }

  std::optional<stock_snapshot> load_stock(const ulid& variant) override {
    auto db = db_.enter();
    auto level = one(db->levels, variant);
    if (!level)
      return std::nullopt;
    const auto& row = db->variants.at(variant);
    const auto& product = db->products.at(row.product_id);
    stock_snapshot out{*level, row, product.title, product.status, {}};
    for (const auto& order : behind(db->open_reservations, variant))
      out.open.push_back(db->reservations.at({order, variant}));
    return out;
  }

  std::optional<cart_row> load_cart(const ulid& store, const ulid& user) override {
    auto db = db_.enter();
    auto at = db->cart_of.find({store, user});
    return at == db->cart_of.end() ? std::nullopt : one(db->carts, at->second);
  }

  std::optional<order_snapshot> load_order(const ulid& order) override {
    auto db = db_.enter();
    auto row = one(db->orders, order);
    if (!row)
      return std::nullopt;
    order_snapshot out;
    out.order = *row;
    out.payments = payments_of(db.rows(), order);
    for (const auto& id : behind(db->refunds_of, order))
      out.refunds.push_back(db->refunds.at(id));
    std::stable_sort(out.refunds.begin(), out.refunds.end(),
                     [](const auto& a, const auto& b) { return a.created_at < b.created_at; });
    if (auto life = one(db->lives, order))
      out.life = *life;
    for (auto at = db->order_items.lower_bound({order, 0});
         at != db->order_items.end() && at->first.first == order; ++at)
      out.items.push_back(at->second);
    for (auto at = db->reservations.lower_bound({order, ulid{}});
         at != db->reservations.end() && at->first.first == order; ++at)
      out.reservations.push_back(at->second);
    return out;
  }

  std::optional<idempotency_row> load_idempotency(const ulid& store, const ulid& caller,
                                                  const std::string& key) override {
    return one(db_.enter()->idempotency_keys, idempotency_key{store, caller, key});
  }

  std::optional<review_row> load_review(const ulid& review) override {
    return one(db_.enter()->reviews, review);
  }

  std::optional<import_row> load_import(const ulid& import) override {
    return one(db_.enter()->imports, import);
  }

  bool has_bought(const ulid& store, const ulid& user, const ulid& product) override {
    auto db = db_.enter();
    for (const auto& id : behind(db->orders_of, user)) {
      const auto& order = db->orders.at(id);
      bool paid = order.status == order_status::paid || order.status == order_status::shipped
               || order.status == order_status::delivered;
      if (order.store_id != store || !paid)
        continue;
      for (auto at = db->order_items.lower_bound({id, 0});
           at != db->order_items.end() && at->first.first == id; ++at)
        if (at->second.product_id == product)
          return true;
    }
    return false;
  }

  std::vector<open_order> open_orders(shard_id shard) override {
    auto db = db_.enter();
    std::map<ulid, open_order> found;
    for (const auto& [variant, order] : db->open_reservations) {
      if (order.shard() != shard)
        continue;
      auto deadline = db->reservations.at({order, variant}).deadline;
      auto [at, fresh] = found.try_emplace(order, open_order{order, false, deadline});
      at->second.deadline = std::min(at->second.deadline, deadline);
    }
    for (const auto& [id, payment] : db->payments) {
      if (payment.order_id.shard() != shard || has_ended(payment.state) || payment.state == attempt_state::authorized)
        continue;
      auto at = found.try_emplace(payment.order_id, open_order{payment.order_id, false, {}}).first;
      if (payment.state != attempt_state::requires_action) // that one waits for the shopper, not for us
        at->second.payment_in_flight = true;
    }
    for (const auto& [id, refund] : db->refunds)
      if (refund.order_id.shard() == shard && (refund.state == refund_state::started || refund.state == refund_state::pending))
        found.try_emplace(refund.order_id, open_order{refund.order_id, false, {}}).first->second.payment_in_flight = true;
    std::vector<open_order> out;
    for (const auto& [id, order] : found)
      out.push_back(order);
    return out;
  }

  std::vector<cart_row> expired_carts(shard_id shard, timestamp now, int limit) override {
    auto db = db_.enter();
    std::vector<cart_row> out;
    for (const auto& [id, cart] : db->carts)
      if (id.shard() == shard && cart.expires_at < now)
        out.push_back(cart);
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.expires_at < b.expires_at; });
    if (out.size() > static_cast<std::size_t>(std::max(limit, 0)))
      out.resize(static_cast<std::size_t>(std::max(limit, 0)));
    return out;
  }

  std::vector<cart_row> abandoned_carts(shard_id shard, timestamp from, timestamp to, std::chrono::seconds, int limit) override {
    auto db = db_.enter();
    std::vector<cart_row> out;
    for (const auto& [id, cart] : db->carts)
      if (id.shard() == shard && cart.updated_at >= from && cart.updated_at < to && !cart.lines.empty()
          && cart.reminded_at < cart.updated_at)
        out.push_back(cart);
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.updated_at < b.updated_at; });
    if (out.size() > static_cast<std::size_t>(std::max(limit, 0)))
      out.resize(static_cast<std::size_t>(std::max(limit, 0)));
    return out;
  }

  std::optional<discount_row> load_discount(const ulid& store, const std::string& code) override {
    return one(db_.enter()->discounts, store_code{store, code});
  }

  bool has_used(const ulid& store, const std::string& code, const std::string& customer) override {
    auto db = db_.enter();
    for (const auto& [key, use] : db->discount_uses)
      if (use.row.store_id == store && use.row.code == code && use.row.customer == customer && !use.row.given_back)
        return true;
    return false;
  }

  std::optional<gift_card_row> load_gift_card(const ulid& store, const std::string& code_hash) override {
    auto db = db_.enter();
    auto at = db->gift_card_of.find({store, code_hash});
    return at == db->gift_card_of.end() ? std::nullopt : one(db->gift_cards, at->second);
  }

  webhooks_snapshot load_webhooks(const ulid& store) override {
    auto db = db_.enter();
    webhooks_snapshot out;
    for (const auto& [id, row] : db->webhooks)
      if (row.store_id == store)
        out.webhooks.push_back(row);
    for (const auto& [id, row] : db->deliveries)
      if (row.store_id == store && row.state == delivery_state::waiting)
        out.waiting.push_back(row);
    return out;
  }

  std::vector<ulid> stores_with_deliveries(shard_id shard) override {
    auto db = db_.enter();
    std::set<ulid> out;
    for (const auto& [id, row] : db->deliveries)
      if (id.shard() == shard && row.state == delivery_state::waiting)
        out.insert(row.store_id);
    return {out.begin(), out.end()};
  }

  std::optional<webhook_delivery_row> load_delivery(const ulid& delivery) override {
    return one(db_.enter()->deliveries, delivery);
  }

  std::optional<mail_template_row> load_mail_template(const ulid& store, const std::string& name,
                                                      const std::string& language) override {
    return one(db_.enter()->mail_templates, std::tuple{store, name, language});
  }

  std::optional<mail_suppression_row> load_suppression(const ulid& store, const std::string& email) override {
    return one(db_.enter()->mail_suppressions, store_code{store, email});
  }

  std::optional<mail_row> load_mail(const ulid& mail) override { return one(db_.enter()->mails, mail); }

private:
  static std::optional<product_snapshot> product_of(const tables& rows, const ulid& product) {
    auto row = one(rows.products, product);
    if (!row)
      return std::nullopt;
    product_snapshot out{*row, {}, {}};
    for (const auto& id : behind(rows.variants_of, product)) {
      out.variants.push_back(rows.variants.at(id));
      if (auto level = one(rows.levels, id))
        out.levels.push_back(*level);
    }
    std::stable_sort(out.variants.begin(), out.variants.end(),
                     [](const auto& a, const auto& b) { return a.position < b.position; });
    return out;
  }

  static std::vector<payment_row> payments_of(const tables& rows, const ulid& order) {
    std::vector<payment_row> out;
    for (const auto& id : behind(rows.payments_of, order))
      out.push_back(rows.payments.at(id));
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.created_at < b.created_at; });
    return out;
  }

  database& db_;
};

} // namespace

std::unique_ptr<entity_reader> database::open_reader() {
  return std::make_unique<reader>(*this);
}

std::unique_ptr<journal_client> database::open_journal() {
  std::lock_guard lock(mutex_);
  return std::make_unique<journal_client>(*this, ++lanes_);
}

} // namespace souk::storage::simulated
