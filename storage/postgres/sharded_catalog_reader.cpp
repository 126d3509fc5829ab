#include "storage/postgres/by_shard.hpp"

#include <algorithm>
#include <exception>

namespace souk::storage::postgres {

namespace {

class sharded_catalog_reader final : public catalog_reader {
  template <class F>
  auto of(const ulid& id, F&& ask) {
    return readers_.of(id.shard(), [&](catalog_reader& r) { return ask(r); });
  }

public:
  sharded_catalog_reader(const databases& all, reader_limits limits)
    : readers_(all, [limits](const database& db) { return make_catalog_reader(db, limits); }) {
    // nop
  }

  page_of<product_listing> products(const ulid& store, const product_filter& filter, const page_request& page) override {
    return of(store, [&](auto& r) { return r.products(store, filter, page); });
  }
  std::optional<product_listing> product(const ulid& store, const ulid& product) override {
    return of(store, [&](auto& r) { return r.product(store, product); });
  }
  page_of<order_snapshot> orders(const ulid& store, std::optional<order_status> status, const page_request& page) override {
    return of(store, [&](auto& r) { return r.orders(store, status, page); });
  }
  page_of<user_order_row> orders_of(const ulid& user, const page_request& page) override {
    return of(user, [&](auto& r) { return r.orders_of(user, page); });
  }
  std::vector<order_snapshot> orders_by_id(const ulid& store, const std::vector<ulid>& orders) override {
    return of(store, [&](auto& r) { return r.orders_by_id(store, orders); });
  }
  page_of<ledger_entry> history(const ulid& store, const ulid& variant, const page_request& page) override {
    return of(store, [&](auto& r) { return r.history(store, variant, page); });
  }
  page_of<level_row> levels(const ulid& store, const page_request& page) override {
    return of(store, [&](auto& r) { return r.levels(store, page); });
  }
  page_of<review_row> reviews(const ulid& store, const ulid& product, review_sort sort, const page_request& page) override {
    return of(store, [&](auto& r) { return r.reviews(store, product, sort, page); });
  }
  page_of<discount_row> discounts(const ulid& store, const page_request& page) override {
    return of(store, [&](auto& r) { return r.discounts(store, page); });
  }
  page_of<gift_card_row> gift_cards(const ulid& store, const page_request& page) override {
    return of(store, [&](auto& r) { return r.gift_cards(store, page); });
  }
  std::vector<webhook_row> webhooks(const ulid& store) override {
    return of(store, [&](auto& r) { return r.webhooks(store); });
  }
  page_of<webhook_delivery_row> deliveries(const ulid& store, const ulid& webhook, const page_request& page) override {
    return of(store, [&](auto& r) { return r.deliveries(store, webhook, page); });
  }
  page_of<mail_row> mails(const ulid& store, const page_request& page) override {
    return of(store, [&](auto& r) { return r.mails(store, page); });
  }
  std::vector<mail_template_row> mail_templates(const ulid& store) override {
    return of(store, [&](auto& r) { return r.mail_templates(store); });
  }
  page_of<order_snapshot> orders_with_returns(const ulid& store, const page_request& page) override {
    return of(store, [&](auto& r) { return r.orders_with_returns(store, page); });
  }
  std::optional<ulid> store_of_product(const ulid& product) override {
    return of(product, [&](auto& r) { return r.store_of_product(product); });
  }

  owned_stores stores_of(const ulid& owner) override {
    const auto& all = readers_.all();
    owned_stores out;
    std::exception_ptr failure;
    std::size_t answers = 0;
    for (std::size_t i = 0; i < all.all().size(); ++i)
      try {
        auto found = readers_.in(i, [&](catalog_reader& r) { return r.stores_of(owner); });
        ++answers;
        // A shard that has moved may have left rows behind that are not deleted yet.
        std::erase_if(found.rows, [&](const store_row& s) { return all.find(s.id.shard()).value_or(i) != i; });
        out.rows.insert(out.rows.end(), std::make_move_iterator(found.rows.begin()), std::make_move_iterator(found.rows.end()));
      } catch (const unavailable&) {
        failure = std::current_exception();
      }
    if (answers == 0)
      std::rethrow_exception(failure);
    out.complete = !failure;
    std::sort(out.rows.begin(), out.rows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return out;
  }

private:
  by_shard<catalog_reader> readers_;
};

} // namespace

std::unique_ptr<catalog_reader> make_sharded_catalog_reader(const databases& all, reader_limits limits) {
  return std::make_unique<sharded_catalog_reader>(all, limits);
}

} // namespace souk::storage::postgres
