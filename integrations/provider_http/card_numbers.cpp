#include "integrations/provider_http/card_numbers.hpp"

namespace souk::integrations {

namespace {

constexpr int digits_min = 13;
constexpr int digits_max = 19;

/// The digits that follow each other, with the Luhn sums of them read from either parity: which one counts depends on how many
/// there are.
struct run {
  int length = 0;
  int sums[2] = {0, 0}; ///< [p]: the digits at positions of parity p doubled

  void add(int digit) noexcept {
    int doubled = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sums[length % 2] += doubled;
    sums[1 - length % 2] += digit;
    ++length;
  }
  bool is_card() const noexcept { return length >= digits_min && length <= digits_max && sums[length % 2] % 10 == 0; }
};

} // namespace

bool holds_card_number(std::string_view text) noexcept {
  run digits;
  bool separated = false;
  for (char c : text) {
    if (c >= '0' && c <= '9') {
      digits.add(c - '0');
      separated = false;
    } else if ((c == ' ' || c == '-') && digits.length > 0 && !separated) {
      separated = true;
    } else {
      if (digits.is_card())
        return true;
      digits = {};
      separated = false;
    }
  }
  return digits.is_card();
}

std::string without_card_numbers(std::string text) {
  return holds_card_number(text) ? std::string{} : text;
}

} // namespace souk::integrations
