#include "actors/order/discounts.hpp"

#include <algorithm>
#include <numeric>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace souk;
using namespace souk::actors;
using storage::discount_kind;
using namespace std::chrono_literals;

namespace {

const storage::timestamp now{std::chrono::microseconds{1'700'000'000'000'000}};

storage::ulid id(int n) {
  storage::ulid u;
  u.bytes[14] = static_cast<std::uint8_t>(n / 256);
  u.bytes[15] = static_cast<std::uint8_t>(n % 256);
  return u;
}

storage::store_row shop(std::int32_t tax_ppm = 0, bool inclusive = false) {
  storage::store_row s;
  s.currency = "EUR";
  s.tax_rate_ppm = tax_ppm;
  s.tax_inclusive = inclusive;
  s.shipping_zones = {{"Home", {"DE"}, {{"Parcel", 490, 5000}, {"Express", 1290, -1}}}};
  return s;
}

priced_line line(int product, std::int64_t price, std::int64_t quantity, bool taxable = true) {
  priced_line l;
  l.variant.id = id(1000 + product);
  l.variant.product_id = id(product);
  l.variant.price = price;
  l.variant.taxable = taxable;
  l.quantity = quantity;
  return l;
}

storage::discount_row code(const std::string& name, discount_kind kind) {
  storage::discount_row d;
  d.id = id(static_cast<int>(name.front()) * 7 + static_cast<int>(name.back()));
  d.code = name;
  d.rule.kind = kind;
  d.rule.title = "Title of " + name;
  return d;
}
storage::discount_row percent(const std::string& name, std::int32_t ppm) {
  auto d = code(name, discount_kind::percent);
  d.rule.percent_ppm = ppm;
  return d;
}
storage::discount_row fixed(const std::string& name, std::int64_t amount) {
  auto d = code(name, discount_kind::fixed);
  d.rule.amount = amount;
  return d;
}
storage::discount_row buy_get(const std::string& name, std::int64_t buy, std::int64_t get, std::int32_t ppm = 1'000'000) {
  auto d = code(name, discount_kind::buy_x_get_y);
  d.rule.buy_quantity = buy;
  d.rule.get_quantity = get;
  d.rule.percent_ppm = ppm;
  return d;
}

basket of(std::vector<priced_line> lines, std::vector<storage::discount_row> codes, const std::string& country = "") {
  basket b;
  b.lines = std::move(lines);
  b.codes = std::move(codes);
  b.country = country;
  b.now = now;
  return b;
}

quote priced(const storage::store_row& s, const basket& b) {
  auto out = price(s, b);
  REQUIRE(std::holds_alternative<quote>(out));
  return std::get<quote>(out);
}

std::string why(const quote& q, const std::string& name) {
  for (const auto& r : q.refused)
    if (r.code == name)
      return r.why;
  return "";
}

} // namespace

TEST_CASE("a percentage is taken off the lines it is for", "[pricing][discounts]") {
  auto d = percent("TEN", 100'000);
  auto all = priced(shop(), of({line(1, 1000, 2), line(2, 505, 1)}, {d}));
  CHECK(all.subtotal == 2505);
  CHECK(all.discount == 251); // 250.5 is rounded up, once for the whole
  CHECK(all.items[0].discount + all.items[1].discount == 251);
  CHECK(all.total == 2505 - 251);
  REQUIRE(all.pricing.discounts.size() == 1);
  CHECK(all.pricing.discounts[0] == storage::given_discount{"TEN", "Title of TEN", 251, 0});
  CHECK(all.refused.empty());

  d.rule.products = {id(2)};
  auto one = priced(shop(), of({line(1, 1000, 2), line(2, 505, 1)}, {d}));
  CHECK(one.items[0].discount == 0);
  CHECK(one.items[1].discount == 51);
}

TEST_CASE("an amount is spread over the lines to the cent, and never more than they cost", "[pricing][discounts]") {
  auto q = priced(shop(), of({line(1, 100, 1), line(2, 100, 1), line(3, 100, 1)}, {fixed("OFF", 100)}));
  CHECK(q.discount == 100);
  CHECK(q.items[0].discount == 34);
  CHECK(q.items[1].discount == 33);
  CHECK(q.items[2].discount == 33);
  auto all = priced(shop(), of({line(1, 100, 1)}, {fixed("OFF", 500)}));
  CHECK(all.discount == 100);
  CHECK(all.total == 0);
  CHECK(all.pricing.discounts[0].amount == 100);
}

TEST_CASE("percentages come before amounts, whatever the order of the codes", "[pricing][discounts]") {
  auto a = priced(shop(), of({line(1, 10'000, 1)}, {fixed("FIVE", 500), percent("TEN", 100'000)}));
  auto b = priced(shop(), of({line(1, 10'000, 1)}, {percent("TEN", 100'000), fixed("FIVE", 500)}));
  CHECK(a.discount == 1500);
  CHECK(b.discount == 1500);
}

TEST_CASE("a discount that does not combine stands alone when it is the best", "[pricing][discounts]") {
  auto strong = percent("BIG", 300'000);
  strong.rule.combines = false;
  auto q = priced(shop(), of({line(1, 1000, 1)}, {percent("TEN", 100'000), fixed("ONE", 100), strong}));
  CHECK(q.discount == 300);
  CHECK(why(q, "TEN") == "does_not_combine");
  CHECK(why(q, "ONE") == "does_not_combine");
  strong.rule.percent_ppm = 150'000;
  q = priced(shop(), of({line(1, 1000, 1)}, {percent("TEN", 100'000), fixed("ONE", 100), strong}));
  CHECK(q.discount == 200);
  CHECK(why(q, "BIG") == "does_not_combine");
}

TEST_CASE("automatic discounts are given without a code", "[pricing][discounts]") {
  auto s = shop();
  s.settings.discounts = {{id(1), true, percent("A", 100'000).rule}, {id(2), false, percent("B", 500'000).rule}};
  auto q = priced(s, of({line(1, 1000, 1)}, {}));
  CHECK(q.discount == 100);
  REQUIRE(q.pricing.discounts.size() == 1);
  CHECK(q.pricing.discounts[0].code.empty());
}

TEST_CASE("a code that cannot be given says why", "[pricing][discounts]") {
  std::vector<priced_line> lines{line(1, 1000, 2)};
  auto refused = [&](storage::discount_row d) {
    auto q = priced(shop(), of(lines, {d}));
    CHECK((q.discount == 0) == !why(q, d.code).empty());
    return why(q, d.code);
  };
  auto d = percent("TEN", 100'000);
  d.rule.starts_at = now + 1s;
  CHECK(refused(d) == "not_started");
  d.rule.starts_at = now;
  d.rule.ends_at = now;
  CHECK(refused(d) == "expired");
  d = percent("TEN", 100'000);
  d.rule.products = {id(9)};
  CHECK(refused(d) == "no_product");
  d = percent("TEN", 100'000);
  d.rule.minimum_subtotal = 2001;
  CHECK(refused(d) == "minimum_not_reached");
  d.rule.minimum_subtotal = 2000;
  CHECK(refused(d) == "");
  d.rule.minimum_quantity = 3;
  CHECK(refused(d) == "minimum_not_reached");
  d = percent("TEN", 100'000);
  d.active = false;
  CHECK(refused(d) == "inactive");
  d = percent("TEN", 100'000);
  d.usage_limit = d.used = 5;
  CHECK(refused(d) == "used_up");
  CHECK(refused(code("SHIP", discount_kind::free_shipping)) == "no_benefit"); // not known where to
  CHECK(refused(buy_get("GET", 2, 1)) == "minimum_not_reached");
}

TEST_CASE("minima count only the lines that the discount is for", "[pricing][discounts]") {
  auto d = percent("TEN", 100'000);
  d.rule.products = {id(1)};
  d.rule.minimum_subtotal = 1500;
  CHECK(why(priced(shop(), of({line(1, 1000, 1), line(2, 1000, 1)}, {d})), "TEN") == "minimum_not_reached");
  CHECK(priced(shop(), of({line(1, 1000, 2), line(2, 1000, 1)}, {d})).discount == 200);
}

TEST_CASE("a code given twice counts once", "[pricing][discounts]") {
  auto d = percent("TEN", 100'000);
  auto q = priced(shop(), of({line(1, 1000, 1)}, {d, d}));
  CHECK(q.discount == 100);
  CHECK(q.refused.empty());
}

TEST_CASE("shipping can be given", "[pricing][discounts]") {
  auto q = priced(shop(), of({line(1, 1000, 1)}, {code("SHIP", discount_kind::free_shipping)}, "DE"));
  CHECK(q.shipping == 0);
  CHECK(q.discount == 0);
  CHECK(q.pricing.shipping_before == 490);
  CHECK(q.pricing.discounts.at(0).shipping_amount == 490);
  CHECK(q.total == 1000);
  auto free = priced(shop(), of({line(1, 9000, 1)}, {code("SHIP", discount_kind::free_shipping)}, "DE"));
  CHECK(why(free, "SHIP") == "no_benefit");
}

TEST_CASE("a discount that would cost free shipping is not given", "[pricing][discounts]") {
  auto q = priced(shop(), of({line(1, 5000, 1)}, {percent("ONE", 10'000)}, "DE"));
  CHECK(q.total == 5000);
  CHECK(why(q, "ONE") == "no_benefit");
  CHECK(priced(shop(), of({line(1, 5000, 1)}, {percent("TEN", 200'000)}, "DE")).total == 4000 + 490);
}

TEST_CASE("every third piece is free, the cheapest first", "[pricing][discounts]") {
  auto d = buy_get("GET", 2, 1);
  CHECK(priced(shop(), of({line(1, 1000, 2)}, {d})).discount == 0);
  CHECK(priced(shop(), of({line(1, 1000, 3)}, {d})).discount == 1000);
  CHECK(priced(shop(), of({line(1, 1000, 5)}, {d})).discount == 1000);
  auto mixed = priced(shop(), of({line(1, 1000, 4), line(2, 300, 1), line(3, 500, 3)}, {d}));
  CHECK(mixed.items[0].discount == 0);
  CHECK(mixed.items[1].discount == 300);
  CHECK(mixed.items[2].discount == 500);
  auto half = priced(shop(), of({line(1, 333, 3)}, {buy_get("GET", 2, 1, 500'000)}));
  CHECK(half.discount == 167);
}

TEST_CASE("what is bought and what is given can be different goods", "[pricing][discounts]") {
  auto d = buy_get("GET", 2, 1);
  d.rule.products = {id(1)};
  d.rule.gives = {id(2)};
  CHECK(why(priced(shop(), of({line(1, 1000, 4)}, {d})), "GET") == "no_product");
  CHECK(why(priced(shop(), of({line(1, 1000, 1), line(2, 300, 4)}, {d})), "GET") == "minimum_not_reached");
  auto q = priced(shop(), of({line(1, 1000, 5), line(2, 300, 4)}, {d}));
  CHECK(q.items[0].discount == 0);
  CHECK(q.items[1].discount == 600);
}

TEST_CASE("a piece that is given does not count as bought", "[pricing][discounts]") {
  auto d = buy_get("GET", 2, 1);
  d.rule.gives = {id(2)}; // any two bought give one of these
  CHECK(priced(shop(), of({line(2, 300, 2)}, {d})).discount == 0);
  CHECK(priced(shop(), of({line(2, 300, 3)}, {d})).discount == 300);
  CHECK(priced(shop(), of({line(1, 900, 1), line(2, 300, 2)}, {d})).discount == 300);
  CHECK(priced(shop(), of({line(1, 900, 4), line(2, 300, 9)}, {d})).discount == 4 * 300);
}

TEST_CASE("given pieces are never more than there are, nor given without enough being bought", "[pricing][discounts]") {
  CHECK(rc::check([] {
    auto amount = rc::gen::inRange<std::int64_t>(1, 30);
    std::vector<priced_line> lines;
    for (int i = 0; i < *rc::gen::inRange(1, 6); ++i)
      lines.push_back(line(*rc::gen::inRange(1, 4), *rc::gen::inRange<std::int64_t>(0, 500), *amount));
    auto rule = buy_get("GET", *amount, *amount).rule;
    rule.products = *rc::gen::elementOf(std::vector<std::vector<storage::ulid>>{{}, {id(1)}, {id(1), id(2)}});
    rule.gives = *rc::gen::elementOf(std::vector<std::vector<storage::ulid>>{{}, {id(1)}, {id(2), id(3)}});
    auto given = given_pieces(rule, lines);
    std::int64_t all = 0, left_to_buy = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      RC_ASSERT(given[i] >= 0);
      RC_ASSERT(given[i] <= lines[i].quantity);
      auto is = [&](const auto& set) {
        return set.empty() || std::find(set.begin(), set.end(), lines[i].variant.product_id) != set.end();
      };
      RC_ASSERT(given[i] == 0 || is(rule.gives.empty() ? rule.products : rule.gives));
      all += given[i];
      if (is(rule.products))
        left_to_buy += lines[i].quantity - given[i];
    }
    RC_ASSERT((all + rule.get_quantity - 1) / rule.get_quantity * rule.buy_quantity <= left_to_buy);
  }));
}

TEST_CASE("an amount is spread exactly, and each part is within a unit of its share", "[pricing][discounts]") {
  CHECK(rc::check([] {
    auto weights = *rc::gen::container<std::vector<std::int64_t>>(
      rc::gen::oneOf(rc::gen::just<std::int64_t>(0), rc::gen::inRange<std::int64_t>(0, 1000),
                     rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 45)));
    weights.resize(std::min<std::size_t>(weights.size(), 100));
    auto sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
    auto amount = *rc::gen::inRange<std::int64_t>(0, sum + 1);
    auto parts = spread(amount, weights);
    RC_ASSERT(parts.size() == weights.size());
    RC_ASSERT(std::accumulate(parts.begin(), parts.end(), std::int64_t{0}) == amount);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      RC_ASSERT(parts[i] >= 0);
      RC_ASSERT(parts[i] <= weights[i]);
      auto share = sum == 0 ? 0.0L : static_cast<long double>(amount) * static_cast<long double>(weights[i]) / static_cast<long double>(sum);
      RC_ASSERT(std::abs(static_cast<long double>(parts[i]) - share) < 1.0L + 1e-9L);
    }
  }));
}

TEST_CASE("more discounts than can be tried in every subset still give the best of all and each", "[pricing][discounts]") {
  std::vector<storage::discount_row> codes;
  for (char c = 'A'; c < 'I'; ++c)
    codes.push_back(fixed(std::string(1, c) + "X", 10));
  auto q = priced(shop(), of({line(1, 1000, 1)}, codes));
  CHECK(q.discount == 80);
  CHECK(q.pricing.discounts.size() == 8);
  codes.push_back(fixed("ZZ", 5000));
  q = priced(shop(), of({line(1, 70, 1)}, codes));
  CHECK(q.total == 0); // nothing is left for some, who say so
  CHECK(q.pricing.discounts.size() + q.refused.size() == codes.size());
}
