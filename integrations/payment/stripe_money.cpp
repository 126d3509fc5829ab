#include "integrations/payment/stripe_money.hpp"

#include "actors/money/currency.hpp"

#include <algorithm>
#include <array>

namespace souk::integrations {

namespace {

constexpr std::array<std::string_view, 15> whole{"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA",
                                                 "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"};
constexpr std::array<std::string_view, 5> thousandths{"BHD", "JOD", "KWD", "OMR", "TND"};

/// Decimals in which Stripe counts: two for all others, the króna and the Ugandan shilling (which have none) included.
int stripe_exponent(std::string_view currency) noexcept {
  if (std::find(whole.begin(), whole.end(), currency) != whole.end())
    return 0;
  return std::find(thousandths.begin(), thousandths.end(), currency) != thousandths.end() ? 3 : 2;
}

int iso_exponent(std::string_view currency) noexcept {
  auto known = actors::currency::of(currency);
  return known ? known->exponent() : 2;
}

} // namespace

std::optional<std::int64_t> to_stripe_amount(std::int64_t amount, std::string_view currency) noexcept {
  auto from = iso_exponent(currency);
  auto to = stripe_exponent(currency);
  for (; from < to; ++from)
    amount *= 10;
  for (; from > to; --from) {
    if (amount % 10 != 0)
      return std::nullopt;
    amount /= 10;
  }
  if (to == 3 && amount % 10 != 0)
    return std::nullopt;
  return amount;
}

std::int64_t from_stripe_amount(std::int64_t amount, std::string_view currency) noexcept {
  auto from = stripe_exponent(currency);
  auto to = iso_exponent(currency);
  for (; from < to; ++from)
    amount *= 10;
  for (; from > to; --from)
    amount /= 10;
  return amount;
}

} // namespace souk::integrations
