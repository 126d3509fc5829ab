#pragma once

#include "actors/payment/gateway.hpp"
#include "integrations/payment/stripe_api.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

// What Stripe's objects and errors mean to souk.

namespace souk::integrations {

/// Stripe may forget an Idempotency-Key after a day: this long they can be counted on.
inline constexpr std::chrono::hours stripe_keys_live{23};

/// Whether the charge is paid on a page of Stripe's.
bool is_hosted(const actors::charge& c);

/// Whether an intent still waits for its first confirmation.
bool is_unconfirmed(const nlohmann::json& intent);

/// `refunded` is left unsaid. @param currency ISO 4217, capital letters
actors::gateway_answer answer_of_intent(const nlohmann::json& intent, const std::string& currency);

/// An open or an expired session; a complete one is what its intent is.
actors::gateway_answer answer_of_session(const nlohmann::json& session);

actors::gateway_answer answer_of_refund(const nlohmann::json& refund);

/// An answer that says nothing about the payment: unknown, or not_now when nothing was executed.
actors::gateway_answer no_news(const stripe_reply& reply, const std::string& reference);

} // namespace souk::integrations
