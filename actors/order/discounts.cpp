#include "actors/order/discounts.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace souk::actors {

using storage::discount_kind;

namespace {

__extension__ typedef __int128 wide; // a product of two amounts does not overflow it

constexpr std::int64_t million = 1'000'000;

std::int64_t part_of(wide amount, std::int32_t ppm) {
  return static_cast<std::int64_t>((amount * ppm * 2 + million) / (million * 2)); // half up
}

bool names(const std::vector<storage::ulid>& products, const priced_line& line) {
  return products.empty()
         || std::find(products.begin(), products.end(), line.variant.product_id) != products.end();
}

/// What must be bought; `gives` of a buy_x_get_y says what is given.
bool is_for(const storage::discount_rule& rule, const priced_line& line) {
  return names(rule.products, line);
}
bool is_given(const storage::discount_rule& rule, const priced_line& line) {
  return rule.gives.empty() ? is_for(rule, line) : names(rule.gives, line);
}

int turn_of(discount_kind kind) {
  switch (kind) {
    case discount_kind::buy_x_get_y: return 1;
    case discount_kind::percent: return 2;
    case discount_kind::fixed: return 3;
    case discount_kind::free_shipping: return 4;
  }
  return 5;
}

/// How many pieces are given, and how many of them may be such that could be bought instead.
struct gift_count {
  wide given = 0;
  wide of_both = 0;
};

gift_count count_gifts(const storage::discount_rule& rule, const std::vector<priced_line>& lines) {
  wide bought_only = 0, given_only = 0, both = 0;
  for (const auto& line : lines) {
    bool b = is_for(rule, line), g = is_given(rule, line);
    (b && g ? both : b ? bought_only : given_only) += b || g ? line.quantity : 0;
  }
  const wide buy = rule.buy_quantity, get = rule.get_quantity;
  if (buy <= 0 || get <= 0)
    return {};
  if (bought_only == 0 && given_only == 0) {
    auto given = both / (buy + get) * get;
    return {given, given};
  }
  // A piece is either bought or given: the more of both are given, the less is bought.
  auto to_buy = [&](wide given) { return (given + get - 1) / get * buy; };
  auto possible = [&](wide given) {
    return bought_only + both - std::max<wide>(0, given - given_only) >= to_buy(given);
  };
  wide low = 0, high = given_only + both;
  while (low < high) {
    auto middle = (low + high + 1) / 2;
    if (possible(middle))
      low = middle;
    else
      high = middle - 1;
  }
  return {low, std::min(both, bought_only + both - to_buy(low))};
}

} // namespace

std::vector<std::int64_t> given_pieces(const storage::discount_rule& rule, const std::vector<priced_line>& lines) {
  std::vector<std::int64_t> out(lines.size(), 0);
  auto left = count_gifts(rule, lines);
  std::vector<std::size_t> cheapest(lines.size());
  std::iota(cheapest.begin(), cheapest.end(), std::size_t{0});
  std::stable_sort(cheapest.begin(), cheapest.end(),
                   [&](auto a, auto b) { return lines[a].variant.price < lines[b].variant.price; });
  for (auto i : cheapest) {
    if (!is_given(rule, lines[i]))
      continue;
    auto pieces = std::min<wide>(lines[i].quantity, left.given);
    if (is_for(rule, lines[i])) {
      pieces = std::min(pieces, left.of_both);
      left.of_both -= pieces;
    }
    left.given -= pieces;
    out[i] = static_cast<std::int64_t>(pieces);
  }
  return out;
}

std::string_view why_not(const storage::discount_rule& rule, const std::vector<priced_line>& lines, storage::timestamp now) {
  const storage::timestamp unset{};
  if (rule.starts_at != unset && now < rule.starts_at)
    return "not_started";
  if (rule.ends_at != unset && now >= rule.ends_at)
    return "expired";
  wide amount = 0, pieces = 0;
  for (const auto& line : lines)
    if (is_for(rule, line)) {
      amount += static_cast<wide>(line.variant.price) * line.quantity;
      pieces += line.quantity;
    }
  if (pieces == 0)
    return "no_product";
  if (amount < rule.minimum_subtotal || pieces < rule.minimum_quantity)
    return "minimum_not_reached";
  if (rule.kind == discount_kind::buy_x_get_y) {
    if (std::none_of(lines.begin(), lines.end(), [&](const auto& line) { return is_given(rule, line); }))
      return "no_product";
    if (count_gifts(rule, lines).given == 0)
      return "minimum_not_reached";
  }
  return {};
}

std::vector<std::int64_t> spread(std::int64_t amount, const std::vector<std::int64_t>& weights) {
  std::vector<std::int64_t> out(weights.size(), 0);
  const auto sum = std::accumulate(weights.begin(), weights.end(), wide{0});
  if (sum == 0)
    return out;
  std::vector<std::pair<wide, std::size_t>> remainders;
  auto missing = amount;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto share = static_cast<wide>(amount) * weights[i];
    out[i] = static_cast<std::int64_t>(share / sum);
    missing -= out[i];
    remainders.emplace_back(share % sum, i);
  }
  std::stable_sort(remainders.begin(), remainders.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t n = 0; n < static_cast<std::size_t>(missing); ++n)
    ++out[remainders[n].second];
  return out;
}

reductions take_off(const std::vector<priced_line>& lines, std::vector<const possible_discount*>& set) {
  // The order must not depend on how the shopper typed the codes: percentages of what is left round differently.
  std::sort(set.begin(), set.end(), [](const auto* a, const auto* b) {
    const auto first = turn_of(a->rule->kind), second = turn_of(b->rule->kind);
    return std::tie(first, a->id, a->code) < std::tie(second, b->id, b->code);
  });
  reductions out;
  std::vector<std::int64_t> left;
  for (const auto& line : lines)
    left.push_back(line.variant.price * line.quantity);
  const auto full = left;
  for (const auto* d : set) {
    const auto& rule = *d->rule;
    std::vector<std::int64_t> off(lines.size(), 0);
    if (rule.kind == discount_kind::buy_x_get_y) {
      auto pieces = given_pieces(rule, lines);
      for (std::size_t i = 0; i < lines.size(); ++i)
        off[i] = std::min(left[i], part_of(static_cast<wide>(lines[i].variant.price) * pieces[i], rule.percent_ppm));
    } else if (rule.kind != discount_kind::free_shipping) {
      auto weights = left;
      for (std::size_t i = 0; i < lines.size(); ++i)
        if (!is_for(rule, lines[i]))
          weights[i] = 0;
      const auto sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
      const auto amount = rule.kind == discount_kind::percent ? part_of(sum, rule.percent_ppm) : rule.amount;
      off = spread(std::clamp<std::int64_t>(amount, 0, sum), weights);
    }
    for (std::size_t i = 0; i < lines.size(); ++i)
      left[i] -= off[i];
    out.off_by.push_back(std::accumulate(off.begin(), off.end(), std::int64_t{0}));
  }
  for (std::size_t i = 0; i < lines.size(); ++i)
    out.off_line.push_back(full[i] - left[i]);
  return out;
}

std::vector<std::vector<const possible_discount*>> candidate_sets(const std::vector<possible_discount>& possible) {
  std::vector<const possible_discount*> combining;
  std::vector<std::vector<const possible_discount*>> out{{}};
  for (const auto& d : possible)
    if (d.rule->combines)
      combining.push_back(&d);
    else
      out.push_back({&d});
  if (combining.size() > combining_max) {
    for (const auto* d : combining)
      out.push_back({d});
    out.push_back(std::move(combining));
  } else {
    for (unsigned members = 1; members < 1U << combining.size(); ++members) {
      auto& set = out.emplace_back();
      for (std::size_t i = 0; i < combining.size(); ++i)
        if ((members >> i & 1U) != 0)
          set.push_back(combining[i]);
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  return out;
}

} // namespace souk::actors
