// For operators and tools: health, readiness, figures, the description of the API.

#include "http/json/writer.hpp"
#include "http/openapi.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace souk::http::routes {

namespace {

/// The process answers.
response health(exchange&) {
  return ok(R"({"status":"ok"})");
}

/// It can sell. A proxy takes a node that answers 503 for dead and tears its requests; one that says 404 is only sent nothing new.
response ready(exchange& x) {
  const auto now = x.shop.base.ready();
  const bool yes = now.all_shards && now.database;
  json::writer out;
  out.begin_object()
    .field("status", yes ? "ready" : "not_ready")
    .field("shards_owned", std::int32_t{now.shards_owned})
    .field("database", now.database)
    .end_object();
  auto answer = ok(std::move(out).text());
  if (!yes) {
    const bool by_edge = std::any_of(x.query.begin(), x.query.end(), [](const auto& q) { return q.first == "edge"; });
    answer.status = by_edge && now.leaving ? 404 : 503;
    answer.headers.emplace_back("Retry-After", "1");
  }
  return answer;
}

response metrics(exchange& x) {
  response out;
  out.content_type = "text/plain; version=0.0.4; charset=utf-8";
  auto all = x.shop.base.metrics->Collect();
  if (x.shop.base.more_metrics) {
    auto more = x.shop.base.more_metrics();
    all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  out.body = prometheus::TextSerializer{}.Serialize(all);
  return out;
}

/// Nodes, shards, lanes and queues as this node sees them. The edge does not pass it on.
response cluster_status(exchange& x) {
  return ok(x.shop.base.cluster_status ? x.shop.base.cluster_status() : std::string{"{}"});
}

response api_description(exchange&) {
  response out;
  out.body = openapi_document();
  out.headers.emplace_back("Cache-Control", "public, max-age=60");
  return out;
}

constexpr std::array rows{
  route{"GET", "/healthz", access::anyone, body_kind::none, health},
  route{"GET", "/readyz", access::anyone, body_kind::none, ready},
  route{"GET", "/metrics", access::anyone, body_kind::none, metrics},
  route{"GET", "/cluster/status", access::anyone, body_kind::none, cluster_status},
  route{"GET", "/openapi.json", access::anyone, body_kind::none, api_description},
};

} // namespace

std::span<const route> operations() {
  return rows;
}

} // namespace souk::http::routes
