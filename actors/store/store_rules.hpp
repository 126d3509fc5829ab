#pragma once

#include "actors/outcome.hpp"
#include "actors/store/messages.hpp"

namespace souk::actors {

/// What a store's settings may be, without a mailbox around them. Currency and slug are chosen once: every
/// price, order and link of the store depends on them.
namespace store_rules {

inline constexpr std::int32_t tax_rate_max_ppm = 1'000'000; ///< 100 %
inline constexpr std::size_t zones_max = 50;
inline constexpr std::size_t rates_of_zone_max = 20;

/// The row of a new store: the merchant's fields checked, the rest filled in.
/// @param draft id, owner_id and what the merchant chose. Errors: invalid, forbidden.
outcome<storage::store_row> open(const caller& by, storage::store_row draft, storage::timestamp now);

/// The row as the command leaves it; the same row, with the same version, when nothing changes.
/// Errors: not_found, forbidden, version_conflict, invalid.
outcome<storage::store_row> change(const storage::store_row& current, const change_store& command,
                                   storage::timestamp now);

/// The row as the command leaves it, as change() does. Errors: not_found, forbidden, version_conflict, invalid.
outcome<storage::store_row> change_settings(const storage::store_row& current, const actors::change_settings& command,
                                            storage::timestamp now);

/// No country may stand in two zones: the order's address decides by it which rates apply.
std::optional<rejection> check_shipping_zones(const std::vector<storage::shipping_zone>& zones);

} // namespace store_rules

} // namespace souk::actors
