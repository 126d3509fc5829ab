#include "actors/money/money.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <limits>

using souk::actors::currency;
using souk::actors::format_amount;
using souk::actors::money;
using souk::actors::parse_amount;

TEST_CASE("a currency is counted in the decimals that ISO 4217 gives it", "[money]") {
  CHECK(currency::of("EUR")->exponent() == 2);
  CHECK(currency::of("AED")->exponent() == 2); // first and last of the table
  CHECK(currency::of("ZWG")->exponent() == 2);
  CHECK(currency::of("JPY")->exponent() == 0);
  CHECK(currency::of("KWD")->exponent() == 3);
  CHECK(currency::of("MGA")->exponent() == 2);
  CHECK(currency::of("USD")->code() == "USD");
}

TEST_CASE("what is not a currency in use has no decimals", "[money]") {
  for (auto code : {"", "EU", "EURO", "eur", "ABC", "XAU", "XXX", "EUR ", "UR "})
    CHECK_FALSE(currency::of(code));
}

TEST_CASE("amounts are written with exactly their decimals", "[money]") {
  CHECK(format_amount(1999, 2) == "19.99");
  CHECK(format_amount(5, 2) == "0.05");
  CHECK(format_amount(-5, 2) == "-0.05");
  CHECK(format_amount(0, 3) == "0.000");
  CHECK(format_amount(1999, 0) == "1999");
  CHECK(format_amount(std::numeric_limits<std::int64_t>::min(), 2) == "-92233720368547758.08");
}

TEST_CASE("amounts are read without rounding", "[money]") {
  CHECK(parse_amount("19.99", 2) == 1999);
  CHECK(parse_amount("19.9", 2) == 1990);
  CHECK(parse_amount("19", 2) == 1900);
  CHECK(parse_amount("19.9900", 2) == 1999);
  CHECK(parse_amount("0007", 0) == 7);
  CHECK(parse_amount("-0.05", 2) == -5);
  CHECK(parse_amount("100.00", 0) == 100);
  CHECK(parse_amount("92233720368547758.07", 2) == std::numeric_limits<std::int64_t>::max());
  for (auto text : {"", "-", ".", ".5", "5.", "1.2.3", "1,99", " 1", "1 ", "+1", "0x10", "1e3", "19.999",
                    "--1", "1.-5", "92233720368547758.08", "99999999999999999999"})
    CHECK_FALSE(parse_amount(text, 2));
  CHECK_FALSE(parse_amount("1.5", 0));
}

TEST_CASE("an amount survives being written and read", "[money]") {
  CHECK(rc::check("parse(format(x)) == x", [](std::int64_t amount) {
    auto exponent = *rc::gen::inRange(0, 5);
    RC_ASSERT(parse_amount(format_amount(amount, exponent), exponent) == amount);
  }));
}

TEST_CASE("money of two currencies does not mix", "[money]") {
  money euros{1999, *currency::of("EUR")};
  money yen{1999, *currency::of("JPY")};
  CHECK((euros * 3 + euros).amount() == 7996);
  CHECK(euros.str() == "19.99");
  CHECK(yen.str() == "1999");
  CHECK(euros < euros * 2);
  CHECK_THROWS_AS(euros + yen, souk::actors::currency_mismatch);
  CHECK_THROWS_AS(euros == yen, souk::actors::currency_mismatch);
  CHECK_THROWS_AS(euros * std::numeric_limits<std::int64_t>::max(), std::overflow_error);
}
