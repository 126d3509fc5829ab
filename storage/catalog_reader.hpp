#pragma once

#include "storage/entity_reader.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::storage {

/// `after`: continue behind this id (cursor), else `page` counts from 1. limit 1 to 250.
struct page_request {
  std::int64_t page = 1;
  std::int64_t limit = 20;
  std::optional<ulid> after;
};

template <class T>
struct page_of {
  std::vector<T> rows;
  std::int64_t total = 0; ///< of all pages; counted up to 25,001 ("more than 25,000")
  bool more = false;
};

struct product_filter {
  std::string text; ///< words searched in title, description, vendor, category, tags and SKU; empty = all
  std::string category;
  bool only_active = true; ///< what shoppers see; a merchant sees all
};

enum class review_sort : std::uint8_t { recent = 1, helpful = 2 };

struct product_listing {
  product_snapshot product;
  std::int64_t rating_count = 0;
  std::int64_t rating_sum = 0;
};

/// A merchant's stores lie in shards of their own, so in any database.
struct owned_stores {
  std::vector<store_row> rows; ///< by id
  bool complete = true;        ///< false: a database did not answer, and the stores that lie there are missing
};

/// Pages for browsers and dashboards. Each call is limited to one store by row-level security (the reader role, store set and
/// query in one round trip). One instance per thread; blocks within a time limit; throws storage::unavailable.
class catalog_reader {
public:
  virtual ~catalog_reader() = default;

  virtual page_of<product_listing> products(const ulid& store, const product_filter& filter, const page_request& page) = 0;
  virtual std::optional<product_listing> product(const ulid& store, const ulid& product) = 0;
  virtual page_of<order_snapshot> orders(const ulid& store, std::optional<order_status> status, const page_request& page) = 0;
  /// Newest first; the rows may lie in several shards: `orders_of` gives the index, `orders_by_id` the orders of one store.
  virtual page_of<user_order_row> orders_of(const ulid& user, const page_request& page) = 0;
  virtual std::vector<order_snapshot> orders_by_id(const ulid& store, const std::vector<ulid>& orders) = 0;
  virtual page_of<ledger_entry> history(const ulid& store, const ulid& variant, const page_request& page) = 0;
  virtual page_of<level_row> levels(const ulid& store, const page_request& page) = 0;
  virtual page_of<review_row> reviews(const ulid& store, const ulid& product, review_sort sort, const page_request& page) = 0;
  virtual page_of<discount_row> discounts(const ulid& store, const page_request& page) = 0;   ///< newest first, as the next ones
  virtual page_of<gift_card_row> gift_cards(const ulid& store, const page_request& page) = 0;
  virtual std::vector<webhook_row> webhooks(const ulid& store) = 0;
  virtual page_of<webhook_delivery_row> deliveries(const ulid& store, const ulid& webhook, const page_request& page) = 0;
  virtual page_of<mail_row> mails(const ulid& store, const page_request& page) = 0;
  virtual std::vector<mail_template_row> mail_templates(const ulid& store) = 0;
  /// Orders with a return that waits for the merchant (requested, approved or received), newest first.
  virtual page_of<order_snapshot> orders_with_returns(const ulid& store, const page_request& page) = 0;
  virtual owned_stores stores_of(const ulid& owner) = 0;
  /// The store a product, order, variant, review or import belongs to: id-only routes resolve it first.
  virtual std::optional<ulid> store_of_product(const ulid& product) = 0;
};

} // namespace souk::storage
