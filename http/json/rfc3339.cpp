#include "http/json/rfc3339.hpp"

#include <chrono>

namespace souk::http::json {

namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Takes exactly `digits` digits off the front.
std::optional<int> number(std::string_view& text, std::size_t digits) noexcept {
  if (text.size() < digits)
    return std::nullopt;
  int out = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!is_digit(text[i]))
      return std::nullopt;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return out;
}

/// Takes one of these characters off the front.
bool take(std::string_view& text, std::string_view any_of) noexcept {
  if (text.empty() || any_of.find(text.front()) == any_of.npos)
    return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::microseconds> fraction(std::string_view& text) noexcept {
  std::int64_t micros = 0, unit = 100'000;
  if (text.empty() || !is_digit(text.front()))
    return std::nullopt;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), unit /= 10)
    micros += unit * (text.front() - '0');
  return std::chrono::microseconds{micros};
}

std::optional<std::chrono::minutes> offset(std::string_view& text) noexcept {
  if (take(text, "Zz"))
    return std::chrono::minutes{0};
  const bool west = !text.empty() && text.front() == '-';
  if (!take(text, "+-"))
    return std::nullopt;
  const auto hours = number(text, 2);
  if (!hours || *hours > 23 || !take(text, ":"))
    return std::nullopt;
  const auto minutes = number(text, 2);
  if (!minutes || *minutes > 59)
    return std::nullopt;
  const std::chrono::minutes out{*hours * 60 + *minutes};
  return west ? -out : out;
}

} // namespace

std::optional<storage::timestamp> parse_rfc3339(std::string_view text) noexcept {
  using namespace std::chrono;
  const auto y = number(text, 4);
  if (!y || !take(text, "-"))
    return std::nullopt;
  const auto m = number(text, 2);
  if (!m || !take(text, "-"))
    return std::nullopt;
  const auto d = number(text, 2);
  if (!d || !take(text, "Tt "))
    return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*m)}, day{static_cast<unsigned>(*d)}};
  if (!date.ok() || *y < 1970)
    return std::nullopt;
  const auto h = number(text, 2);
  if (!h || *h > 23 || !take(text, ":"))
    return std::nullopt;
  const auto min = number(text, 2);
  if (!min || *min > 59 || !take(text, ":"))
    return std::nullopt;
  const auto s = number(text, 2);
  if (!s || *s > 60)
    return std::nullopt;
  microseconds part{0};
  if (take(text, ".")) {
    const auto found = fraction(text);
    if (!found)
      return std::nullopt;
    part = *found;
  }
  const auto zone = offset(text);
  if (!zone || !text.empty())
    return std::nullopt;
  const storage::timestamp out = sys_days{date} + hours{*h} + minutes{*min} + seconds{*s} + part - *zone;
  if (out.time_since_epoch().count() < 0)
    return std::nullopt;
  return out;
}

} // namespace souk::http::json
