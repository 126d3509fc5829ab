#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace souk::actors {

/// A currency of ISO 4217 (list one, without funds, metals and test codes), with the number of decimals it is
/// counted in.
class currency {
public:
  /// @param code three capital letters. @returns nullopt when it is not a currency in use.
  static std::optional<currency> of(std::string_view code) noexcept;

  std::string_view code() const noexcept { return {code_, 3}; }
  /// Decimals of one unit: 2 for EUR (1.00 is 100 minor units), 0 for JPY, 3 for KWD.
  int exponent() const noexcept { return exponent_; }

  bool operator==(const currency& other) const noexcept { return code() == other.code(); }

private:
  currency(const char* code, int exponent) noexcept : code_(code), exponent_(exponent) {}

  const char* code_; ///< into the table
  int exponent_;
};

/// No price, rate or total of a line is higher, in minor units: sums of the largest order stay far below
/// 2^63.
inline constexpr std::int64_t amount_max = 1'000'000'000'000;

/// 1999 with exponent 2 is "19.99", -5 is "-0.05". @param exponent 0 to 6 (a tax rate in
/// parts per million has six decimals)
std::string format_amount(std::int64_t minor_units, int exponent);

/// "19.99" with exponent 2 is 1999. An optional "-", digits, optionally a point and digits; those beyond the
/// exponent must be zeros, because nothing is ever rounded here. @returns nullopt for anything else, and
/// beyond 64 bits.
std::optional<std::int64_t> parse_amount(std::string_view text, int exponent) noexcept;

} // namespace souk::actors
