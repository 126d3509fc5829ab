#pragma once

#include "actors/order/pricing.hpp"

namespace souk::actors {

/// The rates that are offered to a basket; pointers into the store's row.
struct shipping_choice {
  std::vector<const storage::shipping_rate*> offered; ///< in the zone's order
  const storage::shipping_rate* chosen = nullptr;     ///< null: shipping costs nothing
};

/// What the goods that must be shipped weigh decides which rates of the country's zone are offered.
/// @param method a rate's name; empty = the first that is offered
/// @returns errc::no_shipping when no zone covers the country or no rate the weight, errc::invalid for a method that is not offered
std::variant<shipping_choice, caf::error> choose_shipping(const storage::store_row& store, const std::vector<priced_line>& lines,
                                                          const std::string& country, const std::string& method);

/// @param subtotal after discounts, minor units
std::int64_t price_at(const storage::shipping_rate& rate, std::int64_t subtotal) noexcept;

} // namespace souk::actors
