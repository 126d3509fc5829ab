// Stock: levels, changes, policy and history, for the merchant.

#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace souk::http::routes {

namespace {

constexpr std::int64_t stock_max = 1'000'000'000;

void write_figures(json::writer& out, const storage::ulid& variant, std::int64_t on_hand,
                   std::int64_t reserved, bool backorder, std::int64_t threshold) {
  out.field("variant_id", variant)
    .field("on_hand", on_hand)
    .field("reserved", reserved)
    .field("available", on_hand - reserved)
    .field("backorder", backorder)
    .key("low_stock_threshold");
  if (threshold < 0)
    out.null();
  else
    out.value(threshold);
}

response stock_response(const actors::stock_view& view) {
  json::writer out;
  out.begin_object().field("stock_updated", true);
  write_figures(out, view.variant.id, view.on_hand, view.reserved, view.backorder, view.low_stock_threshold);
  out.end_object();
  return ok(std::move(out).text());
}

/// The path names the product: its variant must be one of it.
storage::ulid variant_of_product(const exchange& x, const json::fields& f) {
  const auto variant = f.id("variant_id");
  const refusal unknown{
    .why = actors::errc::not_found, .message = "The product has no such variant.", .field = "variant_id"};
  if (variant.shard() != x.id("store_id").shard())
    throw unknown;
  auto view = x.shop.actors.get_stock(variant, x.id("store_id"), x.until);
  if (view.refused_with(actors::errc::not_found) || (view && view->variant.product_id != x.id("product_id")))
    throw unknown;
  std::move(view).take();
  return variant;
}

response set_stock(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"variant_id", "quantity", "adjustment", "reason", "note"});
  const auto quantity = f.maybe_integer("quantity", 0, stock_max);
  const auto adjustment = f.maybe_integer("adjustment", -stock_max, stock_max);
  if (quantity.has_value() == adjustment.has_value())
    f.wrong("quantity", "give either the quantity that is on hand now, or an adjustment");
  const auto reason_given = f.maybe_text("reason", {1, 100});
  const auto note = f.text_or_empty("note", {0, 1000, actors::lines::many});
  const auto variant = variant_of_product(x, f);
  const auto store = x.id("store_id");
  if (quantity)
    return stock_response(
      x.shop.actors.set_stock(variant, {x.by, store, *quantity, reason_given.value_or("set"), note}, x.until)
        .take());
  if (*adjustment == 0)
    f.wrong("adjustment", "must not be 0");
  return stock_response(
    x.shop.actors
      .adjust_stock(variant, {x.by, store, *adjustment, reason_given.value_or("adjusted"), note}, x.until)
      .take());
}

response set_policy(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"variant_id", "backorder", "low_stock_threshold"});
  actors::set_stock_policy command;
  command.by = x.by;
  command.store_id = x.id("store_id");
  command.backorder = f.maybe_boolean("backorder");
  command.low_stock_threshold = f.maybe_integer("low_stock_threshold", -1, stock_max);
  if (!command.backorder && !command.low_stock_threshold)
    f.wrong("backorder", "give backorder, low_stock_threshold or both");
  const auto variant = variant_of_product(x, f);
  const auto view = x.shop.actors.set_stock_policy(variant, std::move(command), x.until).take();
  x.shop.base.pages->product_changed(x.id("store_id"),
                                     x.id("product_id")); // pages say whether it may be back-ordered
  return stock_response(view);
}

response levels_of_product(exchange& x) {
  const auto found = x.shop.catalog.borrow(x.until)->product(x.id("store_id"), x.id("product_id"));
  if (!found)
    throw refusal{.why = actors::errc::not_found, .message = "There is no such product."};
  json::writer out;
  out.begin_object().key("levels").begin_array();
  for (const auto& variant : found->product.variants) {
    if (variant.removed)
      continue;
    const auto& levels = found->product.levels;
    const auto level =
      std::find_if(levels.begin(), levels.end(), [&](const auto& l) { return l.variant_id == variant.id; });
    const auto row = level == levels.end() ? storage::level_row{} : *level;
    out.begin_object();
    write_figures(out, variant.id, row.on_hand, row.reserved, row.backorder, row.low_stock_threshold);
    out.field("sku", variant.sku).end_object();
  }
  out.end_array().end_object();
  return ok(std::move(out).text());
}

void write_page_end(json::writer& out, const storage::page_request& page, std::int64_t total, bool more) {
  if (!page.after)
    out.field("page", page.page);
  out.field("limit", page.limit).field("total", total).field("has_more", more);
}

response levels_of_store(exchange& x) {
  const auto page = page_asked(x);
  const auto found = x.shop.catalog.borrow(x.until)->levels(x.id("store_id"), page);
  json::writer out;
  out.begin_object().key("levels").begin_array();
  for (const auto& row : found.rows) {
    out.begin_object();
    write_figures(out, row.variant_id, row.on_hand, row.reserved, row.backorder, row.low_stock_threshold);
    out.end_object();
  }
  out.end_array();
  write_page_end(out, page, found.total, found.more);
  out.end_object();
  auto answer = ok(std::move(out).text());
  const auto last = found.rows.empty() ? std::string{} : found.rows.back().variant_id.str();
  if (auto link =
        link_header(fmt::format("/stores/{}/inventory", x.id("store_id").str()), page, found.more, last);
      !link.empty())
    answer.headers.emplace_back("Link", std::move(link));
  return answer;
}

response history(exchange& x) {
  const auto page = page_asked(x);
  if (page.after)
    throw refusal{
      .why = actors::errc::invalid, .message = "after: a history is read by page", .field = "after"};
  const auto found = x.shop.catalog.borrow(x.until)->history(x.id("store_id"), x.id("variant_id"), page);
  json::writer out;
  out.begin_object().key("history").begin_array();
  const auto write_id = [&](const char* name, const storage::ulid& id) {
    out.key(name);
    if (id.is_nil())
      out.null();
    else
      out.value(id);
  };
  for (const auto& row : found.rows) {
    out.begin_object()
      .field("at", row.at)
      .field("reason", row.reason)
      .field("on_hand_delta", row.on_hand_delta)
      .field("reserved_delta", row.reserved_delta)
      .field("on_hand_after", row.on_hand_after)
      .field("reserved_after", row.reserved_after);
    write_id("order_id", row.order_id);
    write_id("by", row.by);
    out.field_or_null("note", row.note).end_object();
  }
  out.end_array();
  write_page_end(out, page, found.total, found.more);
  out.end_object();
  return ok(std::move(out).text());
}

constexpr std::array rows{
  route{"POST", "/stores/{store_id}/products/{product_id}/inventory", access::merchant, body_kind::json,
        set_stock},
  route{"PATCH", "/stores/{store_id}/products/{product_id}/inventory", access::merchant, body_kind::json,
        set_policy},
  route{"GET", "/stores/{store_id}/products/{product_id}/inventory", access::merchant, body_kind::none,
        levels_of_product},
  route{"GET", "/stores/{store_id}/inventory", access::merchant, body_kind::none, levels_of_store},
  route{"GET", "/stores/{store_id}/inventory/{variant_id}/history", access::merchant, body_kind::none,
        history},
};

} // namespace

std::span<const route> inventory() {
  return rows;
}

} // namespace souk::http::routes
