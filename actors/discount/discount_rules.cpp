#include "actors/discount/discount_rules.hpp"

#include "actors/money/currency.hpp"
#include "actors/text.hpp"

#include <algorithm>

namespace souk::actors {

std::string discount_code_of(std::string_view typed) {
  const auto first = typed.find_first_not_of(' ');
  if (first == typed.npos)
    return {};
  typed = typed.substr(first, typed.find_last_not_of(' ') - first + 1);
  if (typed.size() > 40)
    return {};
  std::string out;
  for (char c : typed) {
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
    if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
      return {};
    out += c;
  }
  return out;
}

namespace discount_rules {

namespace {

using storage::discount_kind;

constexpr text_rule title_rule{0, 120, lines::one};
constexpr std::int32_t whole_ppm = 1'000'000;
const storage::timestamp unset{};

std::optional<rejection> check_products(const std::vector<storage::ulid>& products, const storage::ulid& store,
                                        const std::string& field) {
  if (products.size() > products_max)
    return invalid(field, "a discount names at most " + std::to_string(products_max) + " products");
  for (std::size_t i = 0; i < products.size(); ++i)
    if (products[i].shard() != store.shard())
      return invalid(field + "[" + std::to_string(i) + "]", "is no product of this store");
  return std::nullopt;
}

std::optional<rejection> check_amounts(const storage::discount_rule& rule, const std::string& field) {
  switch (rule.kind) {
    case discount_kind::percent:
      if (rule.percent_ppm < 1 || rule.percent_ppm > whole_ppm)
        return invalid(field + ".percent", "a percentage is more than 0 and at most 100");
      return std::nullopt;
    case discount_kind::fixed:
      if (rule.amount < 1 || rule.amount > amount_max)
        return invalid(field + ".amount", "an amount is more than 0");
      return std::nullopt;
    case discount_kind::free_shipping: return std::nullopt;
    case discount_kind::buy_x_get_y:
      if (rule.buy_quantity < 1 || rule.buy_quantity > pieces_max)
        return invalid(field + ".buy_quantity", "1 to 10,000 pieces must be bought");
      if (rule.get_quantity < 1 || rule.get_quantity > pieces_max)
        return invalid(field + ".get_quantity", "1 to 10,000 pieces are given");
      if (rule.percent_ppm < 1 || rule.percent_ppm > whole_ppm)
        return invalid(field + ".percent", "a percentage is more than 0 and at most 100");
      return std::nullopt;
  }
  return invalid(field + ".kind", "a discount is percent, fixed, free_shipping or buy_x_get_y");
}

std::optional<rejection> check_row(const storage::discount_row& row) {
  if (row.usage_limit < -1 || row.usage_limit > usage_max)
    return invalid("usage_limit", "a limit is 0 to 1,000,000,000 orders");
  return check_rule(row.rule, row.store_id, "rule");
}

} // namespace

std::optional<rejection> check_rule(const storage::discount_rule& rule, const storage::ulid& store, const std::string& field) {
  if (auto no = check_text(rule.title, field + ".title", title_rule))
    return no;
  if (auto no = check_amounts(rule, field))
    return no;
  if (auto no = check_products(rule.products, store, field + ".products"))
    return no;
  if (auto no = check_products(rule.gives, store, field + ".gives"))
    return no;
  if (rule.minimum_subtotal < 0 || rule.minimum_subtotal > amount_max)
    return invalid(field + ".minimum_subtotal", "a minimum is 0 or more");
  if (rule.minimum_quantity < 0 || rule.minimum_quantity > pieces_max)
    return invalid(field + ".minimum_quantity", "a minimum is 0 to 10,000 pieces");
  if (rule.starts_at != unset && rule.ends_at != unset && rule.ends_at <= rule.starts_at)
    return invalid(field + ".ends_at", "a discount ends after it starts");
  return std::nullopt;
}

outcome<storage::discount_row> create(storage::discount_row draft, storage::timestamp now) {
  if (draft.code.empty() || draft.code != discount_code_of(draft.code))
    return invalid("code", "a code is 1 to 40 of A-Z, 0-9, \"-\" and \"_\"");
  if (draft.id.is_nil() || draft.id.shard() != draft.store_id.shard())
    return invalid("id", "is not beside the store");
  if (auto no = check_row(draft))
    return *no;
  draft.used = 0;
  draft.version = 1;
  draft.created_at = draft.updated_at = now;
  return draft;
}

outcome<storage::discount_row> change(const storage::discount_row& current, const change_discount& c, storage::timestamp now) {
  if (c.expected_version && *c.expected_version != current.version)
    return rejection{errc::version_conflict, "the discount was changed meanwhile", "version"};
  auto next = current;
  auto set = [](auto& field, const auto& wish) {
    if (wish)
      field = *wish;
  };
  set(next.active, c.active);
  set(next.once_per_customer, c.once_per_customer);
  set(next.usage_limit, c.usage_limit);
  set(next.rule, c.rule);
  if (next == current)
    return next;
  if (auto no = check_row(next))
    return *no;
  ++next.version;
  next.updated_at = now;
  return next;
}

std::optional<rejection> check_usable(const storage::discount_row& row, storage::timestamp now) {
  auto no = [&](const char* why) {
    return rejection{errc::discount_not_applicable, "the code " + row.code + " " + why, {}};
  };
  if (!row.active)
    return no("is no longer valid");
  if (row.rule.starts_at != unset && now < row.rule.starts_at)
    return no("is not valid yet");
  if (row.rule.ends_at != unset && now >= row.rule.ends_at)
    return no("has expired");
  return std::nullopt;
}

} // namespace discount_rules

} // namespace souk::actors
