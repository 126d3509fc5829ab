#pragma once

#include "http/csv/product_csv.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace souk::http {

/// What souk reads from a product CSV and writes into one.
enum class product_column : std::uint8_t {
  handle,
  title,
  description,
  vendor,
  category,
  product_type,
  tags,
  published,
  status,
  sku,
  barcode,
  option1_name,
  option1_value,
  option2_name,
  option2_value,
  option3_name,
  option3_value,
  price,
  compare_at,
  taxable,
  tracker,
  quantity,
  policy,
  grams,
  weight_unit,
  requires_shipping,
  fulfilment,
  image_url,
  image_position,
  image_alt,
  variant_image,
  gift_card,
  seo_title,
  seo_description
};

inline constexpr std::size_t product_column_count = 34;

constexpr std::size_t index_of(product_column column) {
  return static_cast<std::size_t>(column);
}

/// The n-th option's columns, n = 0, 1, 2.
constexpr product_column option_name(std::size_t n) {
  return static_cast<product_column>(index_of(product_column::option1_name) + 2 * n);
}
constexpr product_column option_value(std::size_t n) {
  return static_cast<product_column>(index_of(product_column::option1_value) + 2 * n);
}

/// A column's header in both generations of Shopify's file.
struct column_names {
  product_column column;
  std::string_view current;
  std::string_view legacy;
};

const std::array<column_names, product_column_count>& product_column_names();

/// All headers of a generation in Shopify's order, also those that souk leaves empty.
const std::vector<std::string_view>& headers_of(csv_generation generation);

/// Column names that begin so, in any case, carry an attribute of the variant: "Attribute / Harvest".
inline constexpr std::string_view attribute_prefix = "Attribute / ";

} // namespace souk::http
