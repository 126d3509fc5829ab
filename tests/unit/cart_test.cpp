#include "actors/cart/cart.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>

using namespace souk;
using actors::cart;
using actors::errc;
using actors::stock_view;
using storage::cart_line;
using storage::timestamp;
using storage::ulid;

namespace {

const timestamp noon{std::chrono::microseconds{1'700'000'000'000'000}};

ulid id_of(int n) {
  ulid out;
  out.bytes[14] = static_cast<std::uint8_t>(n >> 8);
  out.bytes[15] = static_cast<std::uint8_t>(n & 255);
  return out;
}

stock_view offer_of(int variant, std::int64_t available, std::int64_t price = 500) {
  stock_view out;
  out.variant.id = id_of(variant);
  out.variant.product_id = id_of(1000 + variant);
  out.variant.price = price;
  out.variant.option_values = {"M", "red"};
  out.variant.sku = "SKU";
  out.product_title = "Shirt";
  out.sellable = true;
  out.on_hand = out.available = available;
  return out;
}

cart_line line_of(int variant, std::int64_t quantity) {
  return {id_of(1000 + variant), id_of(variant), quantity, 500, noon};
}

std::map<ulid, std::int64_t> goods(const cart& c) {
  std::map<ulid, std::int64_t> out;
  for (const auto& l : c.lines())
    out[l.variant_id] = l.quantity;
  return out;
}

/// What no sequence of commands may break.
void holds(const cart& c) {
  RC_ASSERT(c.lines().size() <= cart::lines_max);
  RC_ASSERT(goods(c).size() == c.lines().size()); // one line per variant
  std::int64_t sum = 0;
  for (const auto& l : c.lines()) {
    RC_ASSERT(l.quantity >= 1);
    RC_ASSERT(l.quantity <= cart::quantity_max);
    sum += l.quantity;
  }
  RC_ASSERT(c.item_count() == sum);
}

std::vector<cart_line> any_lines(int count_max) {
  std::vector<cart_line> out;
  auto variants = *rc::gen::unique<std::vector<int>>(rc::gen::inRange(1, 130));
  for (int v : variants)
    if (static_cast<int>(out.size()) < count_max)
      out.push_back(line_of(v, *rc::gen::inRange<std::int64_t>(1, 10'001)));
  return out;
}

cart full_cart() {
  cart out;
  for (int v = 1; v <= 100; ++v) {
    auto offer = offer_of(v, 10);
    REQUIRE_FALSE(out.add({}, id_of(v), 1, &offer, noon));
  }
  return out;
}

} // namespace

TEST_CASE("whatever is done to a cart, it stays a cart", "[cart]") {
  CHECK(rc::check([] {
    cart c;
    std::map<ulid, std::int64_t> model;
    auto steps = *rc::gen::inRange(0, 250);
    for (int i = 0; i < steps; ++i) {
      auto v = *rc::gen::inRange(1, 130);
      auto quantity =
        *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(-3, 20), rc::gen::inRange<std::int64_t>(0, 11'000));
      auto offer = offer_of(v, *rc::gen::inRange<std::int64_t>(-5, 11'000));
      offer.sellable = *rc::gen::inRange(0, 10) > 0;
      offer.backorder = *rc::gen::inRange(0, 4) == 0;
      auto before = goods(c);
      switch (*rc::gen::inRange(0, 5)) {
        case 0:
        case 1: {
          auto no = c.add({}, id_of(v), quantity, &offer, noon);
          if (no) {
            RC_ASSERT(goods(c) == before);
          } else {
            auto now = goods(c)[id_of(v)];
            RC_ASSERT(now == before[id_of(v)] + quantity);
            RC_ASSERT(offer.sellable);
            RC_ASSERT(offer.backorder || now <= offer.available);
          }
          break;
        }
        case 2: {
          auto no = c.set(id_of(v), quantity, &offer);
          if (no)
            RC_ASSERT(goods(c) == before);
          else if (quantity == 0)
            RC_ASSERT(c.find(id_of(v)) == nullptr);
          else
            RC_ASSERT(c.find(id_of(v))->quantity == quantity);
          break;
        }
        case 3:
          c.merge({line_of(v, std::clamp<std::int64_t>(quantity, 1, 10'000))});
          break;
        default:
          c.take_out({line_of(v, std::max<std::int64_t>(quantity, 0))});
          break;
      }
      holds(c);
    }
    c.clear();
    RC_ASSERT(c.item_count() == 0);
  }));
}

TEST_CASE("merging twice is merging once, and nobody's goods get fewer", "[cart]") {
  CHECK(rc::check([] {
    cart c{any_lines(100)};
    auto mine = goods(c);
    auto guest = any_lines(100);
    c.merge(guest);
    holds(c);
    auto once = c.lines();
    for (const auto& [variant, quantity] : mine)
      RC_ASSERT(c.find(variant)->quantity >= quantity);
    for (const auto& l : guest)
      if (const auto* there = c.find(l.variant_id))
        RC_ASSERT(there->quantity == std::max(l.quantity, mine[l.variant_id]));
      else
        RC_ASSERT(c.lines().size() == cart::lines_max); // only a full cart leaves something out
    c.merge(guest);
    RC_ASSERT(c.lines() == once);
  }));
}

TEST_CASE("what was ordered leaves and what was put in meanwhile stays", "[cart]") {
  CHECK(rc::check([] {
    auto ordered = any_lines(60);
    cart c{ordered};
    auto meanwhile = any_lines(60);
    std::map<ulid, std::int64_t> extra;
    for (const auto& l : meanwhile) {
      stock_view offer = offer_of(1, 1'000'000);
      offer.variant.id = l.variant_id;
      if (!c.add({}, l.variant_id, l.quantity, &offer, noon))
        extra[l.variant_id] = l.quantity;
    }
    c.take_out(ordered);
    holds(c);
    RC_ASSERT(goods(c) == extra);
    c.take_out(ordered); // never below nothing
    holds(c);
  }));
}

TEST_CASE("a cart takes only what is for sale, of the product it was said to be", "[cart]") {
  cart c;
  auto offer = offer_of(1, 5);
  CHECK(c.add({}, id_of(1), 1, nullptr, noon)->why.code == errc::product_unavailable);
  CHECK(c.add(id_of(77), id_of(1), 1, &offer, noon)->why.code == errc::product_unavailable);
  offer.sellable = false;
  CHECK(c.add({}, id_of(1), 1, &offer, noon)->why.code == errc::product_unavailable);
  offer.sellable = true;
  REQUIRE_FALSE(c.add(id_of(1001), id_of(1), 1, &offer, noon));
  REQUIRE(c.lines().size() == 1);
  CHECK(c.lines()[0] == cart_line{id_of(1001), id_of(1), 1, 500, noon});
}

TEST_CASE("a cart holds no more than there is, unless back-orders are allowed", "[cart]") {
  cart c;
  auto offer = offer_of(1, 5);
  REQUIRE_FALSE(c.add({}, id_of(1), 3, &offer, noon));
  auto no = c.add({}, id_of(1), 3, &offer, noon);
  REQUIRE(no);
  CHECK(no->why.code == errc::out_of_stock);
  REQUIRE(no->lines.size() == 1);
  CHECK(no->lines[0].variant_id == id_of(1));
  CHECK(no->lines[0].requested == 6);
  CHECK(no->lines[0].available == 5);
  CHECK(c.find(id_of(1))->quantity == 3);
  REQUIRE_FALSE(c.add({}, id_of(1), 2, &offer, noon));
  offer.available = -4; // sold elsewhere, oversold by back-orders before
  CHECK(c.set(id_of(1), 6, &offer)->lines[0].available == 0);
  CHECK_FALSE(c.set(id_of(1), 4, &offer)); // less is always possible
  offer.backorder = true;
  CHECK_FALSE(c.set(id_of(1), 4000, &offer));
}

TEST_CASE("quantities are 1 to 10,000 and lines at most 100", "[cart]") {
  auto offer = offer_of(1, 1'000'000);
  cart c;
  for (std::int64_t bad : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, std::int64_t{10'001}, INT64_MAX}) {
    auto no = c.add({}, id_of(1), bad, &offer, noon);
    REQUIRE(no);
    CHECK(no->why.code == errc::invalid);
    CHECK(no->why.field == "quantity");
  }
  REQUIRE_FALSE(c.add({}, id_of(1), 10'000, &offer, noon));
  CHECK(c.add({}, id_of(1), 1, &offer, noon)->why.field == "quantity");
  CHECK(c.set(id_of(1), 10'001, &offer)->why.field == "quantity");
  CHECK(c.set(id_of(1), -1, &offer)->why.field == "quantity");
  CHECK(c.set(id_of(2), 1, &offer)->why.code == errc::not_found);
  CHECK_FALSE(c.set(id_of(2), 0, &offer)); // what is not there is out already

  auto full = full_cart();
  auto more = offer_of(101, 10);
  CHECK(full.add({}, id_of(101), 1, &more, noon)->why.code == errc::limit_exceeded);
  auto first = offer_of(1, 10);
  CHECK_FALSE(full.add({}, id_of(1), 1, &first, noon)); // more of a line that is there
  full.merge({line_of(101, 1)});
  CHECK(full.lines().size() == 100);
}

TEST_CASE("a line shows how the offer has changed", "[cart]") {
  auto line = line_of(1, 2);
  auto offer = offer_of(1, 7, 650);
  auto shown = actors::show(line, &offer);
  CHECK(shown.price == 650);
  CHECK(shown.price_changed);
  CHECK(shown.available == 7);
  CHECK(shown.variant_title == "M / red");
  CHECK(shown.sellable);
  cart c{{line}};
  c.saw(id_of(1), 650);
  CHECK_FALSE(actors::show(c.lines()[0], &offer).price_changed);
  auto gone = actors::show(line, nullptr);
  CHECK_FALSE(gone.sellable);
  CHECK(gone.price == 500);
  CHECK(gone.quantity == 2);
}

TEST_CASE("two carts hold the same goods in whatever order", "[cart]") {
  CHECK(rc::check([] {
    auto lines = any_lines(100);
    cart a{lines};
    std::reverse(lines.begin(), lines.end());
    cart b{lines};
    RC_ASSERT(a.same_goods(b));
    if (!lines.empty()) {
      ++lines.front().quantity;
      RC_ASSERT(!a.same_goods(cart{lines}));
      lines.erase(lines.begin());
      RC_ASSERT(!a.same_goods(cart{lines}));
      RC_ASSERT(!cart{lines}.same_goods(a));
    }
  }));
}
