// A merchant's discounts: those that are given for a code, and those that are given to everybody who fulfils them.

#include "actors/discount/discount_rules.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/discount_json.hpp"
#include "http/routes/keyed_id.hpp"
#include "http/routes/lists.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>

namespace souk::http::routes {

namespace {

constexpr std::int64_t version_max = std::numeric_limits<std::int64_t>::max();

money_text money_of(exchange& x) {
  return money_text{x.shop.known.store(x.id("store_id"), x.until).unit};
}

std::string json_of(const storage::discount_row& row, const money_text& amount) {
  json::writer out;
  write_discount(out, row, amount);
  return std::move(out).text();
}

/// @throws refusal not_found for what can be no code
std::string code_in_path(const exchange& x) {
  auto code = actors::discount_code_of(x.token_id);
  if (code.empty())
    throw refusal{.why = actors::errc::not_found, .message = "There is no such discount."};
  return code;
}

// -- with a code ----------------------------------------------------------------------------------------------------------

response list_discounts(exchange& x) {
  const auto page = page_asked(x);
  const auto amount = money_of(x);
  const auto found = x.shop.catalog.borrow(x.until)->discounts(x.id("store_id"), page);
  return list_of("discounts", "/stores/" + x.id("store_id").str() + "/discounts", page, found,
                 [&](json::writer& out, const storage::discount_row& row) { write_discount(out, row, amount); });
}

response create_discount(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  const json::document body{x.asked.body};
  const auto f = body.root({"code", "active", "once_per_customer", "usage_limit", "rule"});
  storage::discount_row draft;
  draft.id = x.shop.base.ids.fresh_beside(store.id);
  draft.store_id = store.id;
  draft.code = actors::discount_code_of(f.text("code", {1, 60}));
  if (draft.code.empty())
    f.wrong("code", "is 1 to 40 of A-Z, 0-9, \"-\" and \"_\"");
  draft.active = f.maybe_boolean("active").value_or(true);
  draft.once_per_customer = f.maybe_boolean("once_per_customer").value_or(false);
  draft.usage_limit = f.maybe_integer("usage_limit", -1, actors::discount_rules::usage_max).value_or(-1);
  draft.rule = read_rule(f, store.unit);
  const auto code = draft.code;
  const auto row =
    x.shop.actors.tell_discount(store.id, code, actors::create_discount{x.by, std::move(draft)}, x.until).take();
  return created(json_of(row, money_text{store.unit}), "/stores/" + store.id.str() + "/discounts/" + code);
}

response read_discount(exchange& x) {
  const auto amount = money_of(x);
  const auto& store = x.id("store_id");
  const auto row = x.shop.actors.tell_discount(store, code_in_path(x), actors::get_discount{x.by, store}, x.until).take();
  return ok(json_of(row, amount));
}

response change_discount(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  const json::document body{x.asked.body};
  const auto f = body.root({"active", "once_per_customer", "usage_limit", "rule", "version"});
  actors::change_discount command;
  command.by = x.by;
  command.store_id = store.id;
  command.active = f.maybe_boolean("active");
  command.once_per_customer = f.maybe_boolean("once_per_customer");
  command.usage_limit = f.maybe_integer("usage_limit", -1, actors::discount_rules::usage_max);
  if (f.has("rule"))
    command.rule = read_rule(f, store.unit);
  command.expected_version = f.maybe_integer("version", 1, version_max);
  const auto row = x.shop.actors.tell_discount(store.id, code_in_path(x), std::move(command), x.until).take();
  return ok(json_of(row, money_text{store.unit}));
}

// -- automatic ones: part of the store's settings -------------------------------------------------------------------------

const storage::automatic_discount* find(const storage::store_row& store, const storage::ulid& id) {
  const auto& all = store.settings.discounts;
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& d) { return d.id == id; });
  return at == all.end() ? nullptr : &*at;
}

response list_automatic(exchange& x) {
  const auto amount = money_of(x);
  const auto store = x.shop.actors.get_store(x.id("store_id"), x.until).take();
  json::writer out;
  out.begin_object().key("discounts").begin_array();
  for (const auto& d : store.settings.discounts)
    write_automatic(out, d, amount);
  out.end_array().end_object();
  return ok(std::move(out).text());
}

storage::automatic_discount read_automatic(exchange& x, const storage::ulid& id) {
  const json::document body{x.asked.body};
  const auto f = body.root({"active", "rule"});
  const auto unit = x.shop.known.store(x.id("store_id"), x.until).unit;
  return {id, f.maybe_boolean("active").value_or(true), read_rule(f, unit)};
}

/// Puts it, and answers it as it stands.
std::string put_automatic(exchange& x, const storage::automatic_discount& wish) {
  actors::change_settings command;
  command.by = x.by;
  command.store_id = x.id("store_id");
  command.put_discount = wish;
  x.shop.actors.change_settings(std::move(command), x.until).take();
  json::writer out;
  write_automatic(out, wish, money_of(x));
  return std::move(out).text();
}

response create_automatic(exchange& x) {
  const auto wish = read_automatic(x, id_beside_store(x, "automatic discount"));
  if (x.asked.has_idempotency_key) { // asked again it is put again, and nothing changes
    const auto store = x.shop.actors.get_store(x.id("store_id"), x.until).take();
    if (const auto* known = find(store, wish.id); known != nullptr && *known != wish)
      throw refusal{.why = actors::errc::idempotency_key_reused};
  }
  return created(put_automatic(x, wish), "/stores/" + x.id("store_id").str() + "/automatic-discounts/" + wish.id.str());
}

response replace_automatic(exchange& x) {
  const auto wish = read_automatic(x, x.id("discount_id"));
  const auto store = x.shop.actors.get_store(x.id("store_id"), x.until).take();
  if (find(store, wish.id) == nullptr)
    throw refusal{.why = actors::errc::not_found, .message = "There is no such automatic discount."};
  return ok(put_automatic(x, wish));
}

response remove_automatic(exchange& x) {
  actors::change_settings command;
  command.by = x.by;
  command.store_id = x.id("store_id");
  command.remove_discount = x.id("discount_id");
  x.shop.actors.change_settings(std::move(command), x.until).take();
  return no_content();
}

constexpr std::array rows{
  route{"GET", "/stores/{store_id}/discounts", access::merchant, body_kind::none, list_discounts},
  route{"POST", "/stores/{store_id}/discounts", access::merchant, body_kind::json, create_discount},
  route{"GET", "/stores/{store_id}/discounts/{code}", access::merchant, body_kind::none, read_discount},
  route{"PATCH", "/stores/{store_id}/discounts/{code}", access::merchant, body_kind::json, change_discount},
  route{"GET", "/stores/{store_id}/automatic-discounts", access::merchant, body_kind::none, list_automatic},
  route{"POST", "/stores/{store_id}/automatic-discounts", access::merchant, body_kind::json, create_automatic},
  route{"PUT", "/stores/{store_id}/automatic-discounts/{discount_id}", access::merchant, body_kind::json, replace_automatic},
  route{"DELETE", "/stores/{store_id}/automatic-discounts/{discount_id}", access::merchant, body_kind::none, remove_automatic},
};

} // namespace

std::span<const route> discounts() {
  return rows;
}

} // namespace souk::http::routes
