#include "integrations/payment/paypal_money.hpp"

#include "actors/money/currency.hpp"

namespace souk::integrations {

namespace {

int paypal_exponent(std::string_view currency) noexcept {
  return currency == "HUF" || currency == "JPY" || currency == "TWD" ? 0 : 2;
}

int iso_exponent(std::string_view currency) noexcept {
  auto known = actors::currency::of(currency);
  return known ? known->exponent() : 2;
}

} // namespace

std::optional<std::string> to_paypal_value(std::int64_t amount, std::string_view currency) {
  auto from = iso_exponent(currency);
  auto to = paypal_exponent(currency);
  for (; from < to; ++from)
    amount *= 10;
  for (; from > to; --from) {
    if (amount % 10 != 0)
      return std::nullopt;
    amount /= 10;
  }
  return actors::format_amount(amount, to);
}

std::optional<std::int64_t> from_paypal_value(std::string_view value, std::string_view currency) noexcept {
  return actors::parse_amount(value, iso_exponent(currency));
}

} // namespace souk::integrations
