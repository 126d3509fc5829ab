#pragma once

#include "actors/discount/messages.hpp"
#include "actors/outcome.hpp"

#include <optional>

namespace souk::actors {

/// What a discount may be, without a mailbox around it.
namespace discount_rules {

inline constexpr std::size_t products_max = 250;      ///< in each list of a rule
inline constexpr std::int64_t pieces_max = 10'000;    ///< as a line of an order has at most
inline constexpr std::int64_t usage_max = 1'000'000'000;

/// What is wrong with a rule, if anything. Also for automatic discounts.
/// @param store whose products it names @param field "rule", or "automatic_discounts[2]"
std::optional<rejection> check_rule(const storage::discount_rule& rule, const storage::ulid& store, const std::string& field);

/// The row of a new discount: the merchant's fields checked, the rest filled in. Errors: invalid.
outcome<storage::discount_row> create(storage::discount_row draft, storage::timestamp now);

/// The row as the command leaves it; the same row, with the same version, when nothing changes. Errors: invalid, version_conflict.
outcome<storage::discount_row> change(const storage::discount_row& current, const change_discount& command, storage::timestamp now);

/// Whether a code may be used at this moment, but for its limit and its customer.
std::optional<rejection> check_usable(const storage::discount_row& row, storage::timestamp now);

} // namespace discount_rules

} // namespace souk::actors
