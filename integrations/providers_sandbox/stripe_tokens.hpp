#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace souk::providers {

enum class card_result : unsigned char { pays, declines, asks, processes, refunds_late };

/// A test payment method of Stripe: what its card does.
struct stripe_card {
  std::string_view token; ///< "pm_card_visa"
  card_result result;
  std::string_view code;         ///< of the card_error; empty unless it declines
  std::string_view decline_code; ///< may be empty
  std::string_view brand;
  std::string_view last4;
};

/// Stripe makes a payment method of its own from a test token; ours carries in its id which card it is, so it
/// needs no memory: "pm_card_visa" becomes "pm_1a…".
std::string payment_method_id(const stripe_card& card);

/// The same for `POST /v1/test_helpers/confirmation_tokens`: "ctoken_1a…".
std::string confirmation_token_id(const stripe_card& card);

/// @returns the card behind a test token (pm_card_visa) or an id made from one; nullptr when there is none.
const stripe_card* find_payment_method(std::string_view id);

/// @returns the card behind ctoken_card_visa or an id of ours; nullptr when there is none.
const stripe_card* find_confirmation_token(std::string_view id);

nlohmann::json payment_method_object(const std::string& id, const stripe_card& card);

} // namespace souk::providers
