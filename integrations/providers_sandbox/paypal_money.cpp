#include "integrations/providers_sandbox/paypal_money.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace souk::providers {

namespace {

constexpr std::array<std::string_view, 25> currencies{
  "AUD", "BRL", "CAD", "CNY", "CZK", "DKK", "EUR", "HKD", "HUF", "ILS", "JPY", "MYR", "MXN",
  "TWD", "NZD", "NOK", "PHP", "PLN", "GBP", "SGD", "SEK", "CHF", "THB", "USD", "INR"};

/// PayPal takes no fractions of these, though ISO 4217 gives the forint and the Taiwan dollar two digits.
std::size_t decimals(std::string_view currency) {
  return currency == "HUF" || currency == "JPY" || currency == "TWD" ? 0 : 2;
}

constexpr std::size_t value_length_max = 32;

} // namespace

bool paypal_takes(std::string_view currency) {
  return std::find(currencies.begin(), currencies.end(), currency) != currencies.end();
}

std::optional<std::int64_t> minor_units(std::string_view value, std::string_view currency) {
  if (value.empty() || value.size() > value_length_max)
    return std::nullopt;
  auto point = value.find('.');
  std::string digits{value.substr(0, point)};
  std::string fraction{point == std::string_view::npos ? std::string_view{} : value.substr(point + 1)};
  auto places = decimals(currency);
  while (fraction.size() > places && fraction.back() == '0')
    fraction.pop_back();
  bool numbers = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })
              && std::all_of(fraction.begin(), fraction.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!numbers || digits.empty() || fraction.size() > places)
    return std::nullopt;
  fraction.resize(places, '0');
  digits += fraction;
  std::int64_t minor = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), minor);
  return error == std::errc{} ? std::optional{minor} : std::nullopt;
}

nlohmann::json paypal_money(std::int64_t minor, const std::string& currency) {
  auto places = decimals(currency);
  auto value = std::to_string(minor);
  if (places > 0) {
    if (value.size() <= places)
      value.insert(0, places + 1 - value.size(), '0');
    value.insert(value.size() - places, ".");
  }
  return {{"currency_code", currency}, {"value", value}};
}

std::string rfc3339(std::int64_t at_ms) {
  std::time_t seconds = at_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::optional<std::int64_t> parse_rfc3339(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr)
    return std::nullopt;
  if (*rest == '.')
    while (*++rest >= '0' && *rest <= '9') {
    }
  std::int64_t offset_s = 0;
  int hours = 0;
  int minutes = 0;
  char sign = *rest;
  if (sign == '+' || sign == '-') {
    if (std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2 && std::sscanf(rest + 1, "%2d%2d", &hours, &minutes) != 2)
      return std::nullopt;
    offset_s = (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
  } else if (sign != 'Z') {
    return std::nullopt;
  }
  return (static_cast<std::int64_t>(timegm(&parts)) - offset_s) * 1000;
}

} // namespace souk::providers
