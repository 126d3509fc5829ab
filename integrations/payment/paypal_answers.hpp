#pragma once

#include "actors/payment/gateway.hpp"
#include "integrations/payment/paypal_api.hpp"

#include <nlohmann/json.hpp>

// What PayPal's objects and errors mean to souk.

namespace souk::integrations {

/// The invoice id of an order that souk gave up.
std::string paypal_cancelled_mark(const actors::charge& c);

/// The first of the order's payments of a kind ("captures", "authorizations", "refunds"); null when there is none.
const nlohmann::json& paypal_payments(const nlohmann::json& order, const char* kind);

/// An order that is approved and not yet paid is `processing`: it waits for souk.
actors::gateway_answer answer_of_paypal_order(const nlohmann::json& order, const actors::charge& c);
actors::gateway_answer answer_of_paypal_refund(const nlohmann::json& refund, const actors::charge& c);

/// An answer that says nothing about the payment: unknown, or not_now when nothing was executed.
actors::gateway_answer no_news(const paypal_reply& reply, const std::string& reference);

} // namespace souk::integrations
