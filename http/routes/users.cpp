// Accounts, guests, log-in and log-out.

#include "http/auth/token.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include "actors/user/account.hpp"
#include "storage/error.hpp"

#include <array>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace souk::http::routes {

namespace {

using storage::name_kind;

struct fresh_session {
  std::string token;
  storage::session_row row;
};

fresh_session new_session(const exchange& x, const storage::ulid& user, storage::session_kind kind) {
  auto token = make_token(user);
  const auto now = x.shop.base.time.now();
  return {std::move(token.text),
          {.hash = token.hash,
           .user_id = user,
           .kind = kind,
           .store_id = {},
           .label = {},
           .created_at = now,
           .expires_at = now + x.shop.base.settings.session_days}};
}

std::string session_json(const actors::user_view& view, const fresh_session& session) {
  json::writer out;
  out.begin_object()
    .field("user_id", view.user.id)
    .field("token", session.token)
    .field("expires_at", session.row.expires_at);
  if (view.user.kind == storage::user_kind::registered)
    out.field("email", view.user.email).field("name", view.user.name);
  out.end_object();
  return std::move(out).text();
}

response sign_up(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"email", "password", "name"});
  const auto email = actors::normal_email(f.text("email", {1, 254}));
  if (!actors::is_email(email))
    f.wrong("email", "is not an e-mail address");
  const auto password = f.secret("password");
  if (auto no = check_password(password))
    f.wrong("password", no->message);
  const auto name = f.text("name", {1, 200});

  const auto user = x.shop.base.ids.fresh();
  // The name is claimed before the user exists and confirmed after: a crash in between leaves a claim that a
  // sweeper settles.
  if (x.shop.names.borrow(x.until)->claim(name_kind::email, email, user).id != user)
    throw refusal{.why = actors::errc::email_taken, .field = "email"};
  const auto give_back = [&] {
    try {
      x.shop.names.borrow(x.until)->release(name_kind::email, email, user);
    } catch (const std::exception& e) {
      spdlog::warn("a claimed e-mail waits for the sweeper: {}", e.what());
    }
  };
  const auto hash = x.shop.passwords.hash(password);
  if (!hash) {
    give_back();
    throw refusal{.why = errc::overloaded};
  }
  const auto session = new_session(x, user, storage::session_kind::login);
  auto made = x.shop.actors.sign_up(user,
                                    {.user = {.id = user,
                                              .kind = storage::user_kind::registered,
                                              .email = email,
                                              .name = name,
                                              .password_hash = *hash,
                                              .version = 1,
                                              .created_at = session.row.created_at},
                                     .session = session.row},
                                    x.until);
  if (!made) {
    if (std::holds_alternative<actors::errc>(made.why().why)) // anything else may have been done after all
      give_back();
    throw made.why();
  }
  try {
    x.shop.names.borrow(x.until)->confirm(name_kind::email, email, user);
  } catch (const std::exception& e) {
    spdlog::warn("a confirmed e-mail waits for the sweeper: {}", e.what());
  }
  return created(session_json(*made, session), "/users/" + user.str());
}

response log_in(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"email", "password"});
  const auto email = actors::normal_email(f.text("email", {1, 254}));
  const auto password = f.secret("password");
  const refusal wrong{.why = actors::errc::bad_credentials, .message = "E-mail or password is wrong."};

  const auto known = x.shop.names.borrow(x.until)->find(name_kind::email, email);
  std::optional<bool> right;
  if (known) {
    auto hash = x.shop.actors.get_credentials(known->id, x.until);
    if (hash)
      right = x.shop.passwords.verify(*hash, password);
    else if (hash.refused_with(actors::errc::not_found))
      right = x.shop.passwords.verify_nobody(password);
    else
      throw hash.why();
  } else
    right = x.shop.passwords.verify_nobody(password);
  if (!right)
    throw refusal{.why = errc::overloaded};
  if (!*right)
    throw wrong;
  const auto session = new_session(x, known->id, storage::session_kind::login);
  const auto view = x.shop.actors.open_session(known->id, {session.row}, x.until).take();
  return created(session_json(view, session), "/users/" + known->id.str());
}

response log_out(exchange& x) {
  const auto token = parse_token(*bearer_in(x.asked.authorization));
  x.shop.actors.close_session(token->user, {x.by, token->hash}, x.until).take();
  x.shop.forget_session(token->hash);
  return no_content();
}

response come_in_as_guest(exchange& x) {
  if (!x.asked.body.empty())
    (void)json::document{x.asked.body}.root({});
  const auto user = x.shop.base.ids.fresh();
  const auto session = new_session(x, user, storage::session_kind::guest);
  storage::user_row row;
  row.id = user;
  row.kind = storage::user_kind::guest;
  row.created_at = session.row.created_at;
  const auto view = x.shop.actors.sign_up(user, {std::move(row), session.row}, x.until).take();
  return created(session_json(view, session), "/users/" + user.str());
}

response read_user(exchange& x) {
  const auto view = x.shop.actors.get_user(x.id("user_id"), x.by, x.until).take();
  json::writer out;
  out.begin_object()
    .field("user_id", view.user.id)
    .field("kind", view.user.kind == storage::user_kind::guest ? "guest" : "registered")
    .field_or_null("email", view.user.email)
    .field_or_null("name", view.user.name)
    .field("created_at", view.user.created_at)
    .key("carts")
    .begin_array();
  for (const auto& cart : view.carts)
    out.begin_object()
      .field("store_id", cart.store_id)
      .field("cart_id", cart.cart_id)
      .field("touched_at", cart.touched_at)
      .end_object();
  out.end_array().end_object();
  return ok(std::move(out).text());
}

constexpr std::array rows{
  route{"POST", "/users", access::anyone, body_kind::json, sign_up},
  route{"GET", "/users/{user_id}", access::self, body_kind::none, read_user},
  route{"POST", "/sessions", access::anyone, body_kind::json, log_in},
  route{"DELETE", "/sessions", access::token_holder, body_kind::none, log_out},
  route{"POST", "/guests", access::anyone, body_kind::json, come_in_as_guest},
};

} // namespace

std::span<const route> users() {
  return rows;
}

} // namespace souk::http::routes
