#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// PayPal writes amounts as decimals, without a fraction for some currencies that have one.

namespace souk::integrations {

/// "19.99" for 1999 and EUR. @param amount minor units of ISO 4217
/// @returns nothing when PayPal cannot be asked for it: forints or Taiwan dollars with a fraction
std::optional<std::string> to_paypal_value(std::int64_t amount, std::string_view currency);
/// The way back. @returns nothing when the text is no such amount
std::optional<std::int64_t> from_paypal_value(std::string_view value, std::string_view currency) noexcept;

} // namespace souk::integrations
