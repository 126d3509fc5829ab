#include "http/access.hpp"

#include "http/auth/token.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace souk::http {

namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> all;
  if (path.empty() || path.front() != '/')
    return all;
  path.remove_prefix(1);
  while (true) {
    const auto end = path.find('/');
    all.push_back(path.substr(0, end));
    if (end == std::string_view::npos)
      return all;
    path.remove_prefix(end + 1);
  }
}

struct compiled {
  const route* to;
  std::vector<std::string_view> segments;
};

/// Routes by their first segment and length: a handful each.
using route_index = std::map<std::pair<std::string_view, std::size_t>, std::vector<compiled>>;

route_index build_index() {
  route_index index;
  for (const auto& r : all_routes()) {
    auto segments = segments_of(r.pattern);
    const std::pair key{segments.front(), segments.size()};
    index[key].push_back({&r, std::move(segments)});
  }
  return index;
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{');
}

bool fits(const compiled& candidate, const std::vector<std::string_view>& path, matched& out) {
  out.ids.clear();
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto segment = candidate.segments[i];
    if (!is_parameter(segment)) {
      if (segment != path[i])
        return false;
      continue;
    }
    const auto name = segment.substr(1, segment.size() - 2);
    if (name == "token_id" || name == "code") {
      if (path[i].empty())
        return false;
      out.token_id = path[i];
      continue;
    }
    const auto id = storage::ulid::parse(path[i]);
    if (!id || id->is_nil()) // what is no id names nothing
      return false;
    out.ids.emplace_back(name, *id);
  }
  return true;
}

} // namespace

matched match(std::string_view method, std::string_view path) {
  static const route_index index = build_index();
  matched out;
  const auto segments = segments_of(path);
  if (segments.empty())
    return out;
  const auto bucket = index.find({segments.front(), segments.size()});
  if (bucket == index.end())
    return out;
  for (const auto& candidate : bucket->second) {
    if (!fits(candidate, segments, out))
      continue;
    if (candidate.to->method == method) {
      out.to = candidate.to;
      return out;
    }
    if (out.allowed.find(candidate.to->method) == std::string::npos) {
      if (!out.allowed.empty())
        out.allowed += ", ";
      out.allowed += candidate.to->method;
      if (candidate.to->method == "GET")
        out.allowed += ", HEAD";
    }
  }
  return out;
}

void authenticate(exchange& x) {
  if (x.asked.authorization.empty())
    return;
  const auto bearer = bearer_in(x.asked.authorization);
  const auto token = bearer ? parse_token(*bearer) : std::nullopt;
  if (!token)
    throw refusal{.why = errc::unauthenticated,
                  .message = "The Authorization header holds no bearer token of souk's."};
  auto& sessions = x.shop.sessions;
  const auto cached = sessions.find(token->hash);
  if (cached.known && cached.known->expires_at > x.shop.base.time.now()) {
    x.by = cached.known->by;
    return;
  }
  auto session = x.shop.actors.authenticate(token->user, token->hash, x.until);
  if (session.refused_with(actors::errc::bad_credentials) || session.refused_with(actors::errc::not_found))
    throw refusal{.why = errc::unauthenticated,
                  .message = "The token is unknown, expired or was logged out."};
  const auto row = std::move(session).take();
  x.by = {row.user_id, row.kind, row.store_id};
  sessions.put(token->hash, {x.by, row.expires_at}, cached.ticket);
}

void authorise(exchange& x) {
  using storage::session_kind;
  const auto who = x.to->who;
  if (who == access::anyone)
    return;
  if (x.by.anonymous())
    throw refusal{.why = errc::unauthenticated};
  const auto require = [](bool yes, const char* message) {
    if (!yes)
      throw refusal{.why = actors::errc::forbidden, .message = message};
  };
  const auto kind = x.by.session;
  switch (who) {
    case access::anyone:
    case access::token_holder:
      return;
    case access::shopper:
      return require(kind != session_kind::api, "API tokens do not shop.");
    case access::account:
      return require(kind == session_kind::login, "This needs an account: sign up or log in.");
    case access::self_account:
      require(kind != session_kind::guest, "This needs an account: sign up or log in.");
      [[fallthrough]];
    case access::self:
      return require(x.by.is(x.id("user_id")), "This belongs to another user.");
    case access::merchant_login:
      require(kind != session_kind::api, "This needs the merchant's own log-in, not an API token.");
      [[fallthrough]];
    case access::merchant: {
      const auto store = x.shop.known.store(x.id("store_id"), x.until);
      return require(x.by.manages(store.id, store.owner), "This is for the store's merchant.");
    }
    case access::order_party:
      return;
    case access::order_merchant:
      return require(kind != session_kind::guest, "This is for the store's merchant.");
  }
}

} // namespace souk::http
