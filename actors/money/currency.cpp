#include "actors/money/currency.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace souk::actors {

namespace {

// ISO 4217 list one, sorted because it is bisected. Those not in the two short lists below have two decimals.
// clang-format off
constexpr std::string_view codes =
  "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN "
  "BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
  "GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW "
  "KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD "
  "NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD "
  "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED "
  "VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ";
// clang-format on
constexpr std::string_view without_decimals =
  "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ";
constexpr std::string_view with_three = "BHD IQD JOD KWD LYD OMR TND ";

constexpr std::size_t width = 4; // three letters and a space

std::optional<std::size_t> place_in(std::string_view list, std::string_view code) noexcept {
  std::size_t low = 0;
  std::size_t high = list.size() / width;
  while (low < high) {
    auto middle = (low + high) / 2;
    auto order = list.substr(middle * width, 3).compare(code);
    if (order == 0)
      return middle * width;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return std::nullopt;
}

constexpr std::array<std::int64_t, 7> power_of_ten{1, 10, 100, 1000, 10'000, 100'000, 1'000'000};

} // namespace

std::optional<currency> currency::of(std::string_view code) noexcept {
  auto at = place_in(codes, code);
  if (!at)
    return std::nullopt;
  auto exponent = place_in(without_decimals, code) ? 0 : place_in(with_three, code) ? 3 : 2;
  return currency{codes.data() + *at, exponent};
}

std::string format_amount(std::int64_t minor_units, int exponent) {
  // The most negative number has no positive twin of its own type.
  auto magnitude =
    minor_units < 0 ? ~static_cast<std::uint64_t>(minor_units) + 1 : static_cast<std::uint64_t>(minor_units);
  auto scale = static_cast<std::uint64_t>(power_of_ten.at(static_cast<std::size_t>(exponent)));
  std::string out = minor_units < 0 ? "-" : "";
  out += std::to_string(magnitude / scale);
  if (exponent > 0) {
    auto fraction = std::to_string(magnitude % scale);
    out += '.';
    out.append(static_cast<std::size_t>(exponent) - fraction.size(), '0');
    out += fraction;
  }
  return out;
}

std::optional<std::int64_t> parse_amount(std::string_view text, int exponent) noexcept {
  if (exponent < 0 || static_cast<std::size_t>(exponent) >= power_of_ten.size())
    return std::nullopt;
  bool negative = text.starts_with('-');
  if (negative)
    text.remove_prefix(1);
  auto point = text.find('.');
  auto whole = text.substr(0, point);
  auto fraction = point == text.npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() || (point != text.npos && fraction.empty()))
    return std::nullopt;

  // Built up as a negative number, whose range is the larger one.
  std::int64_t value = 0;
  auto push = [&](char c) {
    return c >= '0' && c <= '9' && !__builtin_mul_overflow(value, std::int64_t{10}, &value)
        && !__builtin_sub_overflow(value, static_cast<std::int64_t>(c - '0'), &value);
  };
  auto decimals = static_cast<std::size_t>(exponent);
  for (char c : whole)
    if (!push(c))
      return std::nullopt;
  for (std::size_t i = 0; i < std::max(decimals, fraction.size()); ++i) {
    auto digit = i < fraction.size() ? fraction[i] : '0';
    if (i < decimals ? !push(digit) : digit != '0')
      return std::nullopt;
  }
  if (negative)
    return value;
  if (value == std::numeric_limits<std::int64_t>::min())
    return std::nullopt;
  return -value;
}

} // namespace souk::actors
