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
