#include "actors/order/place_rules.hpp"
#include "actors/order/pricing.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace souk;
using namespace souk::actors;

namespace {

storage::store_row shop(std::int32_t tax_ppm = 190'000, bool inclusive = false) {
  storage::store_row s;
  s.currency = "EUR";
  s.tax_rate_ppm = tax_ppm;
  s.tax_inclusive = inclusive;
  s.shipping_zones = {{"Home", {"DE", "AT"}, {{"Parcel", 490, 5000}, {"Express", 1290, -1}}},
                      {"World", {"*"}, {{"Air", 2500, -1}}}};
  return s;
}

priced_line line(std::int64_t price, std::int64_t quantity, bool taxable = true, bool ships = true) {
  priced_line l;
  l.variant.price = price;
  l.variant.taxable = taxable;
  l.variant.requires_shipping = ships;
  l.product_title = "Oolong";
  l.quantity = quantity;
  return l;
}

basket basket_of(const std::vector<priced_line>& lines, const std::string& country, const std::string& method) {
  basket b;
  b.lines = lines;
  b.country = country;
  b.shipping_method = method;
  return b;
}

quote priced(const storage::store_row& s, const std::vector<priced_line>& lines, const std::string& country = "DE",
             const std::string& method = "") {
  auto out = price(s, basket_of(lines, country, method));
  REQUIRE(std::holds_alternative<quote>(out));
  return std::get<quote>(out);
}

caf::error refused(const storage::store_row& s, const std::vector<priced_line>& lines, const std::string& country,
                   const std::string& method = "") {
  auto out = price(s, basket_of(lines, country, method));
  REQUIRE(std::holds_alternative<caf::error>(out));
  return std::get<caf::error>(out);
}

} // namespace

TEST_CASE("an order costs its lines, shipping and tax", "[pricing]") {
  auto q = priced(shop(), {line(1000, 2), line(350, 1)});
  CHECK(q.subtotal == 2350);
  CHECK(q.shipping == 490);
  CHECK(q.tax == 380 + 67); // per line: 66.5 is rounded up
  CHECK(q.total == 2350 + 490 + 447);
  CHECK(q.shipping_method == "Parcel");
  REQUIRE(q.items.size() == 2);
  CHECK(q.items[1].line == 2);
  CHECK(q.items[1].tax == 67);
}

TEST_CASE("a price that includes the tax does not grow by it", "[pricing]") {
  auto q = priced(shop(200'000, true), {line(1200, 1)});
  CHECK(q.tax == 200);
  CHECK(q.total == 1200 + 490);
}

TEST_CASE("only taxable lines are taxed", "[pricing]") {
  CHECK(priced(shop(), {line(1000, 1, false)}).tax == 0);
}

TEST_CASE("shipping is free from the rate's limit on", "[pricing]") {
  CHECK(priced(shop(), {line(4999, 1)}).shipping == 490);
  CHECK(priced(shop(), {line(5000, 1)}).shipping == 0);
  CHECK(priced(shop(), {line(9000, 1)}, "DE", "Express").shipping == 1290);
}

TEST_CASE("the zone that names the country wins over the rest of the world", "[pricing]") {
  auto s = shop();
  std::swap(s.shipping_zones[0], s.shipping_zones[1]);
  CHECK(priced(s, {line(1000, 1)}, "AT").shipping == 490);
  CHECK(priced(s, {line(1000, 1)}, "JP").shipping == 2500);
}

TEST_CASE("a country without a zone is refused, an unknown method too", "[pricing]") {
  auto s = shop();
  s.shipping_zones.pop_back();
  CHECK(refused(s, {line(1000, 1)}, "JP") == errc::no_shipping);
  CHECK(refused(s, {line(1000, 1)}, "DE", "Pigeon") == errc::invalid);
}

TEST_CASE("what needs no shipping is not shipped", "[pricing]") {
  auto s = shop();
  s.shipping_zones.pop_back();
  auto q = priced(s, {line(1000, 1, true, false)}, "JP");
  CHECK(q.shipping == 0);
  CHECK(q.shipping_method.empty());
}

TEST_CASE("an order beyond what can be charged is refused", "[pricing]") {
  CHECK(refused(shop(), {line(INT64_MAX, 10'000)}, "DE") == errc::invalid);
  CHECK(refused(shop(), {line(std::int64_t{1} << 53, 1)}, "DE") == errc::invalid);
}

TEST_CASE("tax is rounded half up to the minor unit", "[pricing]") {
  CHECK(tax_of(50, 10'000, false) == 1); // 0.5
  CHECK(tax_of(49, 10'000, false) == 0); // 0.49
  CHECK(tax_of(0, 190'000, false) == 0);
  CHECK(tax_of(119, 190'000, true) == 19);
}

TEST_CASE("tax is never off by more than half a minor unit", "[pricing]") {
  CHECK(rc::check([](bool inclusive) {
    auto amount = *rc::gen::inRange<std::int64_t>(0, 1'000'000'000);
    auto rate = *rc::gen::inRange<std::int32_t>(0, 1'000'000);
    auto tax = tax_of(amount, rate, inclusive);
    auto exact = static_cast<double>(amount) * rate / (inclusive ? 1e6 + rate : 1e6);
    RC_ASSERT(std::abs(static_cast<double>(tax) - exact) <= 0.5 + 1e-6);
    RC_ASSERT(!inclusive || tax <= amount);
  }));
}

TEST_CASE("the parts of a quote add up", "[pricing]") {
  CHECK(rc::check([](bool inclusive) {
    auto s = shop(*rc::gen::inRange<std::int32_t>(0, 300'000), inclusive);
    std::vector<priced_line> lines;
    auto wanted = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 100'000), rc::gen::inRange(1, 50))));
    for (auto [p, n] : wanted)
      lines.push_back(line(p, n, p % 3 != 0));
    auto out = price(s, basket_of(lines, "DE", ""));
    auto q = std::get<quote>(out);
    std::int64_t totals = 0, taxes = 0;
    for (const auto& item : q.items) {
      RC_ASSERT(item.total == item.unit_price * item.quantity);
      totals += item.total;
      taxes += item.tax;
    }
    RC_ASSERT(q.subtotal == totals);
    RC_ASSERT(q.tax == taxes);
    RC_ASSERT(q.total == q.subtotal + q.shipping + (inclusive ? 0 : q.tax));
  }));
}

TEST_CASE("lines of one variant are summed, and all are taken in one order", "[pricing]") {
  auto id = [](int n) {
    storage::ulid u;
    u.bytes[15] = static_cast<std::uint8_t>(n);
    return u;
  };
  std::vector<order_line_request> lines{{id(0), id(3), 1}, {id(0), id(1), 2}, {id(0), id(3), 4}};
  merge_lines(lines);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].variant_id == id(1));
  CHECK(lines[1].variant_id == id(3));
  CHECK(lines[1].quantity == 5);
}

TEST_CASE("the tax is that of the region, else the country, else the rest of the world, else the store's", "[pricing]") {
  auto s = shop(100'000);
  s.settings.tax_zones = {{"Sales tax", {"US"}, 50'000, false},
                          {"California", {"US-CA"}, 72'500, true},
                          {"Elsewhere", {"*"}, 10'000, false}};
  auto taxed = [&](const std::string& country, const std::string& region) {
    auto b = basket_of({line(1000, 1)}, country, "");
    b.region = region;
    return std::get<quote>(price(s, b));
  };
  s.shipping_zones = {{"World", {"*"}, {{"Air", 2000, -1}}}};
  CHECK(taxed("US", "").tax == 50);
  CHECK(taxed("US", "NY").tax == 50);
  auto california = taxed("US", "ca");
  CHECK(california.tax == 73 + 145); // 72.5 is rounded up, per line; shipping is taxed there
  CHECK(california.pricing.shipping_tax == 145);
  REQUIRE(california.pricing.taxes.size() == 1);
  CHECK(california.pricing.taxes[0] == storage::tax_line{"California", 72'500, 218});
  CHECK(california.items[0].tax_rate_ppm == 72'500);
  CHECK(taxed("JP", "").tax == 10);
  CHECK(taxed("", "").tax == 100);
  s.settings.tax_zones.clear();
  CHECK(taxed("JP", "").tax == 100);
  s.settings.shipping_taxed = true;
  CHECK(taxed("JP", "").tax == 100 + 200);
}

TEST_CASE("shipping that is taxed contains its tax when prices do", "[pricing]") {
  auto s = shop(190'000, true);
  s.settings.shipping_taxed = true;
  auto q = priced(s, {line(1190, 1)});
  CHECK(q.pricing.shipping_tax == 78); // 4.90 contains 0.78
  CHECK(q.tax == 190 + 78);
  CHECK(q.total == 1190 + 490);
}

TEST_CASE("the weight of what is shipped decides which rates are offered", "[pricing]") {
  auto s = shop();
  s.shipping_zones = {{"Home", {"DE"}, {{"Letter", 100, -1, 0, 500}, {"Parcel", 490, -1, 0, 5000}, {"Pallet", 5000, -1, 5001, 90'000}}}};
  auto heavy = [](std::int64_t grams, std::int64_t quantity, bool ships = true) {
    auto l = line(1000, quantity, true, ships);
    l.variant.grams = grams;
    return l;
  };
  auto light = priced(s, {heavy(250, 2)});
  CHECK(light.shipping_method == "Letter");
  REQUIRE(light.offers.size() == 2);
  CHECK(light.offers[1].name == "Parcel");
  CHECK(priced(s, {heavy(250, 2)}, "DE", "Parcel").shipping == 490);
  CHECK(priced(s, {heavy(501, 1)}).shipping_method == "Parcel");
  CHECK(priced(s, {heavy(400, 1), heavy(99'000, 1, false)}).shipping_method == "Letter"); // a download weighs nothing
  CHECK(priced(s, {heavy(5001, 1)}).shipping_method == "Pallet");
  CHECK(refused(s, {heavy(5001, 1)}, "DE", "Letter") == errc::invalid);
  CHECK(refused(s, {heavy(90'001, 1)}, "DE") == errc::no_shipping);
  CHECK(refused(s, {heavy(std::int64_t{1} << 62, 10'000)}, "DE") == errc::no_shipping);
}

TEST_CASE("shipping is not reckoned before the country is known", "[pricing]") {
  auto q = priced(shop(), {line(1000, 1)}, "", "Parcel");
  CHECK(q.shipping == 0);
  CHECK(q.offers.empty());
}

TEST_CASE("shipping is free by what the goods cost after discounts", "[pricing]") {
  auto s = shop(0);
  storage::discount_rule half;
  half.percent_ppm = 500'000;
  s.settings.discounts = {{{}, true, half}};
  CHECK(priced(s, {line(5000, 1)}).shipping == 490);
  CHECK(priced(s, {line(10'000, 1)}).shipping == 0);
}

TEST_CASE("gift cards pay in turn, and never more than the total", "[pricing]") {
  auto b = basket_of({line(1000, 1, false, false)}, "", "");
  b.gift_cards = {300, 0, 900, 50};
  auto q = std::get<quote>(price(shop(), b));
  CHECK(q.gift_cards == std::vector<std::int64_t>{300, 0, 700, 0});
  CHECK(q.to_pay == 0);
  b.gift_cards = {300};
  CHECK(std::get<quote>(price(shop(), b)).to_pay == 700);
}

TEST_CASE("a line without pieces is refused", "[pricing]") {
  CHECK(refused(shop(), {line(1000, 0)}, "DE") == errc::invalid);
  CHECK(refused(shop(), {line(-1, 1)}, "DE") == errc::invalid);
}
