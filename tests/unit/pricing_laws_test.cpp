// What holds for every basket, whatever the store's rules are.

#include "actors/order/pricing.hpp"

#include <algorithm>
#include <numeric>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace souk;
using namespace souk::actors;
using storage::discount_kind;

namespace {

const storage::timestamp now{std::chrono::microseconds{1'700'000'000'000'000}};

storage::ulid id(int n) {
  storage::ulid u;
  u.bytes[15] = static_cast<std::uint8_t>(n);
  return u;
}

rc::Gen<std::int64_t> prices() {
  return rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 20), rc::gen::inRange<std::int64_t>(0, 10'000),
                        rc::gen::inRange<std::int64_t>(0, 10'000'000'000));
}

priced_line any_line() {
  priced_line l;
  l.variant.product_id = id(*rc::gen::inRange(1, 4));
  l.variant.id = id(*rc::gen::inRange(10, 14));
  l.variant.price = *prices();
  l.variant.taxable = *rc::gen::arbitrary<bool>();
  l.variant.requires_shipping = *rc::gen::arbitrary<bool>();
  l.variant.grams = *rc::gen::inRange<std::int64_t>(0, 3000);
  l.quantity = *rc::gen::inRange<std::int64_t>(1, 40);
  return l;
}

storage::discount_rule any_rule() {
  storage::discount_rule r;
  r.kind = *rc::gen::element(discount_kind::percent, discount_kind::fixed, discount_kind::free_shipping,
                             discount_kind::buy_x_get_y);
  r.percent_ppm = *rc::gen::inRange<std::int32_t>(0, 1'000'001);
  r.amount = *prices();
  for (int product = 1; product < 4; ++product)
    if (*rc::gen::inRange(0, 3) == 0)
      r.products.push_back(id(product));
  if (*rc::gen::arbitrary<bool>())
    r.gives = {id(*rc::gen::inRange(1, 4))};
  r.buy_quantity = *rc::gen::inRange<std::int64_t>(1, 5);
  r.get_quantity = *rc::gen::inRange<std::int64_t>(1, 4);
  r.minimum_subtotal = *rc::gen::element<std::int64_t>(0, 0, 1000);
  r.combines = *rc::gen::inRange(0, 3) != 0;
  return r;
}

storage::discount_row any_code(int n) {
  storage::discount_row d;
  d.id = id(100 + n);
  d.code = "CODE" + std::to_string(n);
  d.rule = any_rule();
  return d;
}

storage::store_row any_store() {
  storage::store_row s;
  s.currency = "EUR";
  s.tax_rate_ppm = *rc::gen::inRange<std::int32_t>(0, 300'000);
  s.tax_inclusive = *rc::gen::arbitrary<bool>();
  s.settings.shipping_taxed = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>())
    s.settings.tax_zones = {{"VAT", {"DE"}, *rc::gen::inRange<std::int32_t>(0, 300'000), *rc::gen::arbitrary<bool>()}};
  s.shipping_zones = {{"Home", {"DE"}, {{"Parcel", *rc::gen::inRange<std::int64_t>(0, 2000), *rc::gen::element<std::int64_t>(-1, 0, 5000)}}}};
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i)
    s.settings.discounts.push_back({id(200 + i), *rc::gen::arbitrary<bool>(), any_rule()});
  return s;
}

basket any_basket() {
  basket b;
  for (int i = *rc::gen::inRange(1, 7); i > 0; --i)
    b.lines.push_back(any_line());
  b.country = *rc::gen::element<std::string>("DE", "DE", "");
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
    b.codes.push_back(any_code(i));
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i)
    b.gift_cards.push_back(*prices());
  b.now = now;
  return b;
}

quote priced(const storage::store_row& s, const basket& b) {
  return std::get<quote>(price(s, b));
}

bool same(const quote& a, const quote& b) {
  auto codes = [](const quote& q) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& r : q.refused)
      out.emplace_back(r.code, r.why);
    return out;
  };
  return a.items == b.items && a.subtotal == b.subtotal && a.discount == b.discount && a.shipping == b.shipping
         && a.tax == b.tax && a.total == b.total && a.shipping_method == b.shipping_method && a.pricing == b.pricing
         && a.gift_cards == b.gift_cards && a.to_pay == b.to_pay && codes(a) == codes(b);
}

} // namespace

TEST_CASE("a quote adds up to the cent, and nothing in it is negative", "[pricing][laws]") {
  CHECK(rc::check([] {
    const auto s = any_store();
    const auto b = any_basket();
    const auto q = priced(s, b);
    std::int64_t subtotal = 0, discount = 0, tax = q.pricing.shipping_tax;
    for (const auto& item : q.items) {
      RC_ASSERT(item.total == item.unit_price * item.quantity);
      RC_ASSERT(item.discount >= 0);
      RC_ASSERT(item.discount <= item.total);
      RC_ASSERT(item.tax == tax_of(item.total - item.discount, item.tax_rate_ppm, s.tax_inclusive));
      subtotal += item.total;
      discount += item.discount;
      tax += item.tax;
    }
    RC_ASSERT(q.subtotal == subtotal);
    RC_ASSERT(q.discount == discount);
    RC_ASSERT(q.tax == tax);
    RC_ASSERT(q.total == subtotal - discount + q.shipping + (s.tax_inclusive ? 0 : tax));
    RC_ASSERT(q.shipping >= 0);
    RC_ASSERT(q.total >= 0);
    RC_ASSERT(!s.tax_inclusive || tax <= q.total);

    std::int64_t given = 0, shipping_given = 0;
    for (const auto& d : q.pricing.discounts) {
      RC_ASSERT(d.amount + d.shipping_amount > 0);
      given += d.amount;
      shipping_given += d.shipping_amount;
    }
    RC_ASSERT(given == discount);
    RC_ASSERT(shipping_given == q.pricing.shipping_before - q.shipping);
    std::int64_t taxes = 0;
    for (const auto& t : q.pricing.taxes)
      taxes += t.amount;
    RC_ASSERT(taxes == tax);

    std::int64_t cards = 0;
    RC_ASSERT(q.gift_cards.size() == b.gift_cards.size());
    for (std::size_t i = 0; i < q.gift_cards.size(); ++i) {
      RC_ASSERT(q.gift_cards[i] >= 0);
      RC_ASSERT(q.gift_cards[i] <= b.gift_cards[i]);
      cards += q.gift_cards[i];
    }
    RC_ASSERT(q.to_pay == q.total - cards);
    RC_ASSERT(q.to_pay >= 0);
    RC_ASSERT(q.to_pay == 0 || q.gift_cards == b.gift_cards); // a card is left only when nothing is
  }));
}

TEST_CASE("no code and no automatic discount ever makes an order dearer", "[pricing][laws]") {
  CHECK(rc::check([] {
    const auto s = any_store();
    const auto b = any_basket();
    auto fewer = b;
    auto total = priced(s, b).total;
    while (!fewer.codes.empty()) {
      fewer.codes.pop_back();
      auto dearer = priced(s, fewer).total;
      RC_ASSERT(total <= dearer);
      total = dearer;
    }
    auto bare = s;
    bare.settings.discounts.clear();
    RC_ASSERT(total <= priced(bare, fewer).total);
  }));
}

TEST_CASE("a quote is the same every time, and without the codes it refused", "[pricing][laws]") {
  CHECK(rc::check([] {
    const auto s = any_store();
    const auto b = any_basket();
    const auto q = priced(s, b);
    RC_ASSERT(same(q, priced(s, b)));
    auto useful = b;
    std::erase_if(useful.codes, [&](const auto& d) {
      return std::any_of(q.refused.begin(), q.refused.end(), [&](const auto& r) { return r.code == d.code; });
    });
    auto again = priced(s, useful);
    RC_ASSERT(again.refused.empty());
    RC_ASSERT(again.items == q.items);
    RC_ASSERT(again.pricing == q.pricing);
  }));
}

TEST_CASE("the order of lines and codes changes no sum", "[pricing][laws]") {
  CHECK(rc::check([] {
    const auto s = any_store();
    const auto b = any_basket();
    const auto q = priced(s, b);
    auto shuffled = b;
    std::vector<std::size_t> order(b.lines.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[*rc::gen::inRange<std::size_t>(0, i)]);
    for (std::size_t i = 0; i < order.size(); ++i)
      shuffled.lines[i] = b.lines[order[i]];
    std::reverse(shuffled.codes.begin(), shuffled.codes.end());
    const auto other = priced(s, shuffled);
    RC_ASSERT(other.total == q.total);
    RC_ASSERT(other.discount == q.discount);
    RC_ASSERT(other.tax == q.tax);
    RC_ASSERT(other.shipping == q.shipping);
    RC_ASSERT(other.to_pay == q.to_pay);
    for (std::size_t i = 0; i < order.size(); ++i) {
      RC_ASSERT(other.items[i].line == static_cast<std::int32_t>(i) + 1);
      RC_ASSERT(other.items[i].variant_id == b.lines[order[i]].variant.id);
      RC_ASSERT(other.items[i].quantity == b.lines[order[i]].quantity);
    }
  }));
}

TEST_CASE("amounts up to 2^53 are charged exactly, larger ones are refused", "[pricing][laws]") {
  CHECK(rc::check([] {
    const auto limit = std::int64_t{1} << 53;
    storage::store_row s;
    s.tax_rate_ppm = *rc::gen::inRange<std::int32_t>(0, 1'000'001);
    s.tax_inclusive = *rc::gen::arbitrary<bool>();
    basket b;
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
      b.lines.push_back(any_line());
      b.lines.back().variant.price = *rc::gen::inRange<std::int64_t>(limit / 16, limit + 2);
      b.lines.back().quantity = *rc::gen::element<std::int64_t>(1, 1, 2, 10'000);
    }
    b.codes = {any_code(1)};
    b.now = now;
    long double sum = 0;
    for (const auto& l : b.lines)
      sum += static_cast<long double>(l.variant.price) * static_cast<long double>(l.quantity);
    const auto out = price(s, b);
    if (const auto* q = std::get_if<quote>(&out)) {
      RC_ASSERT(q->total >= 0);
      RC_ASSERT(q->total <= limit);
      RC_ASSERT(q->subtotal <= limit);
      RC_ASSERT(static_cast<long double>(q->subtotal) == sum);
    } else {
      RC_ASSERT(std::get<caf::error>(out) == errc::invalid);
      RC_ASSERT(sum * 2 > static_cast<long double>(limit)); // at most doubled by the tax
    }
  }));
}
