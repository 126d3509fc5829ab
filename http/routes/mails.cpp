// A store's mails: what was sent, the merchant's own texts, and who does not want any.

#include "actors/mail/desk.hpp"
#include "actors/mail/templates.hpp"
#include "actors/user/account.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/html_page.hpp"
#include "http/routes/lists.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>

namespace souk::http::routes {

namespace {

constexpr actors::text_rule subject_rule{0, 500, actors::lines::one};
constexpr actors::text_rule body_rule{0, 64 * 1024, actors::lines::many};

const char* name_of(storage::mail_state state) {
  switch (state) {
    case storage::mail_state::sent: return "sent";
    case storage::mail_state::suppressed: return "suppressed";
    case storage::mail_state::refused: return "refused";
    case storage::mail_state::bounced: return "bounced";
  }
  return "";
}

response mails(exchange& x) {
  const auto page = page_asked(x);
  const auto found = x.shop.catalog.borrow(x.until)->mails(x.id("store_id"), page);
  return list_of("mails", "/stores/" + x.id("store_id").str() + "/mails", page, found,
                 [](json::writer& out, const storage::mail_row& row) {
                   out.begin_object()
                     .field("mail_id", row.id)
                     .field("name", row.name)
                     .field("email", row.email)
                     .field("subject_id", row.subject_id)
                     .field("status", name_of(row.state))
                     .field_or_null("error", row.error)
                     .field("at", row.at)
                     .end_object();
                 });
}

const actors::mail_templates& templates_of(const exchange& x) {
  if (!x.shop.base.mail_templates)
    throw refusal{.why = errc::not_configured};
  return *x.shop.base.mail_templates;
}

/// "order_confirmed.de" in the path: a mail and a language.
struct chosen {
  std::string name;
  std::string language;
  actors::mail_text standard;
};
chosen chosen_in(const exchange& x) {
  const auto dot = x.token_id.find('.');
  chosen out{x.token_id.substr(0, dot), dot == std::string::npos ? "" : x.token_id.substr(dot + 1), {}};
  const auto standard = templates_of(x).defaults(out.name, out.language);
  if (!standard)
    throw refusal{.why = actors::errc::not_found, .message = "There is no such mail in that language."};
  out.standard = *standard;
  return out;
}

void write_template(json::writer& out, const std::string& name, const std::string& language, const actors::mail_text& standard,
                    const storage::mail_template_row* own) {
  auto or_standard = [](const std::string& text, const std::string& otherwise) { return text.empty() ? otherwise : text; };
  out.begin_object()
    .field("template_id", name + "." + language)
    .field("name", name)
    .field("language", language)
    .field("own", own != nullptr)
    .field("subject", own == nullptr ? standard.subject : or_standard(own->subject, standard.subject))
    .field("html", own == nullptr ? standard.html : or_standard(own->html, standard.html))
    .field("text", own == nullptr ? standard.text : or_standard(own->text, standard.text))
    .end_object();
}

response templates(exchange& x) {
  const auto& all = templates_of(x);
  const auto own = x.shop.catalog.borrow(x.until)->mail_templates(x.id("store_id"));
  json::writer out;
  out.begin_object().key("templates").begin_array();
  for (const auto& name : all.names())
    for (const auto& language : all.languages())
      if (const auto standard = all.defaults(name, language)) {
        const auto at = std::find_if(own.begin(), own.end(), [&](const auto& r) { return r.name == name && r.language == language; });
        write_template(out, name, language, *standard, at == own.end() ? nullptr : &*at);
      }
  out.end_array().end_object();
  return ok(std::move(out).text());
}

actors::mail_text text_in(const exchange& x, const chosen& what) {
  const json::document body{x.asked.body};
  const auto f = body.root({"subject", "html", "text"});
  actors::mail_text own{f.text_or_empty("subject", subject_rule), f.text_or_empty("html", body_rule),
                        f.text_or_empty("text", body_rule)};
  if (const auto no = templates_of(x).check(what.name, own); !no.empty())
    throw refusal{.why = actors::errc::invalid, .message = no, .field = "html"};
  return own;
}

response put_template(exchange& x) {
  const auto what = chosen_in(x);
  const auto own = text_in(x, what);
  storage::mail_template_row row;
  row.store_id = x.id("store_id");
  row.name = what.name;
  row.language = what.language;
  row.subject = own.subject;
  row.html = own.html;
  row.text = own.text;
  x.shop.actors.change_mail_template({x.by, row, false}, x.until).take();
  json::writer out;
  write_template(out, what.name, what.language, what.standard, &row);
  return ok(std::move(out).text());
}

response delete_template(exchange& x) {
  const auto what = chosen_in(x);
  storage::mail_template_row row;
  row.store_id = x.id("store_id");
  row.name = what.name;
  row.language = what.language;
  x.shop.actors.change_mail_template({x.by, row, true}, x.until).take();
  return no_content();
}

response preview(exchange& x) {
  const auto what = chosen_in(x);
  const auto own = text_in(x, what);
  const auto store = x.shop.actors.get_store(x.id("store_id"), x.until).take();
  const auto shown = templates_of(x).preview(store, what.name, what.language, own);
  if (!shown.error.empty())
    throw refusal{.why = actors::errc::invalid, .message = shown.error, .field = "html"};
  json::writer out;
  out.begin_object().field("subject", shown.mail.subject).field("html", shown.mail.html).field("text", shown.mail.text).end_object();
  return ok(std::move(out).text());
}

response lift(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"email"});
  const auto email = actors::normal_email(f.text("email", {1, 254}));
  x.shop.actors.lift_suppression({x.by, x.id("store_id"), email}, x.until).take();
  return no_content();
}

// -- what others say about mails ---

void heard(actors::desk_answer said) {
  if (said == actors::desk_answer::refused)
    throw refusal{.why = errc::bad_signature};
  if (said == actors::desk_answer::later)
    throw refusal{.why = runtime::errc::unavailable};
}

response sendgrid_event(exchange& x) {
  if (!x.shop.base.mail_desk)
    throw refusal{.why = errc::not_configured};
  heard(x.shop.base.mail_desk->provider_event(x.asked.headers, x.asked.body));
  return ok(R"({"received":true})");
}

/// A link must not unsubscribe by being looked at: mail scanners follow links.
response unsubscribe_page(exchange&) {
  return html_page(200, "Unsubscribe", "Do you want no more reminders and news from this shop? Mails about your orders still come.",
                   R"(<form method="post"><button>Unsubscribe</button></form>)");
}

response unsubscribe(exchange& x) {
  if (!x.shop.base.mail_desk)
    throw refusal{.why = errc::not_configured};
  const auto said = x.shop.base.mail_desk->unsubscribe(x.token_id);
  if (said == actors::desk_answer::refused)
    return html_page(404, "Unsubscribe", "This link is not one of ours.", {});
  heard(said);
  return html_page(200, "Unsubscribe", "Done: you get no more reminders and news from this shop.", {});
}

constexpr std::array rows{
  route{"GET", "/stores/{store_id}/mails", access::merchant, body_kind::none, mails},
  route{"GET", "/stores/{store_id}/mail-templates", access::merchant, body_kind::none, templates},
  route{"PUT", "/stores/{store_id}/mail-templates/{token_id}", access::merchant, body_kind::json, put_template},
  route{"DELETE", "/stores/{store_id}/mail-templates/{token_id}", access::merchant, body_kind::none, delete_template},
  route{"POST", "/stores/{store_id}/mail-templates/{token_id}/preview", access::merchant, body_kind::json, preview},
  route{"POST", "/stores/{store_id}/mail-suppressions/lift", access::merchant, body_kind::json, lift},
  route{"POST", "/webhooks/sendgrid", access::anyone, body_kind::any, sendgrid_event},
  route{"GET", "/unsubscribe/{token_id}", access::anyone, body_kind::none, unsubscribe_page},
  route{"POST", "/unsubscribe/{token_id}", access::anyone, body_kind::any, unsubscribe},
};

} // namespace

std::span<const route> mail() {
  return rows;
}

} // namespace souk::http::routes
