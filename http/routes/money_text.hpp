#pragma once

#include "actors/money/currency.hpp"
#include "http/json/writer.hpp"

#include <string>

namespace souk::http::routes {

/// Amounts in a currency, as decimal text.
class money_text {
public:
  explicit money_text(const std::string& currency) {
    const auto unit = actors::currency::of(currency);
    exponent_ = unit ? unit->exponent() : 2;
  }
  explicit money_text(const actors::currency& unit) : exponent_(unit.exponent()) {}
  std::string operator()(std::int64_t minor) const { return actors::format_amount(minor, exponent_); }

private:
  int exponent_ = 2;
};

/// A rate in parts per million as "0.190000".
inline std::string rate_text(std::int32_t ppm) {
  return actors::format_amount(ppm, 6);
}

/// Null for the epoch, which stands for a time that is not set.
inline void write_time(json::writer& out, std::string_view name, storage::timestamp at) {
  out.key(name);
  if (at == storage::timestamp{})
    out.null();
  else
    out.value(at);
}

} // namespace souk::http::routes
