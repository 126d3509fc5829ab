#include "actors/order/pricing.hpp"

#include "actors/order/discounts.hpp"
#include "actors/order/shipping_rates.hpp"
#include "actors/order/taxes.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace souk::actors {

namespace {

__extension__ typedef __int128 wide; // a product of two amounts does not overflow it

/// Largest sum that every JSON reader takes for an integer.
constexpr std::int64_t total_max = std::int64_t{1} << 53;

std::string variant_title(const storage::variant_row& v) {
  std::string title;
  for (const auto& value : v.option_values) {
    if (!title.empty())
      title += " / ";
    title += value;
  }
  return title == "Default Title" ? "" : title;
}

caf::error too_much() {
  return refuse(errc::invalid, "the order is worth more than can be charged", "items");
}

/// How the lines stand when nothing depends on who put them in first: equal ones by this order are alike in all that costs money.
std::vector<std::size_t> canonical_order(const std::vector<priced_line>& lines) {
  std::vector<std::size_t> out(lines.size());
  std::iota(out.begin(), out.end(), std::size_t{0});
  std::stable_sort(out.begin(), out.end(), [&](auto a, auto b) {
    const auto &x = lines[a].variant, &y = lines[b].variant;
    return std::tie(x.id, x.product_id, x.price, lines[a].quantity, x.taxable)
           < std::tie(y.id, y.product_id, y.price, lines[b].quantity, y.taxable);
  });
  return out;
}

/// What stays the same whatever discounts are given. Lines are in canonical order.
struct bill {
  std::vector<priced_line> lines;
  std::int64_t subtotal = 0;
  bool tax_inclusive = false;
  applied_tax tax;
  shipping_choice shipping;
};

/// What a set of discounts makes of a bill.
struct reckoning {
  std::vector<const possible_discount*> given;
  reductions off;
  std::vector<std::int64_t> line_taxes;
  std::int64_t discount = 0;
  std::int64_t shipping_before = 0; ///< at the rate, before free_shipping
  std::int64_t shipping = 0;
  std::int64_t shipping_tax = 0;
  wide tax = 0;
  wide total = 0;
};

reckoning reckon(const bill& b, std::vector<const possible_discount*> set) {
  reckoning out;
  out.off = take_off(b.lines, set);
  out.given = std::move(set);
  out.discount = std::accumulate(out.off.off_line.begin(), out.off.off_line.end(), std::int64_t{0});
  const auto goods = b.subtotal - out.discount;
  if (b.shipping.chosen != nullptr)
    out.shipping_before = price_at(*b.shipping.chosen, goods);
  const bool free = std::any_of(out.given.begin(), out.given.end(), [](const auto* d) {
    return d->rule->kind == storage::discount_kind::free_shipping;
  });
  out.shipping = free ? 0 : out.shipping_before;
  for (std::size_t i = 0; i < b.lines.size(); ++i) {
    const auto& line = b.lines[i];
    const auto cost = line.variant.price * line.quantity - out.off.off_line[i];
    out.line_taxes.push_back(line.variant.taxable ? tax_of(cost, b.tax.rate_ppm, b.tax_inclusive) : 0);
    out.tax += out.line_taxes.back();
  }
  if (b.tax.shipping_taxed)
    out.shipping_tax = tax_of(out.shipping, b.tax.rate_ppm, b.tax_inclusive);
  out.tax += out.shipping_tax;
  out.total = static_cast<wide>(goods) + out.shipping + (b.tax_inclusive ? 0 : out.tax);
  return out;
}

reckoning best_of(const bill& b, const std::vector<possible_discount>& possible) {
  reckoning best;
  bool first = true;
  for (auto& set : candidate_sets(possible)) {
    auto r = reckon(b, std::move(set));
    if (first || r.total < best.total)
      best = std::move(r);
    first = false;
  }
  return best;
}

/// The discounts that may be given at all; codes that may not go to `refused`.
std::vector<possible_discount> possible_discounts(const storage::store_row& store, const basket& b,
                                                  const std::vector<priced_line>& lines, std::vector<refused_code>& refused) {
  std::vector<possible_discount> out;
  for (const auto& d : store.settings.discounts)
    if (d.active && why_not(d.rule, lines, b.now).empty())
      out.push_back({d.id, {}, &d.rule});
  std::vector<std::string_view> seen;
  for (const auto& d : b.codes) {
    if (std::find(seen.begin(), seen.end(), d.code) != seen.end())
      continue;
    seen.push_back(d.code);
    std::string_view why;
    if (!d.active)
      why = "inactive";
    else if (d.usage_limit >= 0 && d.used >= d.usage_limit)
      why = "used_up";
    else
      why = why_not(d.rule, lines, b.now);
    if (why.empty())
      out.push_back({d.id, d.code, &d.rule});
    else
      refused.push_back({d.code, std::string{why}});
  }
  return out;
}

void explain_discounts(quote& q, const reckoning& r, const std::vector<possible_discount>& possible) {
  bool shipping_given = false; // two that make shipping free: the first did it
  std::vector<std::string_view> useful;
  for (std::size_t i = 0; i < r.given.size(); ++i) {
    const auto& d = *r.given[i];
    storage::given_discount row{d.code, d.rule->title.empty() ? d.code : d.rule->title, r.off.off_by[i], 0};
    if (d.rule->kind == storage::discount_kind::free_shipping && !shipping_given) {
      row.shipping_amount = r.shipping_before;
      shipping_given = true;
    }
    if (row.amount == 0 && row.shipping_amount == 0)
      continue;
    if (!d.code.empty())
      useful.push_back(d.code);
    q.pricing.discounts.push_back(std::move(row));
  }
  const bool alone = r.given.size() == 1 && !r.given.front()->rule->combines;
  for (const auto& d : possible)
    if (!d.code.empty() && std::find(useful.begin(), useful.end(), d.code) == useful.end())
      q.refused.push_back({d.code, alone || (!d.rule->combines && !r.given.empty()) ? "does_not_combine" : "no_benefit"});
}

void pay_with_cards(quote& q, const std::vector<std::int64_t>& balances) {
  q.to_pay = q.total;
  for (auto balance : balances) {
    q.gift_cards.push_back(std::clamp<std::int64_t>(balance, 0, q.to_pay));
    q.to_pay -= q.gift_cards.back();
  }
}

} // namespace

std::variant<quote, caf::error> price(const storage::store_row& store, const basket& b) {
  bill base;
  wide sum = 0;
  const auto order = canonical_order(b.lines);
  for (auto i : order) {
    const auto& line = b.lines[i];
    if (line.quantity < 1 || line.variant.price < 0)
      return refuse(errc::invalid, "a quantity is 1 or more", "items[" + std::to_string(i) + "].quantity");
    sum += static_cast<wide>(line.variant.price) * line.quantity;
    if (sum > total_max)
      return too_much();
    base.lines.push_back(line);
  }
  base.subtotal = static_cast<std::int64_t>(sum);
  base.tax_inclusive = store.tax_inclusive;
  base.tax = tax_for(store, b.country, b.region);
  auto shipping = choose_shipping(store, b.lines, b.country, b.shipping_method);
  if (auto* no = std::get_if<caf::error>(&shipping))
    return std::move(*no);
  base.shipping = std::get<shipping_choice>(std::move(shipping));

  quote q;
  const auto possible = possible_discounts(store, b, base.lines, q.refused);
  const auto r = best_of(base, possible);
  if (r.total > total_max || r.tax > total_max)
    return too_much();
  q.subtotal = base.subtotal;
  q.discount = r.discount;
  q.shipping = r.shipping;
  q.tax = static_cast<std::int64_t>(r.tax);
  q.total = static_cast<std::int64_t>(r.total);
  q.items.resize(b.lines.size());
  for (std::size_t at = 0; at < order.size(); ++at) {
    const auto& line = base.lines[at];
    auto& item = q.items[order[at]];
    item.line = static_cast<std::int32_t>(order[at]) + 1;
    item.product_id = line.variant.product_id;
    item.variant_id = line.variant.id;
    item.sku = line.variant.sku;
    item.title = line.product_title;
    item.variant_title = variant_title(line.variant);
    item.quantity = line.quantity;
    item.unit_price = line.variant.price;
    item.total = line.variant.price * line.quantity;
    item.discount = r.off.off_line[at];
    item.tax = r.line_taxes[at];
    item.tax_rate_ppm = line.variant.taxable ? base.tax.rate_ppm : 0;
    item.grams = line.variant.grams;
    item.requires_shipping = line.variant.requires_shipping;
  }
  for (const auto* rate : base.shipping.offered)
    q.offers.push_back({rate->name, price_at(*rate, q.subtotal - q.discount)});
  if (base.shipping.chosen != nullptr)
    q.shipping_method = base.shipping.chosen->name;
  q.pricing.shipping_before = r.shipping_before;
  q.pricing.shipping_tax = r.shipping_tax;
  q.pricing.tax_inclusive = store.tax_inclusive;
  if (q.tax > 0)
    q.pricing.taxes.push_back({base.tax.title, base.tax.rate_ppm, q.tax});
  explain_discounts(q, r, possible);
  pay_with_cards(q, b.gift_cards);
  return q;
}

} // namespace souk::actors
