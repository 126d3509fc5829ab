#include "integrations/payment/paypal_gateway.hpp"

#include "integrations/payment/paypal_answers.hpp"
#include "integrations/payment/paypal_money.hpp"
#include "integrations/provider_http/account_secrets.hpp"
#include "integrations/provider_http/card_numbers.hpp"
#include "integrations/provider_http/json_fields.hpp"

#include <algorithm>

namespace souk::integrations {

using actors::charge;
using actors::gateway_answer;
using actors::gateway_status;
using nlohmann::json;

namespace {

constexpr std::size_t brand_max = 127; // characters, PayPal's limit

gateway_answer rejected(std::string code, std::string reference = {}) {
  return {gateway_status::rejected, std::move(reference), std::move(code), {}};
}

/// An id goes into a path as it is.
bool is_id(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char ch) { return std::isalnum(ch) || ch == '-'; });
}

std::string written(const json& body) {
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

json money(const std::string& value, const std::string& currency) {
  return {{"currency_code", currency}, {"value", value}};
}

json order_body(const charge& c, const std::string& value) {
  json context{{"return_url", c.return_url}, {"cancel_url", c.return_url}, {"user_action", "PAY_NOW"},
               {"shipping_preference", "NO_SHIPPING"}};
  auto shop = without_card_numbers(c.store_name);
  if (!shop.empty() && shop.size() <= brand_max)
    context["brand_name"] = shop;
  return {{"intent", c.account.manual_capture ? "AUTHORIZE" : "CAPTURE"},
          {"purchase_units", json::array({{{"reference_id", c.attempt_id.str()},
                                           {"custom_id", c.order_id.str()},
                                           {"invoice_id", c.order_id.str()}, // PayPal takes money for an invoice once
                                           {"description", "Order " + std::to_string(c.order_number)},
                                           {"amount", money(value, c.currency)}}})},
          {"payment_source", {{"paypal", {{"experience_context", context}}}}}};
}

} // namespace

paypal_gateway::paypal_gateway(const std::string& base_url, std::chrono::milliseconds time_limit,
                               std::shared_ptr<const actors::secret_box> box, client_tuning tuning)
  : api_{base_url, tuning}, time_limit_{time_limit}, box_{std::move(box)} {
  // nop
}

std::optional<paypal_gateway::access> paypal_gateway::open(const storage::ulid& store, const storage::payment_account& account,
                                                           std::chrono::milliseconds limit) const {
  auto secrets = open_account(box_.get(), store, "paypal", account.sealed);
  auto secret = secrets ? text_at(*secrets, "client_secret") : std::string{};
  if (secret.empty() || account.public_key.empty())
    return std::nullopt;
  return access{account_name(account.public_key + ':' + secret), account.public_key, secret, paypal_api::clock::now() + limit};
}

/// Without an account nothing can be sent; and whatever goes wrong here (memory, say), nobody knows what PayPal did.
template <class Call>
gateway_answer paypal_gateway::as_merchant(const charge& c, Call call) noexcept {
  try {
    if (auto who = open(c.store_id, c.account, time_limit_))
      return call(*who);
    return {gateway_status::not_now, c.reference, "no_account", {}};
  } catch (...) {
    return {};
  }
}

paypal_gateway::found paypal_gateway::find(const access& who, const charge& c) {
  if (!is_id(c.reference))
    return {false, {}, {gateway_status::unknown, {}, "bad_reference", {}}};
  auto got = api_.get(who, "/v2/checkout/orders/" + c.reference);
  if (got.ok())
    return {true, std::move(got.body), {}};
  if (got.status == 404) // PayPal forgets orders that nobody approved for hours
    return {false, {}, {gateway_status::cancelled, c.reference, "order_expired", {}}};
  return {false, {}, no_news(got, c.reference)};
}

gateway_answer paypal_gateway::as_it_is_now(const access& who, const charge& c) {
  auto payment = find(who, c);
  return payment.there ? answer_of_paypal_order(payment.order, c) : payment.answer;
}

// -- payments -------------------------------------------------------------------

gateway_answer paypal_gateway::authorize(const charge& c) {
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    if (!c.reference.empty())
      return query(c);
    if (holds_card_number(c.method_token))
      return rejected("card_number");
    if (!is_web_address(c.return_url))
      return rejected("no_return_url");
    auto value = to_paypal_value(c.amount, c.currency);
    if (!value)
      return rejected("amount_unsupported");
    auto body = written(order_body(c, *value));
    // A request id stands for one body: another body (a setting has changed) needs another one.
    auto got = api_.post(who, "/v2/checkout/orders", body, c.attempt_id.str() + "-order-" + fingerprint(body));
    if (got.ok())
      return answer_of_paypal_order(got.body, c);
    if (got.refused() || got.unauthorized()) // nobody was sent to PayPal: nothing can have been paid
      return rejected(got.unauthorized() ? "bad_credentials" : got.issue());
    return no_news(got, {});
  });
}

gateway_answer paypal_gateway::query(const charge& c) {
  if (c.reference.empty())
    return {gateway_status::not_found, {}, {}, {}};
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    auto payment = find(who, c);
    return payment.there ? go_on(who, c, payment.order) : payment.answer;
  });
}

/// Takes the money of an approved order, or has it promised.
gateway_answer paypal_gateway::go_on(const access& who, const charge& c, const json& order) {
  auto before = answer_of_paypal_order(order, c);
  if (before.status != gateway_status::processing || text_at(order, "status") != "APPROVED")
    return before;
  const std::string verb = text_at(order, "intent") == "AUTHORIZE" ? "authorize" : "capture";
  auto got = api_.post(who, "/v2/checkout/orders/" + before.reference + "/" + verb, "{}", c.attempt_id.str() + "-" + verb);
  if (got.ok() && !paypal_payments(got.body, verb == "capture" ? "captures" : "authorizations").empty())
    return answer_of_paypal_order(got.body, c);
  if (!got.ok() && !got.refused())
    return no_news(got, before.reference);
  // Refused, or already done by another call. When the shopper's card was declined, the order waits for another one of his.
  auto now = as_it_is_now(who, c);
  if (now.status == gateway_status::processing && got.refused() && got.issue() != "ORDER_NOT_APPROVED")
    return rejected(got.issue(), before.reference);
  if (now.status == gateway_status::requires_action)
    now.code = got.issue();
  return now;
}

gateway_answer paypal_gateway::capture(const charge& c) {
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    auto payment = find(who, c);
    auto before = payment.there ? answer_of_paypal_order(payment.order, c) : payment.answer;
    if (before.status != gateway_status::authorized)
      return before;
    auto value = to_paypal_value(c.captures, c.currency);
    if (!value || c.captures > c.amount) // PayPal would take up to 15 % more; a shopper did not agree to that
      return rejected("amount_unsupported", before.reference);
    auto id = text_at(paypal_payments(payment.order, "authorizations").front(), "id");
    json body{{"amount", money(*value, c.currency)}, {"final_capture", true}};
    auto got = api_.post(who, "/v2/payments/authorizations/" + percent_encoded(id) + "/capture", written(body),
                         c.attempt_id.str() + "-capture-" + std::to_string(c.captures));
    if (!got.ok() && !got.refused())
      return no_news(got, before.reference);
    auto now = as_it_is_now(who, c);
    if (got.refused() && now.status == gateway_status::authorized)
      return rejected(got.issue(), before.reference);
    return now;
  });
}

gateway_answer paypal_gateway::cancel(const charge& c) {
  if (c.reference.empty()) // nobody was ever sent to it
    return {gateway_status::cancelled, {}, {}, {}};
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    auto payment = find(who, c);
    if (!payment.there)
      return payment.answer;
    auto before = answer_of_paypal_order(payment.order, c);
    if (before.status == gateway_status::authorized)
      return let_go(who, c, text_at(paypal_payments(payment.order, "authorizations").front(), "id"));
    bool open = before.status == gateway_status::requires_action
             || (before.status == gateway_status::processing && text_at(payment.order, "status") == "APPROVED");
    if (!open)
      return before;
    json mark{{"op", "replace"},
              {"path", "/purchase_units/@reference_id=='" + c.attempt_id.str() + "'/invoice_id"},
              {"value", paypal_cancelled_mark(c)}};
    auto got = api_.patch(who, "/v2/checkout/orders/" + before.reference, json::array({mark}));
    if (!got.ok() && !got.refused())
      return no_news(got, before.reference);
    return as_it_is_now(who, c); // it may have been captured in the last moment
  });
}

gateway_answer paypal_gateway::let_go(const access& who, const charge& c, const std::string& authorization) {
  auto got = api_.post(who, "/v2/payments/authorizations/" + percent_encoded(authorization) + "/void", "{}",
                       c.attempt_id.str() + "-void");
  if (got.ok())
    return {gateway_status::cancelled, c.reference, {}, {}};
  return got.refused() ? as_it_is_now(who, c) : no_news(got, c.reference);
}

// -- refunds --------------------------------------------------------------------

gateway_answer paypal_gateway::refund(const charge& c) {
  if (!c.refund_reference.empty())
    return query_refund(c);
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    auto known = [&](const json& order) -> const json* {
      for (const auto& refund : paypal_payments(order, "refunds"))
        if (text_at(refund, "invoice_id") == c.refund_id.str())
          return &refund;
      return nullptr;
    };
    auto payment = find(who, c);
    if (!payment.there)
      return payment.answer.status == gateway_status::not_now ? payment.answer : gateway_answer{};
    if (const auto* refund = known(payment.order))
      return answer_of_paypal_refund(*refund, c);
    auto value = to_paypal_value(c.refunds, c.currency);
    std::string id;
    for (const auto& capture : paypal_payments(payment.order, "captures"))
      id = text_at(capture, "id");
    if (!value || id.empty())
      return rejected(value ? "nothing_to_refund" : "amount_unsupported", c.reference);
    json body{{"amount", money(*value, c.currency)}, {"invoice_id", c.refund_id.str()}};
    auto got = api_.post(who, "/v2/payments/captures/" + percent_encoded(id) + "/refund", written(body), c.refund_id.str());
    if (got.ok() && !text_at(got.body, "status").empty())
      return answer_of_paypal_refund(got.body, c);
    if (!got.ok() && !got.refused())
      return no_news(got, c.reference);
    auto now = find(who, c);
    if (!now.there)
      return {};
    if (const auto* refund = known(now.order))
      return answer_of_paypal_refund(*refund, c);
    return rejected(got.issue(), c.reference);
  });
}

gateway_answer paypal_gateway::query_refund(const charge& c) {
  if (c.refund_reference.empty())
    return refund(c); // under its id it is done once
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    auto got = api_.get(who, "/v2/payments/refunds/" + percent_encoded(c.refund_reference));
    return got.ok() ? answer_of_paypal_refund(got.body, c) : no_news(got, c.reference);
  });
}

} // namespace souk::integrations
