#pragma once

#include "actors/order/pricing.hpp"

#include <string_view>

namespace souk::actors {

/// A discount that may be given: an automatic one, or one whose code the shopper gave.
struct possible_discount {
  storage::ulid id;
  std::string code;                             ///< empty: automatic
  const storage::discount_rule* rule = nullptr; ///< outlives it
};

/// What a set of discounts takes off.
struct reductions {
  std::vector<std::int64_t> off_line; ///< minor units, one per line, never more than the line costs
  std::vector<std::int64_t> off_by;   ///< the same, one per discount of the set
};

/// Why a rule gives nothing for these lines at this moment, as refused_code says it; empty when it does. Minima count the lines that
/// the rule is for, at their full price.
std::string_view why_not(const storage::discount_rule& rule, const std::vector<priced_line>& lines, storage::timestamp now);

/// Pieces of each line that a buy_x_get_y gives: the cheapest ones, `get_quantity` each time `buy_quantity` others are bought. Where
/// the same goods must be bought as are given, they come in full groups of both.
/// @pre the rule is one @param lines each line's order decides between pieces of one price
std::vector<std::int64_t> given_pieces(const storage::discount_rule& rule, const std::vector<priced_line>& lines);

/// Spreads an amount over parts in proportion to their weights: each gets its share rounded down, and what is missing goes, a minor
/// unit each, to the largest remainders, the earlier of two equal ones first. The parts add up to the amount, none gets more than
/// its weight.
/// @pre no weight is negative, 0 <= amount <= the sum of weights <= 2^62
std::vector<std::int64_t> spread(std::int64_t amount, const std::vector<std::int64_t>& weights);

/// Takes discounts off lines, one after the other, each from what the ones before have left: given pieces first, then percentages,
/// then amounts. Sorts `set` into that order.
reductions take_off(const std::vector<priced_line>& lines, std::vector<const possible_discount*>& set);

/// The sets among which the best one is looked for, the smallest first: nothing, each discount that stands alone, and of those that
/// combine every subset. More than combining_max that combine are tried all together and one by one only.
std::vector<std::vector<const possible_discount*>> candidate_sets(const std::vector<possible_discount>& possible);
inline constexpr std::size_t combining_max = 6;

} // namespace souk::actors
