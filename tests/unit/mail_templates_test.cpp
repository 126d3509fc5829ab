#include "actors/mail/links.hpp"
#include "integrations/mail/mail_composer.hpp"
#include "integrations/mail/mail_data.hpp"
#include "integrations/mail/mime.hpp"
#include "integrations/mail/mustache_text.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace souk;
using namespace std::chrono_literals;
using actors::mail_text;
using Catch::Matchers::Contains;

namespace {

storage::store_row a_store() {
  storage::store_row store;
  store.name = "Käthes <Tee> & Co";
  store.currency = "EUR";
  store.logo_url = "https://cdn.example/logo.png?a=1&b=\"2";
  return store;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++n;
  return n;
}

} // namespace

TEST_CASE("every mail of ours renders in every language", "[mail]") {
  integrations::mail_composer composer;
  CHECK(composer.languages() == std::vector<std::string>{"en", "de", "fr"});
  auto names = composer.names();
  CHECK(names.size() == 12);
  names.push_back("password_reset");
  std::set<std::string> subjects;
  for (const auto& code : composer.languages())
    for (const auto& name : names) {
      INFO(code << " " << name);
      const auto& words = composer.language_of(code);
      REQUIRE(words.code == code);
      auto data = integrations::sample_data(name, words, "EUR");
      data.set("store_name", "Shop");
      auto mail = composer.compose(name, words, {}, data);
      CHECK(subjects.insert(mail.subject).second); // no language left in another
      CHECK(mail.subject.find("{{") == std::string::npos);
      CHECK(mail.html.find("{{") == std::string::npos);
      CHECK(mail.text.find("{{") == std::string::npos);
      CHECK(mail.text.find("[") == std::string::npos);
      CHECK(mail.text.find("\n\n\n") == std::string::npos);
      CHECK(mail.text.front() != '\n');
      CHECK(mail.text.ends_with("\n"));
      CHECK_THAT(mail.html, Contains("<html lang=\"" + code + "\">") && Contains("</html>") && Contains("Shop"));
      CHECK(count(mail.html, "<table") == count(mail.html, "</table>"));
      CHECK(count(mail.html, "<p ") == count(mail.html, "</p>"));
      CHECK(count(mail.html, "<tr>") == count(mail.html, "</tr>"));
      // Every variable of ours has a value in the sample, so nothing reads "Order  has …".
      CHECK(mail.text.find("  ") == std::string::npos);
      if (name != "password_reset") {
        auto own = composer.defaults(name, code);
        REQUIRE(own);
        CHECK(composer.check(name, *own) == "");
        auto preview = composer.preview(a_store(), name, code, *own);
        CHECK(preview.error == "");
      }
    }
}

TEST_CASE("texts of others are escaped in HTML and left alone in text", "[mail]") {
  integrations::mail_composer composer;
  auto preview = composer.preview(a_store(), "order_confirmed", "de", {});
  CHECK_THAT(preview.mail.html, Contains("Teapot &lt;1 l&gt; &amp; lid") && Contains("Käthes &lt;Tee&gt; &amp; Co"));
  CHECK(preview.mail.html.find("<Tee>") == std::string::npos);
  CHECK_THAT(preview.mail.html, Contains("St James&#39;s Square"));
  CHECK(preview.mail.html.find("b=\"2") == std::string::npos);
  CHECK_THAT(preview.mail.text, Contains("1 x Teapot <1 l> & lid: 30,00 EUR") && Contains("2 x Earl Grey, 250 g: 18,00 EUR"));
  CHECK_THAT(preview.mail.text, Contains("Gesamt: 49,90 EUR") && Contains("Rabatt: −3,00 EUR") && Contains("Enthaltene Steuer: 7,97 EUR"));
  CHECK(preview.mail.subject == "Ihre Bestellung 1001 bei Käthes <Tee> & Co");
}

TEST_CASE("a logo that is no web address is left out", "[mail]") {
  auto store = a_store();
  store.logo_url = "javascript:alert(1)";
  integrations::mail_composer composer;
  CHECK(composer.preview(store, "order_confirmed", "en", {}).mail.html.find("<img") == std::string::npos);
}

TEST_CASE("a merchant's template stands in place of ours, part by part", "[mail]") {
  integrations::mail_composer composer;
  mail_text own{"Hooray {{order_number}}", "<p>Hi {{customer_name}}</p>", ""};
  auto mail = composer.preview(a_store(), "order_confirmed", "en", own).mail;
  CHECK(mail.subject == "Hooray 1001");
  CHECK_THAT(mail.html, Contains("<p>Hi Ada Lovelace</p>") && Contains("<!doctype html>"));
  CHECK_THAT(mail.text, Contains("thank you for your order 1001")); // ours
  own.html = "<HTML><body>{{store_name}}</body></HTML>";
  CHECK(composer.preview(a_store(), "order_confirmed", "en", own).mail.html == "<HTML><body>Käthes &lt;Tee&gt; &amp; Co</body></HTML>");
  own.subject = "a\r\nBcc: b{{order_number}}";
  CHECK(composer.preview(a_store(), "order_confirmed", "en", own).mail.subject == "a  Bcc: b1001");
}

TEST_CASE("templates that would do harm are refused in words", "[mail]") {
  integrations::mail_composer composer;
  auto check = [&](const std::string& html) { return composer.check("order_confirmed", {"x", html, ""}); };
  CHECK(check("{{#lines}}{{title}}{{/lines}}{{^tax}}-{{/tax}}{{! a remark }}") == "");
  CHECK_THAT(check("{{customer_name"), Contains("does not end"));
  CHECK_THAT(check("{{#lines}}"), Contains("does not end"));
  CHECK_THAT(check("{{/lines}}"), Contains("not open"));
  CHECK_THAT(check("{{#lines}}{{#tax}}{{/lines}}{{/tax}}"), Contains("not open"));
  CHECK_THAT(check("{{{customer_name}}}"), Contains("not escaped"));
  CHECK_THAT(check("{{&customer_name}}"), Contains("not escaped"));
  CHECK(check("{{ & customer_name}}") != "");
  CHECK(check("{{ {customer_name} }}") != "");
  CHECK_THAT(check("{{=<% %>=}}<%& customer_name %>"), Contains("delimiters"));
  CHECK_THAT(check("{{>content}}"), Contains("another template"));
  CHECK_THAT(check("{{content}}"), Contains("unknown variable"));
  CHECK_THAT(check("{{password}}"), Contains("\"password\""));
  CHECK(check("{{lines.title}}") != "");
  CHECK(check("{{.}}") != "");
  CHECK(check("{{}}") != "");
  CHECK_THAT(check("{{#lines}}{{#lines}}x{{/lines}}{{/lines}}"), Contains("list within a list"));
  CHECK_THAT(check("{{#lines}}{{#tax}}{{#address}}x{{/address}}{{/tax}}{{/lines}}"), Contains("list within a list"));
  std::string deep, ends;
  for (int i = 0; i < 9; ++i) {
    deep += "{{#tax}}";
    ends += "{{/tax}}";
  }
  CHECK_THAT(check(deep + ends), Contains("deeper"));
  CHECK_THAT(check(std::string(70'000, 'x')), Contains("longer"));
  CHECK_THAT(composer.check("order_confirmed", {std::string(501, 'x'), "", ""}), Contains("subject is longer"));
  CHECK_THAT(check("\xff"), Contains("UTF-8"));
  CHECK(composer.check("nothing", {}) != "");
  CHECK(composer.check("password_reset", {}) != "");
  CHECK_THAT(composer.check("cart_abandoned", {"", "<html>buy</html>", ""}), Contains("unsubscribe_url"));
  CHECK(composer.check("cart_abandoned", {"", "<p>buy</p>", ""}) == "");
  CHECK_THAT(composer.preview(a_store(), "order_confirmed", "en", {"", "{{", ""}).error, Contains("does not end"));
}

TEST_CASE("what passes the check can be rendered, whatever it is", "[mail]") {
  const std::vector<std::string> bits{"{{",  "}}",        "{{{",       "}}}",          "{{#lines}}", "{{/lines}}", "{{^tax}}", "{{/tax}}",
                                      "{{#tax}}", "{{title}}", "{{!",  "{{ total }}", "=",          "&",          "{",        "}",
                                      "\n",  "\r\n",      " ",         "\t",           "x",          "{{=<% %>=}}", "<%title%>", "\v"};
  std::minstd_rand random{1};
  integrations::template_data data;
  data.set("total", "1").set("tax", "2");
  data.lists["lines"] = {integrations::template_data{}.set("title", "<a>"), integrations::template_data{}.set("title", "b")};
  int passed = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (auto n = 1 + random() % 10; n > 0; --n)
      text += bits[random() % bits.size()];
    if (!integrations::check_template(text, 1000, integrations::known_variables()).empty())
      continue;
    ++passed;
    INFO(text);
    auto html = integrations::render_template(text, data, integrations::template_kind::html);
    REQUIRE(html.find("<a>") == std::string::npos);
  }
  CHECK(passed > 1000);
}

TEST_CASE("a template cannot make a mail without end", "[mail]") {
  integrations::template_data data;
  for (int i = 0; i < 250; ++i)
    data.lists["lines"].push_back(integrations::template_data{}.set("title", "x"));
  auto tmpl = "{{#lines}}\n" + std::string(60'000, 'x') + "\n{{/lines}}";
  CHECK_THROWS_WITH(integrations::render_template(tmpl, data, integrations::template_kind::html), Contains("too long"));
}

TEST_CASE("the link to a new password is good once, for a while and for one user", "[mail]") {
  actors::secret_box box{{std::string(64, 'a')}}, other{{std::string(64, 'b')}}, rotated{{std::string(64, 'b'), std::string(64, 'a')}};
  auto user = *storage::ulid::parse("01HZX3J8QK0000000000000001");
  storage::timestamp now{std::chrono::seconds{1'700'000'000}};
  auto token = actors::make_reset_token(box, user, "$argon2id$old", now + 1h);
  auto read = actors::read_reset_token(token);
  REQUIRE(read);
  CHECK(read->user == user);
  CHECK(read->expires == now + 1h);
  CHECK(actors::holds(box, *read, "$argon2id$old", now + 59min));
  CHECK(actors::holds(rotated, *read, "$argon2id$old", now));
  CHECK_FALSE(actors::holds(box, *read, "$argon2id$old", now + 1h));
  CHECK_FALSE(actors::holds(box, *read, "$argon2id$new", now));
  CHECK_FALSE(actors::holds(other, *read, "$argon2id$old", now));
  CHECK_FALSE(actors::holds(box, *read, "", now));
  auto later = *read;
  later.expires += 1h;
  CHECK_FALSE(actors::holds(box, later, "$argon2id$old", now));
  auto somebody_else = *read;
  somebody_else.user.bytes[15] ^= 1;
  CHECK_FALSE(actors::holds(box, somebody_else, "$argon2id$old", now));
  for (const auto& bad : {std::string{}, std::string{"."}, token.substr(1), token.substr(0, token.find('.')), "x" + token,
                          std::string(2000, 'a'), std::string{"////.x"}})
    if (auto wrong = actors::read_reset_token(bad))
      CHECK_FALSE(actors::holds(box, *wrong, "$argon2id$old", now));
  CHECK(actors::reset_url("https://shop.example/", "T") == "https://shop.example/password-reset/T");
  CHECK(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos);
}

TEST_CASE("an unsubscribe link names a store and an address that we signed", "[mail]") {
  actors::secret_box box{{std::string(64, 'a')}};
  auto store = *storage::ulid::parse("01HZX3J8QK0000000000000001");
  auto token = actors::make_unsubscribe_token(box, store, "Ada@Example.com");
  auto claim = actors::read_unsubscribe_token(box, token);
  REQUIRE(claim);
  CHECK(claim->store == store);
  CHECK(claim->email == "ada@example.com");
  auto altered = token;
  altered[3] = altered[3] == 'A' ? 'B' : 'A';
  CHECK_FALSE(actors::read_unsubscribe_token(box, altered));
  CHECK_FALSE(actors::read_unsubscribe_token(box, token + "0"));
  CHECK_FALSE(actors::read_unsubscribe_token(box, ""));
  // Neither kind of token passes for the other.
  CHECK_FALSE(actors::read_unsubscribe_token(box, actors::make_reset_token(box, store, "", storage::timestamp{})));
}

TEST_CASE("headers and bodies are written as RFC 2045 to 2047 say", "[mail]") {
  CHECK(integrations::quoted_printable("a=b \nü\t\r\nend ") == "a=3Db=20\r\n=C3=BC=09\r\nend=20");
  CHECK(integrations::encoded_text("plain") == "plain");
  CHECK(integrations::encoded_text("Grüße") == "=?UTF-8?B?R3LDvMOfZQ==?=");
  CHECK(integrations::named_address("A \"B\" \\", "a@b.c") == "\"A \\\"B\\\" \\\\\" <a@b.c>");
  CHECK(integrations::mail_date(storage::timestamp{std::chrono::seconds{1'709'208'000}}) == "Thu, 29 Feb 2024 12:00:00 +0000");
  CHECK(integrations::is_mailbox("shop@localhost"));
  for (const char* bad : {"", "@", "a@", "@b", "a b@c.d", "a@b c", "a@b\r\n", "\"a\"@b.c", "a@b.c,d@e.f", "a@-b", "a@b.", ".a@b", "a@b@c@"})
    CHECK_FALSE(integrations::is_mailbox(bad));
}
