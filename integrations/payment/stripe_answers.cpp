#include "integrations/payment/stripe_answers.hpp"

#include "integrations/payment/stripe_money.hpp"
#include "integrations/provider_http/json_fields.hpp"

namespace souk::integrations {

using actors::charge;
using actors::gateway_answer;
using actors::gateway_status;
using nlohmann::json;

bool is_hosted(const charge& c) {
  return c.method_token.empty() || c.method_token == "hosted";
}

bool is_unconfirmed(const json& intent) {
  auto status = text_at(intent, "status");
  return status == "requires_confirmation"
      || (status == "requires_payment_method" && !member(intent, "last_payment_error").is_object());
}

gateway_answer answer_of_intent(const json& intent, const std::string& currency) {
  gateway_answer out;
  out.reference = text_at(intent, "id");
  auto status = text_at(intent, "status");
  if (status == "succeeded") {
    out.status = gateway_status::succeeded;
    if (auto received = integer_at(intent, "amount_received", -1); received >= 0)
      out.captured = from_stripe_amount(received, currency);
  } else if (status == "requires_capture") {
    out.status = gateway_status::authorized;
  } else if (status == "processing") {
    out.status = gateway_status::processing;
  } else if (status == "canceled") {
    out.status = gateway_status::cancelled;
  } else if (status == "requires_action") {
    out.status = gateway_status::requires_action;
    out.action_url = text_at(intent, {"next_action", "redirect_to_url", "url"});
  } else if (is_unconfirmed(intent)) {
    out.status = gateway_status::not_found; // it was never asked for money
  } else if (status == "requires_payment_method") {
    out.status = gateway_status::declined;
    const auto& why = member(intent, "last_payment_error");
    out.code = text_at(why, "decline_code");
    if (out.code.empty() || out.code == "generic_decline")
      out.code = text_at(why, "code");
  }
  return out;
}

gateway_answer answer_of_session(const json& session) {
  gateway_answer out;
  out.reference = text_at(session, "id");
  auto status = text_at(session, "status");
  if (status == "open") {
    out.status = gateway_status::requires_action;
    out.action_url = text_at(session, "url");
  } else if (status == "expired") {
    out.status = gateway_status::cancelled;
  }
  return out;
}

gateway_answer answer_of_refund(const json& refund) {
  gateway_answer out;
  out.refund_reference = text_at(refund, "id");
  const auto& intent = member(refund, "payment_intent");
  out.reference = intent.is_object() ? text_at(intent, "id") : text_at(refund, "payment_intent");
  auto status = text_at(refund, "status");
  if (status == "succeeded") {
    out.status = gateway_status::refunded;
  } else if (status == "pending" || status == "requires_action") {
    out.status = gateway_status::processing;
  } else if (status == "failed" || status == "canceled") {
    out.status = gateway_status::rejected;
    out.code = text_at(refund, "failure_reason");
    if (out.code.empty())
      out.code = "refund_" + status;
  }
  return out;
}

gateway_answer no_news(const stripe_reply& reply, const std::string& reference) {
  gateway_answer out;
  out.reference = reference;
  if (reply.limited())
    out.status = gateway_status::not_now;
  if (reply.unauthorized())
    out.code = "bad_credentials";
  return out;
}

} // namespace souk::integrations
