#include "integrations/payment/paypal_money.hpp"
#include "integrations/payment/stripe_api.hpp"
#include "integrations/payment/stripe_money.hpp"
#include "integrations/payment/stripe_signature.hpp"

#include <catch2/catch.hpp>

using namespace souk::integrations;

namespace {

// Made with `printf '%s' "1700000000.$body" | openssl dgst -sha256 -hmac whsec_test_secret`.
const std::string body = R"({"id":"evt_1","object":"event"})";
const std::string good = "0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd";
constexpr std::int64_t at = 1'700'000'000;

bool holds(const std::string& header, std::vector<std::string> secrets = {"whsec_test_secret"}, std::int64_t now = at,
           const std::string& text = body) {
  return stripe_signature_holds(header, text, secrets, now);
}

} // namespace

TEST_CASE("Stripe's signature holds for its body, its time and its secret", "[stripe]") {
  const auto header = "t=1700000000,v1=" + good;
  CHECK(holds(header));
  CHECK(holds(header, {"whsec_new", "whsec_test_secret"}));
  CHECK(holds("t=1700000000,v1=" + std::string(64, '0') + ",v1=" + good + ",v0=" + good));
  CHECK(holds("v1=" + good + ", t=1700000000"));
  CHECK(holds(header, {"whsec_test_secret"}, at + 300));
  CHECK(holds(header, {"whsec_test_secret"}, at - 300));
}

TEST_CASE("nothing else is a signature of Stripe's", "[stripe]") {
  const auto header = "t=1700000000,v1=" + good;
  CHECK_FALSE(holds(header, {"whsec_test_secret"}, at + 301));
  CHECK_FALSE(holds(header, {"whsec_test_secret"}, at - 301));
  CHECK_FALSE(holds(header, {"whsec_other"}));
  CHECK_FALSE(holds(header, {""}));
  CHECK_FALSE(holds(header, {}));
  CHECK_FALSE(holds(header, {"whsec_test_secret"}, at, body + " "));
  CHECK_FALSE(holds("t=1700000001,v1=" + good));
  CHECK_FALSE(holds("t=1700000000,v0=" + good)); // the scheme of test events, which anybody can have
  CHECK_FALSE(holds("t=1700000000,v1=" + good.substr(0, 62)));
  CHECK_FALSE(holds("t=1700000000,v1=" + good + "00"));
  CHECK_FALSE(holds("t=1700000000x,v1=" + good));
  for (const char* junk : {"", ",", "t=", "v1=", "t=1700000000", "t=1700000000,v1=", "t=99999999999999999999,v1=00", "=,=,="})
    CHECK_FALSE(holds(junk));
}

TEST_CASE("an empty secret signs nothing", "[stripe]") {
  // The right signature under the empty key, which anybody can make.
  CHECK_FALSE(holds("t=1700000000,v1=0d17fe88d3c7334149a7322db918de47cc9f5bd15de2bd0a2de56250f2ed247b", {""}));
}

TEST_CASE("Stripe counts currencies in its own way", "[stripe]") {
  CHECK(to_stripe_amount(1999, "EUR") == 1999);
  CHECK(to_stripe_amount(1999, "JPY") == 1999);
  CHECK(to_stripe_amount(5000, "UGX") == 500000);
  CHECK(to_stripe_amount(700, "ISK") == 70000);
  CHECK(to_stripe_amount(500000, "MGA") == 5000);
  CHECK_FALSE(to_stripe_amount(500050, "MGA"));
  CHECK(to_stripe_amount(12340, "KWD") == 12340);
  CHECK_FALSE(to_stripe_amount(12345, "KWD"));
  for (const char* currency : {"EUR", "JPY", "UGX", "ISK", "MGA", "KWD", "XOF"})
    CHECK(from_stripe_amount(*to_stripe_amount(123400, currency), currency) == 123400);
}

TEST_CASE("PayPal writes decimals", "[paypal]") {
  CHECK(to_paypal_value(1999, "EUR") == "19.99");
  CHECK(to_paypal_value(5, "USD") == "0.05");
  CHECK(to_paypal_value(1999, "JPY") == "1999");
  CHECK(to_paypal_value(500000, "HUF") == "5000");
  CHECK_FALSE(to_paypal_value(500050, "HUF"));
  CHECK(from_paypal_value("19.99", "EUR") == 1999);
  CHECK(from_paypal_value("5000", "HUF") == 500000);
  CHECK(from_paypal_value("-5.00", "EUR") == -500);
  CHECK_FALSE(from_paypal_value("19.999", "EUR"));
  CHECK_FALSE(from_paypal_value("", "EUR"));
}

TEST_CASE("Stripe says what is worth another try", "[stripe]") {
  auto reply = [](int status, std::map<std::string, std::string> headers = {}) { return http_reply{status, std::move(headers), {}}; };
  for (int status : {0, 409, 429, 500, 502, 503})
    CHECK(stripe_retry(reply(status)));
  for (int status : {200, 302, 400, 401, 402, 403, 404})
    CHECK_FALSE(stripe_retry(reply(status)));
  CHECK(stripe_retry(reply(400, {{"stripe-should-retry", "true"}})));
  CHECK_FALSE(stripe_retry(reply(500, {{"stripe-should-retry", "false"}})));
  CHECK_FALSE(stripe_retry(reply(500, {{"idempotent-replayed", "true"}})));
}

TEST_CASE("a form of Stripe's names what is nested", "[stripe]") {
  stripe_form form;
  form.add("amount", 1999).add("metadata[order_id]", "a&b").add_some("note", "").add_some("name", "x");
  CHECK(form.text() == "amount=1999&metadata%5Border_id%5D=a%26b&name=x");
}
