#include "http/routes/discount_json.hpp"

#include "actors/discount/discount_rules.hpp"

#include <array>

namespace souk::http::routes {

namespace {

using storage::discount_kind;

constexpr std::array kinds{
  std::pair{std::string_view{"percent"}, discount_kind::percent},
  std::pair{std::string_view{"fixed"}, discount_kind::fixed},
  std::pair{std::string_view{"free_shipping"}, discount_kind::free_shipping},
  std::pair{std::string_view{"buy_x_get_y"}, discount_kind::buy_x_get_y},
};

std::string_view name_of(discount_kind kind) {
  for (const auto& [name, known] : kinds)
    if (known == kind)
      return name;
  return "percent";
}

discount_kind read_kind(const json::fields& f) {
  const auto text = f.text("kind", {1, 20});
  for (const auto& [name, kind] : kinds)
    if (name == text)
      return kind;
  f.wrong("kind", "is percent, fixed, free_shipping or buy_x_get_y");
}

void write_ids(json::writer& out, std::string_view name, const std::vector<storage::ulid>& ids) {
  out.key(name).begin_array();
  for (const auto& id : ids)
    out.value(id);
  out.end_array();
}

} // namespace

void write_rule(json::writer& out, const storage::discount_rule& rule, const money_text& amount) {
  const bool groups = rule.kind == discount_kind::buy_x_get_y;
  out.begin_object().field("kind", name_of(rule.kind)).field_or_null("title", rule.title);
  out.field_or_null("percent", groups || rule.kind == discount_kind::percent ? rate_text(rule.percent_ppm) : "");
  out.field_or_null("amount", rule.kind == discount_kind::fixed ? amount(rule.amount) : "");
  write_ids(out, "products", rule.products);
  write_ids(out, "gives", rule.gives);
  for (const auto& [name, pieces] : {std::pair{"buy_quantity", rule.buy_quantity}, {"get_quantity", rule.get_quantity}}) {
    out.key(name);
    if (groups)
      out.value(pieces);
    else
      out.null();
  }
  out.field("minimum_subtotal", amount(rule.minimum_subtotal))
    .field("minimum_quantity", rule.minimum_quantity)
    .field("combines", rule.combines);
  write_time(out, "starts_at", rule.starts_at);
  write_time(out, "ends_at", rule.ends_at);
  out.end_object();
}

void write_discount(json::writer& out, const storage::discount_row& row, const money_text& amount) {
  out.begin_object()
    .field("discount_id", row.id)
    .field("store_id", row.store_id)
    .field("code", row.code)
    .field("active", row.active)
    .field("once_per_customer", row.once_per_customer)
    .key("usage_limit");
  if (row.usage_limit < 0)
    out.null();
  else
    out.value(row.usage_limit);
  out.field("used", row.used).key("rule");
  write_rule(out, row.rule, amount);
  out.field("version", row.version)
    .field("created_at", row.created_at)
    .field("updated_at", row.updated_at)
    .end_object();
}

void write_automatic(json::writer& out, const storage::automatic_discount& row, const money_text& amount) {
  out.begin_object().field("discount_id", row.id).field("active", row.active).key("rule");
  write_rule(out, row.rule, amount);
  out.end_object();
}

storage::discount_rule read_rule(const json::fields& body, const actors::currency& unit) {
  constexpr auto products_max = actors::discount_rules::products_max;
  constexpr auto pieces_max = actors::discount_rules::pieces_max;
  const auto f = body.object("rule", {"kind", "title", "percent", "amount", "products", "gives", "buy_quantity", "get_quantity",
                                      "minimum_subtotal", "minimum_quantity", "combines", "starts_at", "ends_at"});
  storage::discount_rule rule;
  rule.kind = read_kind(f);
  const bool groups = rule.kind == discount_kind::buy_x_get_y;
  const auto only_for = [&](bool known, std::initializer_list<std::string_view> names) {
    for (const auto name : names)
      if (!known && f.has(name))
        f.wrong(name, "is nothing that a discount of this kind has");
  };
  only_for(groups || rule.kind == discount_kind::percent, {"percent"});
  only_for(rule.kind == discount_kind::fixed, {"amount"});
  only_for(groups, {"gives", "buy_quantity", "get_quantity"});
  rule.title = f.text_or_empty("title", {0, 120});
  // Off the pieces that are given everything, unless said.
  rule.percent_ppm = f.maybe_rate_ppm("percent").value_or(groups ? 1'000'000 : 0);
  rule.amount = f.maybe_amount("amount", unit).value_or(0);
  rule.products = f.maybe_ids("products", products_max).value_or(std::vector<storage::ulid>{});
  rule.gives = f.maybe_ids("gives", products_max).value_or(std::vector<storage::ulid>{});
  rule.buy_quantity = f.maybe_integer("buy_quantity", 0, pieces_max).value_or(0);
  rule.get_quantity = f.maybe_integer("get_quantity", 0, pieces_max).value_or(0);
  rule.minimum_subtotal = f.maybe_amount("minimum_subtotal", unit).value_or(0);
  rule.minimum_quantity = f.maybe_integer("minimum_quantity", 0, pieces_max).value_or(0);
  rule.combines = f.maybe_boolean("combines").value_or(true);
  rule.starts_at = f.maybe_time("starts_at").value_or(storage::timestamp{});
  rule.ends_at = f.maybe_time("ends_at").value_or(storage::timestamp{});
  return rule;
}

} // namespace souk::http::routes
