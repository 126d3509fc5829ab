#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace souk::providers {

/// @returns minor units of a decimal text ("19.99"); nullopt when it is none, is negative, or has more digits
/// after the point than the currency.
std::optional<std::int64_t> minor_units(std::string_view value, std::string_view currency);

/// @returns {"currency_code", "value"} of PayPal.
nlohmann::json paypal_money(std::int64_t minor, const std::string& currency);

/// @returns whether PayPal takes payments in the currency.
bool paypal_takes(std::string_view currency);

/// @returns an instant as PayPal writes it: "2026-01-31T12:00:00Z".
std::string rfc3339(std::int64_t at_ms);

/// @returns milliseconds since 1970; nullopt when the text is no RFC 3339 instant. Offsets are understood.
std::optional<std::int64_t> parse_rfc3339(const std::string& text);

} // namespace souk::providers
