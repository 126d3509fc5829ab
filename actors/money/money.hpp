#pragma once

#include "actors/money/currency.hpp"

#include <stdexcept>

namespace souk::actors {

/// Adding euros to yen is a bug, never an input: it ends the command instead of inventing a figure.
struct currency_mismatch : std::logic_error {
  currency_mismatch(const currency& a, const currency& b)
    : std::logic_error("amounts in " + std::string{a.code()} + " and " + std::string{b.code()}
                       + " do not mix") {}
};

/// An amount in minor units of one currency. Arithmetic that mixes currencies throws currency_mismatch,
/// arithmetic that leaves 64 bits throws std::overflow_error.
class money {
public:
  money(std::int64_t amount, const currency& unit) noexcept : amount_(amount), unit_(unit) {}

  std::int64_t amount() const noexcept { return amount_; }
  const currency& unit() const noexcept { return unit_; }
  /// "19.99", without the currency's code.
  std::string str() const { return format_amount(amount_, unit_.exponent()); }

  money& operator+=(const money& other) {
    same_unit(other);
    if (__builtin_add_overflow(amount_, other.amount_, &amount_))
      throw std::overflow_error("an amount leaves 64 bits");
    return *this;
  }
  money& operator-=(const money& other) {
    same_unit(other);
    if (__builtin_sub_overflow(amount_, other.amount_, &amount_))
      throw std::overflow_error("an amount leaves 64 bits");
    return *this;
  }
  money& operator*=(std::int64_t quantity) {
    if (__builtin_mul_overflow(amount_, quantity, &amount_))
      throw std::overflow_error("an amount leaves 64 bits");
    return *this;
  }

  friend money operator+(money a, const money& b) { return a += b; }
  friend money operator-(money a, const money& b) { return a -= b; }
  friend money operator*(money a, std::int64_t quantity) { return a *= quantity; }

  bool operator==(const money& other) const {
    same_unit(other);
    return amount_ == other.amount_;
  }
  std::strong_ordering operator<=>(const money& other) const {
    same_unit(other);
    return amount_ <=> other.amount_;
  }

private:
  void same_unit(const money& other) const {
    if (!(unit_ == other.unit_))
      throw currency_mismatch(unit_, other.unit_);
  }

  std::int64_t amount_;
  currency unit_;
};

} // namespace souk::actors
