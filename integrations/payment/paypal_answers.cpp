#include "integrations/payment/paypal_answers.hpp"

#include "integrations/payment/paypal_money.hpp"
#include "integrations/provider_http/json_fields.hpp"

namespace souk::integrations {

using actors::charge;
using actors::gateway_answer;
using actors::gateway_status;
using nlohmann::json;

namespace {

const json& unit_of(const json& order) {
  static const json none;
  const auto& units = list_at(order, "purchase_units");
  return units.empty() ? none : units.front();
}

std::int64_t amount_of(const json& payment, const std::string& currency) {
  return from_paypal_value(text_at(payment, {"amount", "value"}), currency).value_or(0);
}

bool took_money(const std::string& status) {
  return status == "COMPLETED" || status == "PARTIALLY_REFUNDED" || status == "REFUNDED";
}

/// Money that was captured, and what went back of it. @returns false when there is none
bool add_captures(gateway_answer& out, const json& order, const std::string& currency) {
  std::int64_t captured = 0;
  bool all_back = true;
  for (const auto& capture : paypal_payments(order, "captures"))
    if (auto status = text_at(capture, "status"); took_money(status)) {
      captured += amount_of(capture, currency);
      all_back = all_back && status == "REFUNDED";
    }
  if (captured == 0)
    return false;
  std::int64_t refunded = 0;
  for (const auto& refund : paypal_payments(order, "refunds"))
    if (auto status = text_at(refund, "status"); status != "FAILED" && status != "CANCELLED")
      refunded += amount_of(refund, currency);
  out.captured = captured;
  out.refunded = all_back ? captured : refunded;
  out.status = out.refunded == captured ? gateway_status::refunded : gateway_status::succeeded;
  return true;
}

} // namespace

std::string paypal_cancelled_mark(const charge& c) {
  return c.attempt_id.str() + "-cancelled";
}

const json& paypal_payments(const json& order, const char* kind) {
  return list_at(member(unit_of(order), "payments"), kind);
}

gateway_answer answer_of_paypal_order(const json& order, const charge& c) {
  gateway_answer out;
  out.reference = text_at(order, "id");
  if (text_at(unit_of(order), "reference_id") != c.attempt_id.str()) {
    out.code = "foreign_payment";
    return out;
  }
  if (add_captures(out, order, c.currency))
    return out;
  for (const auto& capture : paypal_payments(order, "captures")) {
    bool pending = text_at(capture, "status") == "PENDING";
    out.status = pending ? gateway_status::processing : gateway_status::declined;
    out.code = pending ? "" : "capture_" + text_at(capture, "status");
    return out;
  }
  for (const auto& authorization : paypal_payments(order, "authorizations")) {
    auto status = text_at(authorization, "status");
    out.status = status == "CREATED" ? gateway_status::authorized
               : status == "PENDING" ? gateway_status::processing
               : status == "DENIED"  ? gateway_status::declined
               : status == "VOIDED" || status == "EXPIRED" ? gateway_status::cancelled
                                                           : gateway_status::unknown;
    return out;
  }
  auto status = text_at(order, "status");
  if (status == "VOIDED" || text_at(unit_of(order), "invoice_id") == paypal_cancelled_mark(c)) {
    out.status = gateway_status::cancelled;
  } else if (status == "APPROVED") {
    out.status = gateway_status::processing;
  } else if (status == "CREATED" || status == "SAVED" || status == "PAYER_ACTION_REQUIRED") {
    out.status = gateway_status::requires_action;
    for (const auto& link : list_at(order, "links"))
      if (auto rel = text_at(link, "rel"); rel == "payer-action" || rel == "approve")
        out.action_url = text_at(link, "href");
  }
  return out;
}

gateway_answer answer_of_paypal_refund(const json& refund, const charge& c) {
  gateway_answer out;
  out.reference = c.reference;
  out.refund_reference = text_at(refund, "id");
  auto status = text_at(refund, "status");
  if (status == "COMPLETED") {
    out.status = gateway_status::refunded;
  } else if (status == "PENDING") {
    out.status = gateway_status::processing;
  } else if (status == "FAILED" || status == "CANCELLED") {
    out.status = gateway_status::rejected;
    out.code = "refund_" + status;
  }
  return out;
}

gateway_answer no_news(const paypal_reply& reply, const std::string& reference) {
  gateway_answer out;
  out.reference = reference;
  if (reply.limited())
    out.status = gateway_status::not_now;
  if (reply.unauthorized())
    out.code = "bad_credentials";
  return out;
}

} // namespace souk::integrations
