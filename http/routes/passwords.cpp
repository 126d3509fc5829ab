// A password that was forgotten: a link is mailed, and whoever follows it sets another one.

#include "actors/mail/links.hpp"
#include "actors/user/account.hpp"
#include "http/auth/password.hpp"
#include "http/json/fields.hpp"
#include "http/routes/html_page.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <array>
#include <spdlog/spdlog.h>

namespace souk::http::routes {

namespace {

using storage::name_kind;

/// Says the same whether or not there is such a user: who has an account is nobody's business.
response ask(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"email", "language"});
  const auto email = actors::normal_email(f.text("email", {1, 254}));
  if (!actors::is_email(email))
    f.wrong("email", "is not an e-mail address");
  const auto language = f.text_or_empty("language", {0, 2});
  if (!x.shop.base.secrets || !x.shop.base.secrets->ready())
    throw refusal{.why = errc::not_configured, .message = "This shop has no key to sign links with: its operator sets secret_key_file."};
  if (const auto known = x.shop.names.borrow(x.until)->find(name_kind::email, email)) {
    const auto asked = x.shop.actors.ask_password_reset(known->id, {language}, x.until);
    if (!asked && !asked.refused_with(actors::errc::not_found))
      throw asked.why();
  }
  return {.status = 202, .body = R"({"accepted":true})"};
}

refusal link_is_void() {
  return {.why = actors::errc::bad_credentials, .message = "The link was used, or is too old: ask for another one."};
}

/// The form's field, or the JSON body's.
std::string password_in(const exchange& x, bool form) {
  if (!form) {
    const json::document body{x.asked.body};
    return body.root({"password"}).secret("password");
  }
  const auto fields = parsed_query(x.asked.body);
  if (fields)
    for (const auto& [name, value] : *fields)
      if (name == "password")
        return value;
  throw refusal{.why = actors::errc::invalid, .message = "password: is missing", .field = "password"};
}

void set_password(const exchange& x, const std::string& password) {
  const auto token = actors::read_reset_token(x.token_id);
  if (!token || !x.shop.base.secrets)
    throw link_is_void();
  if (auto no = check_password(password))
    throw refusal{.why = actors::errc::invalid, .message = "password: " + no->message, .field = "password"};
  auto old = x.shop.actors.get_credentials(token->user, x.until);
  if (!old && old.refused_with(actors::errc::not_found))
    throw link_is_void();
  const auto hash = std::move(old).take();
  if (!actors::holds(*x.shop.base.secrets, *token, hash, x.shop.base.time.now()))
    throw link_is_void();
  const auto fresh = x.shop.passwords.hash(password);
  if (!fresh)
    throw refusal{.why = errc::overloaded};
  for (const auto& session : x.shop.actors.reset_password(token->user, {hash, *fresh}, x.until).take())
    x.shop.forget_session(session.hash);
}

response follow(exchange& x) {
  const bool form = x.asked.content_type.starts_with("application/x-www-form-urlencoded");
  if (!form) {
    set_password(x, password_in(x, form));
    return no_content();
  }
  try {
    set_password(x, password_in(x, form));
  } catch (const refusal& no) {
    return html_page(rule_of(no.why).status, "A new password", no.message.empty() ? "This did not work." : no.message,
                     R"(<form method="post"><label>New password <input type="password" name="password" minlength="8" required)"
                     R"( autocomplete="new-password"></label> <button>Set password</button></form>)");
  }
  return html_page(200, "A new password", "Your password is set. You can sign in with it now.", {});
}

response page(exchange&) {
  return html_page(200, "A new password", "Choose a new password for your account.",
                   R"(<form method="post"><label>New password <input type="password" name="password" minlength="8" required)"
                   R"( autocomplete="new-password"></label> <button>Set password</button></form>)");
}

constexpr std::array rows{
  route{"POST", "/password-resets", access::anyone, body_kind::json, ask},
  route{"GET", "/password-reset/{token_id}", access::anyone, body_kind::none, page},
  route{"POST", "/password-reset/{token_id}", access::anyone, body_kind::json, follow},
};

} // namespace

std::span<const route> passwords() {
  return rows;
}

} // namespace souk::http::routes
