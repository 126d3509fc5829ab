#pragma once

#include "integrations/payment/sandbox_server/payment_book.hpp"

#include <optional>
#include <string_view>

namespace souk::sandbox {

/// How the gateway behaves on the wire; what it does to the payment is the token's result.
enum class token_behaviour : std::uint8_t {
  answers,
  stalls,    ///< executed at once, answered late
  drops,     ///< executed, and the first answer is lost with its connection
  fails_once ///< the first call is a 500 that executes nothing
};

struct token {
  std::string_view name;
  payment_status result;
  std::string_view decline_code;
  token_behaviour behaviour;
};

/// The test cards of this gateway.
inline constexpr token tokens[] = {
  {"tok_ok", payment_status::succeeded, "", token_behaviour::answers},
  {"tok_declined", payment_status::declined, "card_declined", token_behaviour::answers},
  {"tok_insufficient_funds", payment_status::declined, "insufficient_funds", token_behaviour::answers},
  {"tok_requires_action", payment_status::requires_action, "", token_behaviour::answers},
  {"tok_processing", payment_status::processing, "", token_behaviour::answers},
  {"tok_slow", payment_status::succeeded, "", token_behaviour::stalls},
  {"tok_drop", payment_status::succeeded, "", token_behaviour::drops},
  {"tok_error_once", payment_status::succeeded, "", token_behaviour::fails_once},
};

constexpr std::optional<token> find_token(std::string_view name) {
  for (const auto& known : tokens)
    if (known.name == name)
      return known;
  return std::nullopt;
}

} // namespace souk::sandbox
