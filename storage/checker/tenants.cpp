#include "storage/checker/parts.hpp"

namespace souk::storage::checker {

namespace {

class tenant_check {
public:
  explicit tenant_check(findings& out) : out_(out) {}

  void in_shard(const char* kind, const ulid& id, const ulid& home) {
    out_.expect(id.shard() == home.shard(), "row_in_its_shard", kind, id,
                "lies in shard " + std::to_string(id.shard()) + ", its owner " + home.str() + " in "
                  + std::to_string(home.shard()));
  }

  /// The parent row exists and is the same store's.
  template <class Table>
  void in_store(const char* kind, const ulid& id, const ulid& store, const Table& parents,
                const ulid& parent) {
    auto at = parents.find(parent);
    out_.expect(at != parents.end() && at->second.store_id == store, "row_in_its_store", kind, id,
                "belongs to store " + store.str() + ", which has no " + parent.str());
  }

private:
  findings& out_;
};

} // namespace

void check_tenants(const simulated::tables& rows, findings& out) {
  tenant_check t(out);
  for (const auto& [id, x] : rows.products) {
    t.in_shard("product", id, x.store_id);
    out.expect(rows.stores.contains(x.store_id), "row_in_its_store", "product", id, "its store is missing");
  }
  for (const auto& [id, x] : rows.variants) {
    t.in_shard("variant", id, x.store_id);
    t.in_store("variant", id, x.store_id, rows.products, x.product_id);
  }
  for (const auto& [id, x] : rows.levels) {
    t.in_shard("level", id, x.store_id);
    t.in_store("level", id, x.store_id, rows.variants, id);
  }
  for (const auto& [id, x] : rows.carts)
    t.in_shard("cart", id, x.store_id);
  for (const auto& [id, x] : rows.orders) {
    t.in_shard("order", id, x.store_id);
    out.expect(rows.stores.contains(x.store_id), "row_in_its_store", "order", id, "its store is missing");
  }
  for (const auto& [key, x] : rows.order_items) {
    t.in_store("item of order", x.order_id, x.store_id, rows.orders, x.order_id);
    t.in_store("item of order", x.order_id, x.store_id, rows.variants, x.variant_id);
  }
  for (const auto& [key, x] : rows.reservations) {
    t.in_shard("reservation of order", x.order_id, x.store_id);
    t.in_store("reservation of order", x.order_id, x.store_id, rows.orders, x.order_id);
    t.in_store("reservation of order", x.order_id, x.store_id, rows.levels, x.variant_id);
  }
  for (const auto& [id, x] : rows.payments) {
    t.in_shard("payment", id, x.store_id);
    t.in_store("payment", id, x.store_id, rows.orders, x.order_id);
  }
  auto of_store = [&](const char* kind, const ulid& id, const ulid& store) {
    t.in_shard(kind, id, store);
    out.expect(rows.stores.contains(store), "row_in_its_store", kind, id, "its store is missing");
  };
  for (const auto& [id, x] : rows.refunds) {
    t.in_shard("refund", id, x.store_id);
    t.in_store("refund", id, x.store_id, rows.payments, x.payment_id);
    t.in_store("refund", id, x.store_id, rows.orders, x.order_id);
  }
  for (const auto& [order, x] : rows.lives) {
    t.in_shard("later life of order", order, x.store_id);
    t.in_store("later life of order", order, x.store_id, rows.orders, order);
  }
  for (const auto& [key, x] : rows.discounts)
    of_store("discount", x.id, x.store_id);
  for (const auto& [key, use] : rows.discount_uses)
    t.in_store("use of a code by order", use.row.order_id, use.row.store_id, rows.orders, use.row.order_id);
  for (const auto& [id, x] : rows.gift_cards)
    of_store("gift card", id, x.store_id);
  for (const auto& x : rows.gift_card_history)
    t.in_store("history of gift card", x.card_id, x.store_id, rows.gift_cards, x.card_id);
  for (const auto& [id, x] : rows.webhooks)
    of_store("webhook", id, x.store_id);
  for (const auto& [id, x] : rows.deliveries)
    t.in_shard("delivery", id, x.store_id);
  for (const auto& [id, x] : rows.mails)
    of_store("mail", id, x.store_id);
  for (const auto& [key, x] : rows.mail_templates)
    of_store("mail template of store", x.store_id, x.store_id);
  for (const auto& [key, x] : rows.mail_suppressions)
    of_store("silence of store", x.store_id, x.store_id);
  for (const auto& [id, x] : rows.reviews) {
    t.in_shard("review", id, x.store_id);
    t.in_store("review", id, x.store_id, rows.products, x.product_id);
  }
  for (const auto& [id, x] : rows.imports)
    t.in_shard("import", id, x.store_id);
  for (const auto& [key, x] : rows.idempotency_keys)
    t.in_shard("order named by a key", x.order_id, key.store_id);
  for (std::size_t i = 0; i < rows.ledger.size(); ++i)
    for (const auto& line : rows.ledger[i]) {
      t.in_store("ledger of variant", line.entry.variant_id, line.store_id, rows.levels,
                 line.entry.variant_id);
      out.expect(line.entry.variant_id.shard() == i, "row_in_its_shard", "ledger of variant",
                 line.entry.variant_id, "is written in shard " + std::to_string(i));
    }
  for (std::size_t i = 0; i < rows.outbox.size(); ++i)
    for (const auto& e : rows.outbox[i]) {
      out.expect(e.event.subject.shard() == i, "row_in_its_shard", "event about", e.event.subject,
                 "is written in shard " + std::to_string(i));
      if (!e.event.store_id.is_nil())
        t.in_shard("event about", e.event.subject, e.event.store_id);
    }
}

} // namespace souk::storage::checker
