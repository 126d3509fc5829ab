#pragma once

#include "storage/ulid.hpp"

#include <string>
#include <utility>
#include <vector>

namespace souk::storage {

enum class product_status : std::uint8_t { draft = 1, active = 2, archived = 3 };

struct product_option {
  std::string name; ///< "Size"
  bool operator==(const product_option&) const = default;
};

struct product_image {
  std::string url;
  std::string alt;
  bool operator==(const product_image&) const = default;
};

struct product_row {
  ulid id;
  ulid store_id;
  std::string handle; ///< unique in the store; the key of a CSV import
  std::string title;
  std::string description; ///< HTML as the merchant wrote it; escaped by whoever shows it
  std::string vendor;
  std::string category;
  std::string product_type;
  std::vector<std::string> tags;
  product_status status = product_status::active;
  std::vector<product_option> options; ///< at most 3
  std::vector<product_image> images;
  std::string seo_title;
  std::string seo_description;
  std::int64_t version = 1;
  timestamp created_at{};
  timestamp updated_at{};
  bool operator==(const product_row&) const = default;
};

struct variant_row {
  ulid id;
  ulid store_id;
  ulid product_id;
  std::int32_t position = 1;
  std::string sku; ///< empty, or unique among the store's variants that are not removed
  std::string barcode;
  std::vector<std::string> option_values; ///< one per product option
  std::int64_t price = 0;                 ///< minor units of the store's currency
  std::int64_t compare_at = -1;           ///< minor units; -1 = none
  std::int64_t grams = 0;
  std::vector<std::pair<std::string, std::string>> attributes;
  bool requires_shipping = true;
  bool taxable = true;
  bool removed = false; ///< kept for the orders that name it
  std::string image_url;
  bool operator==(const variant_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, product_option& x) {
  return f(x.name);
}
template <class I>
typename I::result_type inspect(I& f, product_image& x) {
  return f(x.url, x.alt);
}
template <class I>
typename I::result_type inspect(I& f, product_row& x) {
  return f(x.id, x.store_id, x.handle, x.title, x.description, x.vendor, x.category, x.product_type, x.tags, x.status,
           x.options, x.images, x.seo_title, x.seo_description, x.version, x.created_at, x.updated_at);
}
template <class I>
typename I::result_type inspect(I& f, variant_row& x) {
  return f(x.id, x.store_id, x.product_id, x.position, x.sku, x.barcode, x.option_values, x.price, x.compare_at, x.grams,
           x.attributes, x.requires_shipping, x.taxable, x.removed, x.image_url);
}

} // namespace souk::storage
