#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace souk::http {

/// "19.99" with exponent 2 is 1999. Digits and at most one point, no sign, no separators; digits beyond the exponent must be 0, so that
/// nothing is rounded. @returns nullopt for anything else, and above 10^12 units.
std::optional<std::int64_t> parse_decimal(std::string_view text, int exponent) noexcept;

/// 1999 with exponent 2 is "19.99". @pre value >= 0
std::string format_decimal(std::int64_t value, int exponent);

} // namespace souk::http
