// Opening a store, reading and changing its settings.

#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/routes.hpp"
#include "http/routes/store_json.hpp"
#include "http/service.hpp"

#include <array>
#include <spdlog/spdlog.h>

namespace souk::http::routes {

namespace {

using storage::name_kind;

response open_store(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"store_name", "slug", "currency", "tax_rate", "tax_inclusive", "shipping_zones",
                            "logo_url", "description"});
  const auto code = f.text("currency", {3, 3});
  const auto unit = actors::currency::of(code);
  if (!unit)
    f.wrong("currency", "is not a currency of ISO 4217, like \"EUR\"");
  storage::store_row draft;
  draft.id = x.shop.base.ids.fresh();
  draft.owner_id = x.by.user;
  draft.name = f.text("store_name", {1, 120});
  draft.slug = f.text("slug", {1, 63});
  if (!actors::is_slug(draft.slug))
    f.wrong("slug", "must be 3 to 63 of a-z, 0-9 and \"-\", which is neither first nor last");
  draft.currency = code;
  draft.tax_rate_ppm = f.maybe_rate_ppm("tax_rate").value_or(0);
  draft.tax_inclusive = f.maybe_boolean("tax_inclusive").value_or(false);
  draft.shipping_zones = read_shipping_zones(f, *unit).value_or(std::vector<storage::shipping_zone>{});
  draft.logo_url = f.text_or_empty("logo_url", {0, 2048});
  draft.description = f.text_or_empty("description", {0, 5000, actors::lines::many});

  // Claimed before the store exists, confirmed after: see sign-up.
  const auto id = draft.id;
  const auto slug = draft.slug;
  if (x.shop.names.borrow(x.until)->claim(name_kind::slug, slug, id).id != id)
    throw refusal{.why = actors::errc::slug_taken, .field = "slug"};
  auto made = x.shop.actors.open_store(id, {x.by, std::move(draft)}, x.until);
  try {
    if (made)
      x.shop.names.borrow(x.until)->confirm(name_kind::slug, slug, id);
    else if (std::holds_alternative<actors::errc>(
               made.why().why)) // anything else may have been done after all
      x.shop.names.borrow(x.until)->release(name_kind::slug, slug, id);
  } catch (const std::exception& e) {
    spdlog::warn("a claimed slug waits for the sweeper: {}", e.what());
  }
  const auto row = std::move(made).take();
  x.shop.known.remember(row);
  return created(store_json(row), "/stores/" + id.str());
}

response store_response(const exchange& x, const storage::store_row& row) {
  auto out = ok(store_json(row));
  if (x.by.anonymous())
    out.headers.emplace_back("Cache-Control", "public, max-age=2");
  return out;
}

response read_store(exchange& x) {
  return store_response(x, x.shop.actors.get_store(x.id("store_id"), x.until).take());
}

response find_store(exchange& x) {
  const auto* slug = x.parameter("slug");
  if (slug == nullptr)
    throw refusal{.why = actors::errc::invalid, .message = "slug: is missing", .field = "slug"};
  const auto known =
    actors::is_slug(*slug) ? x.shop.names.borrow(x.until)->find(name_kind::slug, *slug) : std::nullopt;
  if (!known)
    throw refusal{.why = actors::errc::not_found, .message = "There is no store with this slug."};
  return store_response(x, x.shop.actors.get_store(known->id, x.until).take());
}

response change_store(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  const json::document body{x.asked.body};
  const auto f = body.root({"store_name", "tax_rate", "tax_inclusive", "shipping_zones", "logo_url",
                            "description", "status", "version"});
  actors::change_store command;
  command.by = x.by;
  command.store_id = store.id;
  command.name = f.maybe_text("store_name", {1, 120});
  command.tax_rate_ppm = f.maybe_rate_ppm("tax_rate");
  command.tax_inclusive = f.maybe_boolean("tax_inclusive");
  command.shipping_zones = read_shipping_zones(f, store.unit);
  command.logo_url = f.maybe_text("logo_url", {0, 2048});
  command.description = f.maybe_text("description", {0, 5000, actors::lines::many});
  if (const auto status = f.maybe_text("status", {1, 10})) {
    if (*status != "open" && *status != "closed")
      f.wrong("status", "must be \"open\" or \"closed\"");
    command.status = *status == "open" ? storage::store_status::open : storage::store_status::closed;
  }
  command.expected_version = f.maybe_integer("version", 1, std::numeric_limits<std::int64_t>::max());
  return ok(store_json(x.shop.actors.change_store(std::move(command), x.until).take()));
}

response stores_of_user(exchange& x) {
  const auto found = x.shop.catalog.borrow(x.until)->stores_of(x.id("user_id"));
  json::writer out;
  out.begin_object().key("stores").begin_array();
  for (const auto& row : found.rows)
    if (x.by.manages(row.id, row.owner_id))
      out.raw(store_json(row));
  out.end_array().key("complete").value(found.complete).end_object();
  return ok(std::move(out).text());
}

constexpr std::array rows{
  route{"POST", "/stores", access::account, body_kind::json, open_store},
  route{"GET", "/stores", access::anyone, body_kind::none, find_store},
  route{"GET", "/stores/{store_id}", access::anyone, body_kind::none, read_store},
  route{"PATCH", "/stores/{store_id}", access::merchant, body_kind::json, change_store},
  route{"GET", "/users/{user_id}/stores", access::self_account, body_kind::none, stores_of_user},
};

} // namespace

std::span<const route> stores() {
  return rows;
}

} // namespace souk::http::routes
