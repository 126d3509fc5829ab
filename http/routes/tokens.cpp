// A merchant's API tokens: each reaches one store.

#include "http/auth/token.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>

namespace souk::http::routes {

namespace {

constexpr std::string_view hex = "0123456789abcdef";

/// A token's public name is the hash that is kept of it: it opens nothing.
std::string id_of(const storage::token_hash& hash) {
  std::string out;
  for (const auto byte : hash) {
    out += hex[byte >> 4];
    out += hex[byte & 15];
  }
  return out;
}

void write_token(json::writer& out, const storage::session_row& row, const std::string& text) {
  out.begin_object().field("token_id", id_of(row.hash));
  if (!text.empty())
    out.field("token", text);
  out.field("store_id", row.store_id)
    .field("label", row.label)
    .field("created_at", row.created_at)
    .field("expires_at", row.expires_at)
    .end_object();
}

response make_api_token(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"label", "expires_in_days"});
  const auto token = make_token(x.by.user);
  const auto now = x.shop.base.time.now();
  storage::session_row row;
  row.hash = token.hash;
  row.user_id = x.by.user;
  row.kind = storage::session_kind::api;
  row.store_id = x.id("store_id");
  row.label = f.text("label", {1, 100});
  row.created_at = now;
  row.expires_at = now + std::chrono::days{f.maybe_integer("expires_in_days", 1, 3650).value_or(365)};
  x.shop.actors.open_session(x.by.user, {row}, x.until).take();
  json::writer out;
  write_token(out, row, token.text);
  return created(std::move(out).text(), "/stores/" + row.store_id.str() + "/tokens/" + id_of(row.hash));
}

response list_api_tokens(exchange& x) {
  const auto rows = x.shop.actors.list_api_tokens(x.by.user, {x.by, x.id("store_id")}, x.until).take();
  json::writer out;
  out.begin_object().key("tokens").begin_array();
  for (const auto& row : rows)
    write_token(out, row, {});
  out.end_array().end_object();
  return ok(std::move(out).text());
}

response revoke_api_token(exchange& x) {
  const auto rows = x.shop.actors.list_api_tokens(x.by.user, {x.by, x.id("store_id")}, x.until).take();
  const auto row =
    std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return id_of(r.hash) == x.token_id; });
  if (row == rows.end())
    throw refusal{.why = actors::errc::not_found, .message = "There is no such token of this store."};
  x.shop.actors.close_session(x.by.user, {x.by, row->hash}, x.until).take();
  x.shop.forget_session(row->hash);
  return no_content();
}

constexpr std::array rows{
  route{"POST", "/stores/{store_id}/tokens", access::merchant_login, body_kind::json, make_api_token},
  route{"GET", "/stores/{store_id}/tokens", access::merchant_login, body_kind::none, list_api_tokens},
  route{"DELETE", "/stores/{store_id}/tokens/{token_id}", access::merchant_login, body_kind::none,
        revoke_api_token},
};

} // namespace

std::span<const route> tokens() {
  return rows;
}

} // namespace souk::http::routes
