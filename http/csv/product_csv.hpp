#pragma once

#include "actors/importing/messages.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace souk::http {

/// What a file says. Ids are nil: in a store a product is known by its handle, a variant by its SKU or option
/// values. A cell left blank for quantity or policy is an unset `stock` or `backorder`: the file does not
/// say, so nothing changes.
struct parsed_products {
  std::vector<actors::import_product> products; ///< in the order of the file, each with at least one variant
  std::vector<storage::import_error> errors;    ///< by line; the first `reported_errors_max`
  std::int64_t errors_total = 0;                ///< also those beyond
};

inline constexpr std::size_t reported_errors_max = 1000;

/// Reads a product CSV with Shopify's column names, current or legacy, in any order and case (`docs/csv.md`).
/// A row that cannot be used is reported with its line and the rest is kept; when the header cannot be used,
/// there is one error and no product.
/// @param currency_exponent decimals of the store's currency, 0 to 4; prices with more are errors, never
/// rounded
parsed_products parse_product_csv(std::string_view text, int currency_exponent);

enum class csv_generation : std::uint8_t {
  current, ///< "Title,URL handle,Description,…"
  legacy   ///< "Handle,Title,Body (HTML),…", which most tools still expect
};

/// Writes a product CSV that `parse_product_csv` reads back as the same products. Attributes become columns
/// of their own after Shopify's, named "Attribute / NAME". Removed variants are left out.
std::string format_product_csv(const std::vector<actors::import_product>& products, int currency_exponent,
                               csv_generation generation = csv_generation::current);

} // namespace souk::http
