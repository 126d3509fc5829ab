#include "integrations/providers_sandbox/stripe_tokens.hpp"

#include "integrations/providers_sandbox/store.hpp"

namespace souk::providers {

namespace {

/// At most 26 of them: an id names its card by a letter. New ones go to the end, or old ids change.
constexpr stripe_card cards[] = {
  {"pm_card_visa", card_result::pays, "", "", "visa", "4242"},
  {"pm_card_mastercard", card_result::pays, "", "", "mastercard", "4444"},
  {"pm_card_amex", card_result::pays, "", "", "amex", "8431"},
  {"pm_card_chargeDeclined", card_result::declines, "card_declined", "generic_decline", "visa", "0002"},
  {"pm_card_chargeDeclinedInsufficientFunds", card_result::declines, "card_declined", "insufficient_funds", "visa",
   "9995"},
  {"pm_card_chargeDeclinedLostCard", card_result::declines, "card_declined", "lost_card", "visa", "9987"},
  {"pm_card_chargeDeclinedStolenCard", card_result::declines, "card_declined", "stolen_card", "visa", "9979"},
  {"pm_card_chargeDeclinedFraudulent", card_result::declines, "card_declined", "fraudulent", "visa", "0019"},
  {"pm_card_chargeDeclinedExpiredCard", card_result::declines, "expired_card", "", "visa", "0069"},
  {"pm_card_chargeDeclinedIncorrectCvc", card_result::declines, "incorrect_cvc", "", "visa", "0127"},
  {"pm_card_chargeDeclinedProcessingError", card_result::declines, "processing_error", "", "visa", "0119"},
  {"pm_card_authenticationRequired", card_result::asks, "", "", "visa", "3184"},
  {"pm_card_threeDSecure2Required", card_result::asks, "", "", "visa", "3220"},
  {"pm_card_processing", card_result::processes, "", "", "visa", "6565"},
  {"pm_card_pendingRefund", card_result::refunds_late, "", "", "visa", "7726"},
  {"pm_card_visa_chargeDeclined", card_result::declines, "card_declined", "generic_decline", "visa", "0002"},
};

std::string id_of(std::string_view prefix, const stripe_card& card) {
  std::string id{prefix};
  id += '1';
  id += static_cast<char>('a' + (&card - cards));
  return random_id(id, 22);
}

const stripe_card* find(std::string_view id, std::string_view prefix) {
  for (const auto& card : cards)
    if (id.starts_with(prefix) && id.substr(prefix.size()) == card.token.substr(3))
      return &card;
  bool ours = id.starts_with(prefix) && id.size() == prefix.size() + 24 && id[prefix.size()] == '1';
  auto number = ours ? static_cast<std::size_t>(id[prefix.size() + 1] - 'a') : std::size(cards);
  return number < std::size(cards) ? &cards[number] : nullptr;
}

} // namespace

std::string payment_method_id(const stripe_card& card) {
  return id_of("pm_", card);
}

std::string confirmation_token_id(const stripe_card& card) {
  return id_of("ctoken_", card);
}

const stripe_card* find_payment_method(std::string_view id) {
  return find(id, "pm_");
}

const stripe_card* find_confirmation_token(std::string_view id) {
  return find(id, "ctoken_");
}

nlohmann::json payment_method_object(const std::string& id, const stripe_card& card) {
  return {{"id", id},
          {"object", "payment_method"},
          {"billing_details", {{"address", nullptr}, {"email", nullptr}, {"name", nullptr}, {"phone", nullptr}}},
          {"card",
           {{"brand", card.brand},
            {"country", "US"},
            {"exp_month", 12},
            {"exp_year", 2034},
            {"funding", "credit"},
            {"last4", card.last4}}},
          {"created", now_ms() / 1000},
          {"customer", nullptr},
          {"livemode", false},
          {"metadata", nlohmann::json::object()},
          {"type", "card"}};
}

} // namespace souk::providers
