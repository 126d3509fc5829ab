// Product CSVs, in and out.

#include "http/csv/product_csv.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace souk::http::routes {

namespace {

std::string import_json(const storage::import_row& row) {
  using storage::import_status;
  json::writer out;
  out.begin_object()
    .field("import_id", row.id)
    .field("store_id", row.store_id)
    .field("status", row.status == import_status::running    ? "running"
                     : row.status == import_status::finished ? "finished"
                                                             : "failed")
    .field("products", row.products)
    .field("variants", row.variants)
    .key("errors")
    .begin_array();
  for (const auto& error : row.errors)
    out.begin_object().field("line", error.line).field("reason", error.reason).end_object();
  out.end_array().field("created_at", row.created_at).field("updated_at", row.updated_at).end_object();
  return std::move(out).text();
}

response start_import(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  if (x.asked.body.empty())
    throw refusal{.why = actors::errc::invalid, .message = "The body is empty: send a product CSV."};
  auto parsed = parse_product_csv(x.asked.body, store.unit.exponent());
  if (parsed.products.empty() && !parsed.errors.empty() && parsed.errors.front().line <= 1)
    throw refusal{.why = actors::errc::invalid, .message = "line 1: " + parsed.errors.front().reason};
  actors::start_import command{x.by, store.id, std::move(parsed.products), std::move(parsed.errors)};
  const auto id = x.shop.base.ids.fresh_beside(store.id);
  const auto row = x.shop.actors.start_import(id, std::move(command), x.until).take();
  auto out = created(import_json(row), "/stores/" + store.id.str() + "/imports/" + id.str());
  out.status = 202; // the row is durable, the work goes on
  return out;
}

response read_import(exchange& x) {
  return ok(
    import_json(x.shop.actors.get_import(x.id("import_id"), {x.by, x.id("store_id")}, x.until).take()));
}

/// Everything, drafts too; what is read back changes nothing.
response export_products(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  auto generation = csv_generation::current;
  if (const auto* format = x.parameter("format")) {
    if (*format != "current" && *format != "legacy")
      throw refusal{.why = actors::errc::invalid,
                    .message = "format: must be \"current\" or \"legacy\"",
                    .field = "format"};
    if (*format == "legacy")
      generation = csv_generation::legacy;
  }
  std::vector<actors::import_product> all;
  storage::page_request page;
  page.limit = 250;
  auto reader = x.shop.catalog.borrow(x.until);
  while (true) {
    const auto found = reader->products(store.id, {.text = {}, .category = {}, .only_active = false}, page);
    for (const auto& row : found.rows) {
      actors::import_product product;
      product.product = row.product.product;
      for (const auto& variant : row.product.variants) {
        actors::variant_draft draft;
        draft.row = variant;
        const auto& levels = row.product.levels;
        const auto level = std::find_if(levels.begin(), levels.end(),
                                        [&](const auto& l) { return l.variant_id == variant.id; });
        draft.stock = level == levels.end() ? 0 : level->on_hand;
        draft.backorder = level != levels.end() && level->backorder;
        product.variants.push_back(std::move(draft));
      }
      all.push_back(std::move(product));
    }
    if (!found.more || found.rows.empty())
      break;
    page.after = found.rows.back().product.product.id;
  }
  response out;
  out.content_type = "text/csv; charset=utf-8";
  out.body = format_product_csv(all, store.unit.exponent(), generation);
  out.headers.emplace_back("Content-Disposition", "attachment; filename=\"products.csv\"");
  return out;
}

constexpr std::array rows{
  route{"POST", "/stores/{store_id}/imports", access::merchant, body_kind::csv, start_import},
  route{"GET", "/stores/{store_id}/imports/{import_id}", access::merchant, body_kind::none, read_import},
  route{"GET", "/stores/{store_id}/products.csv", access::merchant, body_kind::none, export_products},
};

} // namespace

std::span<const route> imports() {
  return rows;
}

} // namespace souk::http::routes
