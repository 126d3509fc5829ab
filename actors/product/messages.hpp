#pragma once

#include "actors/caller.hpp"
#include "storage/rows/catalog.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::actors {

/// A variant as a merchant writes it. An id that is nil makes a new one, matched by SKU or option values on import.
struct variant_draft {
  storage::variant_row row;
  std::optional<std::int64_t> stock; ///< on hand; unset leaves it (a new variant starts at 0)
  std::optional<bool> backorder;
  std::optional<std::int64_t> low_stock_threshold; ///< -1 removes it
};

/// → product_written (delivery::create to a fresh product id of the store's shard)
struct create_product {
  caller by;
  storage::ulid store_id;
  storage::product_row product; ///< id is the address; an empty handle is made from the title
  std::vector<variant_draft> variants;
};

/// Changes what is set; `variants`, when set, are added or replaced (by id, else by SKU, else by option values), and those in
/// `remove_variants` are removed. → product_written
struct change_product {
  caller by;
  storage::ulid store_id;
  storage::ulid product_id;
  std::optional<std::string> title;
  std::optional<std::string> handle;
  std::optional<std::string> description;
  std::optional<std::string> vendor;
  std::optional<std::string> category;
  std::optional<std::string> product_type;
  std::optional<std::vector<std::string>> tags;
  std::optional<storage::product_status> status; ///< archived: gone from the shop, kept for its orders
  std::optional<std::vector<storage::product_option>> options;
  std::optional<std::vector<storage::product_image>> images;
  std::optional<std::string> seo_title;
  std::optional<std::string> seo_description;
  std::optional<std::vector<variant_draft>> variants;
  std::vector<storage::ulid> remove_variants;
  std::optional<std::int64_t> expected_version;
  std::string stock_reason = "set"; ///< what the ledger says where a draft sets stock: "set", "imported"
};

struct product_written {
  storage::product_row product;
  std::vector<storage::variant_row> variants; ///< without removed ones
  bool changed = false;                       ///< false: what was asked is how it is
};

template <class I>
typename I::result_type inspect(I& f, variant_draft& x) {
  return f(x.row, x.stock, x.backorder, x.low_stock_threshold);
}
template <class I>
typename I::result_type inspect(I& f, create_product& x) {
  return f(x.by, x.store_id, x.product, x.variants);
}
template <class I>
typename I::result_type inspect(I& f, change_product& x) {
  return f(x.by, x.store_id, x.product_id, x.title, x.handle, x.description, x.vendor, x.category, x.product_type, x.tags,
           x.status, x.options, x.images, x.seo_title, x.seo_description, x.variants, x.remove_variants,
           x.expected_version, x.stock_reason);
}
template <class I>
typename I::result_type inspect(I& f, product_written& x) {
  return f(x.product, x.variants, x.changed);
}

} // namespace souk::actors
