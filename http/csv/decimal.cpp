#include "http/csv/decimal.hpp"

namespace souk::http {

std::optional<std::int64_t> parse_decimal(std::string_view text, int exponent) noexcept {
  constexpr std::int64_t max = 1'000'000'000'000;
  std::int64_t value = 0;
  int decimals = -1; // -1: before the point
  bool digits = false;
  for (char c : text) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9')
      return std::nullopt;
    digits = true;
    if (decimals >= 0 && ++decimals > exponent) {
      if (c != '0')
        return std::nullopt;
      continue;
    }
    value = value * 10 + (c - '0');
    if (value > max)
      return std::nullopt;
  }
  if (!digits)
    return std::nullopt;
  for (int missing = exponent - (decimals < 0 ? 0 : decimals); missing > 0; --missing)
    value *= 10;
  return value > max ? std::nullopt : std::optional{value};
}

std::string format_decimal(std::int64_t value, int exponent) {
  auto digits = std::to_string(value);
  if (exponent == 0)
    return digits;
  auto decimals = static_cast<std::size_t>(exponent);
  if (digits.size() <= decimals)
    digits.insert(0, decimals + 1 - digits.size(), '0');
  digits.insert(digits.size() - decimals, 1, '.');
  return digits;
}

} // namespace souk::http
