// Where merchants want to hear of events, and what became of what was sent there.

#include "actors/webhooks/secret.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace souk::http::routes {

namespace {

constexpr std::size_t topics_max = 50;
constexpr actors::text_rule address_rule{1, 2048}, topic_rule{1, 60};

const char* name_of(storage::webhook_state state) {
  switch (state) {
    case storage::webhook_state::active: return "active";
    case storage::webhook_state::paused: return "paused";
    case storage::webhook_state::failing_too_long: return "disabled";
  }
  return "";
}

const char* name_of(storage::delivery_state state) {
  switch (state) {
    case storage::delivery_state::waiting: return "waiting";
    case storage::delivery_state::delivered: return "delivered";
    case storage::delivery_state::failed: return "failed";
  }
  return "";
}

/// @param secret empty: it is not shown
void write_webhook(json::writer& out, const storage::webhook_row& row, const std::string& secret) {
  out.begin_object().field("webhook_id", row.id).field("store_id", row.store_id).field("address", row.address);
  out.key("topics").begin_array();
  for (const auto& topic : row.topics)
    out.value(topic);
  out.end_array().field("status", name_of(row.state)).key("failing_since");
  if (row.failing_since == storage::timestamp{})
    out.null();
  else
    out.value(row.failing_since);
  if (!secret.empty())
    out.field("secret", secret);
  out.field("version", row.version).field("created_at", row.created_at).field("updated_at", row.updated_at).end_object();
}

std::string webhook_json(const storage::webhook_row& row, const std::string& secret = {}) {
  json::writer out;
  write_webhook(out, row, secret);
  return std::move(out).text();
}

void write_delivery(json::writer& out, const storage::webhook_delivery_row& row) {
  out.begin_object()
    .field("delivery_id", row.id)
    .field("webhook_id", row.webhook_id)
    .field("event_id", row.event_id)
    .field("topic", row.topic)
    .field("status", name_of(row.state))
    .field("attempts", row.attempts)
    .key("next_attempt_at");
  if (row.state == storage::delivery_state::waiting)
    out.value(row.next_at);
  else
    out.null();
  out.key("response_status");
  if (row.status == 0)
    out.null();
  else
    out.value(row.status);
  out.field_or_null("error", row.error)
    .field("took_ms", row.took_ms)
    .field("created_at", row.created_at)
    .field("updated_at", row.updated_at)
    .key("payload")
    .raw(row.payload)
    .end_object();
}

void vet(const exchange& x, const std::string& address) {
  if (!x.shop.base.vet_webhook)
    return;
  if (auto no = x.shop.base.vet_webhook(address); !no.empty())
    throw refusal{.why = actors::errc::invalid, .message = "The address " + no + ".", .field = "address"};
}

struct sealed_secret {
  std::string shown;
  std::string sealed;
};

sealed_secret make_secret(const exchange& x) {
  const auto& box = x.shop.base.secrets;
  if (!box || !box->ready())
    throw refusal{.why = errc::not_configured, .message = "This shop has no secret key, so it cannot sign webhooks."};
  sealed_secret out;
  out.shown = actors::new_webhook_secret();
  out.sealed = box->seal(actors::secret_owner(x.id("store_id"), "webhook"), out.shown);
  return out;
}

storage::webhook_row find(exchange& x) {
  const auto all = x.shop.actors.get_webhooks({x.by, x.id("store_id")}, x.until).take();
  const auto row = std::find_if(all.begin(), all.end(), [&](const auto& w) { return w.id == x.id("webhook_id"); });
  if (row == all.end())
    throw refusal{.why = actors::errc::not_found, .message = "There is no such webhook of this store."};
  return *row;
}

response make_webhook(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"address", "topics"});
  auto secret = make_secret(x);
  storage::webhook_row draft;
  draft.id = x.shop.base.ids.fresh_beside(x.id("store_id"));
  draft.store_id = x.id("store_id");
  draft.address = f.text("address", address_rule);
  draft.topics = f.maybe_texts("topics", topics_max, topic_rule).value_or(std::vector<std::string>{"*"});
  draft.sealed_secret = std::move(secret.sealed);
  vet(x, draft.address);
  const auto row = x.shop.actors.create_webhook({x.by, std::move(draft)}, x.until).take();
  return created(webhook_json(row, secret.shown), "/stores/" + row.store_id.str() + "/webhooks/" + row.id.str());
}

response list_webhooks(exchange& x) {
  json::writer out;
  out.begin_object().key("webhooks").begin_array();
  for (const auto& row : x.shop.actors.get_webhooks({x.by, x.id("store_id")}, x.until).take())
    write_webhook(out, row, {});
  out.end_array().end_object();
  return ok(std::move(out).text());
}

response get_webhook(exchange& x) {
  return ok(webhook_json(find(x)));
}

actors::change_webhook change_of(const exchange& x) {
  actors::change_webhook c;
  c.by = x.by;
  c.store_id = x.id("store_id");
  c.webhook_id = x.id("webhook_id");
  return c;
}

response change_webhook(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"address", "topics", "active", "version"});
  auto c = change_of(x);
  c.address = f.maybe_text("address", address_rule);
  c.topics = f.maybe_texts("topics", topics_max, topic_rule);
  c.active = f.maybe_boolean("active");
  c.expected_version = f.maybe_integer("version", 1, INT64_MAX);
  if (c.address)
    vet(x, *c.address);
  return ok(webhook_json(x.shop.actors.change_webhook(std::move(c), x.until).take()));
}

response rotate_secret(exchange& x) {
  if (!x.asked.body.empty())
    (void)json::document{x.asked.body}.root({});
  auto secret = make_secret(x);
  auto c = change_of(x);
  c.sealed_secret = std::move(secret.sealed);
  return ok(webhook_json(x.shop.actors.change_webhook(std::move(c), x.until).take(), secret.shown));
}

response remove_webhook(exchange& x) {
  x.shop.actors.remove_webhook({x.by, x.id("store_id"), x.id("webhook_id")}, x.until).take();
  return no_content();
}

response deliveries(exchange& x) {
  const auto page = page_asked(x);
  const auto webhook = find(x);
  const auto found = x.shop.catalog.borrow(x.until)->deliveries(webhook.store_id, webhook.id, page);
  json::writer out;
  out.begin_object().key("deliveries").begin_array();
  for (const auto& row : found.rows)
    write_delivery(out, row);
  out.end_array();
  if (!page.after)
    out.field("page", page.page);
  out.field("limit", page.limit).field("total", found.total).field("has_more", found.more).end_object();
  auto answer = ok(std::move(out).text());
  const auto last = found.rows.empty() ? std::string{} : found.rows.back().id.str();
  const auto path = fmt::format("/stores/{}/webhooks/{}/deliveries", webhook.store_id.str(), webhook.id.str());
  if (auto link = link_header(path, page, found.more, last); !link.empty())
    answer.headers.emplace_back("Link", std::move(link));
  return answer;
}

response redeliver(exchange& x) {
  if (!x.asked.body.empty())
    (void)json::document{x.asked.body}.root({});
  json::writer out;
  write_delivery(out, x.shop.actors.redeliver_webhook({x.by, x.id("store_id"), x.id("delivery_id")}, x.until).take());
  auto answer = ok(std::move(out).text());
  answer.status = 202;
  return answer;
}

constexpr std::array rows{
  route{"POST", "/stores/{store_id}/webhooks", access::merchant, body_kind::json, make_webhook},
  route{"GET", "/stores/{store_id}/webhooks", access::merchant, body_kind::none, list_webhooks},
  route{"GET", "/stores/{store_id}/webhooks/{webhook_id}", access::merchant, body_kind::none, get_webhook},
  route{"PATCH", "/stores/{store_id}/webhooks/{webhook_id}", access::merchant, body_kind::json, change_webhook},
  route{"DELETE", "/stores/{store_id}/webhooks/{webhook_id}", access::merchant, body_kind::none, remove_webhook},
  route{"POST", "/stores/{store_id}/webhooks/{webhook_id}/rotate-secret", access::merchant, body_kind::json, rotate_secret},
  route{"GET", "/stores/{store_id}/webhooks/{webhook_id}/deliveries", access::merchant, body_kind::none, deliveries},
  route{"POST", "/stores/{store_id}/webhook-deliveries/{delivery_id}/redeliver", access::merchant, body_kind::json, redeliver},
};

} // namespace

std::span<const route> webhooks() {
  return rows;
}

} // namespace souk::http::routes
