#pragma once

#include "actors/error.hpp"
#include "storage/rows/catalog.hpp"
#include "storage/rows/order.hpp"
#include "storage/rows/store.hpp"

#include <string>
#include <variant>
#include <vector>

namespace souk::actors {

/// A line with what the variant costs at this moment.
struct priced_line {
  storage::variant_row variant;
  std::string product_title;
  std::int64_t quantity = 0;
};

struct quote {
  std::vector<storage::order_item_row> items; ///< order_id and store_id are the caller's to fill
  std::int64_t subtotal = 0;                  ///< minor units, as all amounts
  std::int64_t shipping = 0;
  std::int64_t tax = 0; ///< within subtotal when prices include it
  std::int64_t total = 0;
  std::string shipping_method;
};

/// Tax of an amount, rounded half up to the minor unit, per line (so that the lines of an invoice add up to its tax).
/// @param inclusive the amount contains the tax already
std::int64_t tax_of(std::int64_t amount, std::int32_t rate_ppm, bool inclusive) noexcept;

/// What an order costs: the store's prices, tax and shipping; nothing of it comes from the client. Only taxable lines are taxed;
/// shipping is not. Nothing is shipped, and no zone is needed, when no line requires it.
/// @param method a rate's name; empty = the zone's first
/// @returns errc::no_shipping when no zone covers the country, errc::invalid for an unknown method or a sum beyond 2^53
std::variant<quote, caf::error> price(const storage::store_row& store, const std::vector<priced_line>& lines,
                                      const std::string& country, const std::string& method);

} // namespace souk::actors
