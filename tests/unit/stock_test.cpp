#include "actors/inventory/stock.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <map>

using namespace souk;
using actors::stock;

namespace {

storage::ulid order(int n) {
  storage::ulid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

stock shelf(std::int64_t on_hand, bool backorder = false, std::int64_t threshold = -1) {
  storage::stock_snapshot rows;
  rows.level.on_hand = on_hand;
  rows.level.backorder = backorder;
  rows.level.low_stock_threshold = threshold;
  return stock{rows};
}

} // namespace

TEST_CASE("a hold takes from what is available, not from what is there", "[stock]") {
  auto s = shelf(10);
  CHECK(s.hold(order(1), 4));
  CHECK(s.on_hand() == 10);
  CHECK(s.reserved() == 4);
  CHECK(s.available() == 6);
}

TEST_CASE("more than is available is not held, unless back-orders are allowed", "[stock]") {
  auto s = shelf(3);
  CHECK_FALSE(s.hold(order(1), 4));
  CHECK(s.available() == 3);
  auto b = shelf(3, true);
  CHECK(b.hold(order(1), 4));
  CHECK(b.available() == -1);
}

TEST_CASE("the same order holds once, however often it asks", "[stock]") {
  auto s = shelf(5);
  CHECK(s.hold(order(1), 3));
  CHECK(s.hold(order(1), 3));
  CHECK_FALSE(s.hold(order(1), 2)); // another quantity is another wish
  CHECK(s.reserved() == 3);
}

TEST_CASE("a quantity of nothing is not held", "[stock]") {
  auto s = shelf(5);
  CHECK_FALSE(s.hold(order(1), 0));
  CHECK_FALSE(s.hold(order(1), -2));
  CHECK(s.reserved() == 0);
}

TEST_CASE("claimed goods leave the shelf, released ones stay; told twice it happens once", "[stock]") {
  auto s = shelf(10);
  REQUIRE((s.hold(order(1), 4) && s.hold(order(2), 3)));
  s.claim(order(1));
  s.claim(order(1));
  s.release(order(2));
  s.release(order(2));
  s.release(order(9));
  CHECK(s.on_hand() == 6);
  CHECK(s.reserved() == 0);
}

TEST_CASE("open reservations are found again in the rows", "[stock]") {
  storage::stock_snapshot rows;
  rows.level.on_hand = 9;
  rows.level.reserved = 5;
  rows.open.resize(2);
  rows.open[0].order_id = order(1);
  rows.open[0].quantity = 2;
  rows.open[1].order_id = order(2);
  rows.open[1].quantity = 3;
  stock s{rows};
  CHECK(s.reserved() == 5);
  CHECK(s.held_for(order(1)) == 2);
  s.claim(order(2));
  CHECK(s.available() == 4);
}

TEST_CASE("what is reserved cannot be adjusted away", "[stock]") {
  auto s = shelf(10);
  REQUIRE(s.hold(order(1), 7));
  CHECK(s.may_adjust(-3));
  CHECK_FALSE(s.may_adjust(-4));
  CHECK_FALSE(shelf(2, true).may_adjust(-3)); // not below nothing, even with back-orders
  CHECK_FALSE(shelf(2).may_adjust(INT64_MAX));
}

TEST_CASE("back-orders are turned off only when what is reserved is there", "[stock]") {
  auto s = shelf(3, true);
  REQUIRE(s.hold(order(1), 4));
  CHECK_FALSE(s.may_deny_backorder());
  s.give(1);
  CHECK(s.may_deny_backorder());
}

TEST_CASE("the low-stock alert is given once per crossing", "[stock]") {
  auto s = shelf(5, false, 2);
  auto before = s.available();
  REQUIRE(s.hold(order(1), 2)); // 3 left
  CHECK_FALSE(s.crosses_threshold(before));
  before = s.available();
  REQUIRE(s.hold(order(2), 1)); // 2 left
  CHECK(s.crosses_threshold(before));
  before = s.available();
  REQUIRE(s.hold(order(3), 1));
  CHECK_FALSE(s.crosses_threshold(before));
  CHECK_FALSE(shelf(1).crosses_threshold(9)); // no threshold, no alert
}

TEST_CASE("whatever is commanded, stock is never promised twice", "[stock]") {
  CHECK(rc::check("without back-orders 0 <= reserved <= on_hand, and reserved is the sum of the holds", [] {
    auto s = shelf(*rc::gen::inRange<std::int64_t>(0, 40));
    std::map<int, std::int64_t> held;
    auto commands = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(0, 5), rc::gen::inRange(1, 8), rc::gen::inRange(-3, 12)));
    for (auto [what, who, quantity] : commands) {
      switch (what) {
        case 0:
        case 1:
          if (s.hold(order(who), quantity))
            held[who] = quantity;
          break;
        case 2:
          s.release(order(who));
          held.erase(who);
          break;
        case 3:
          s.claim(order(who));
          held.erase(who);
          break;
        default:
          if (s.may_adjust(quantity)) {
            if (quantity < 0)
              s.take(-quantity);
            else
              s.give(quantity);
          }
      }
      std::int64_t sum = 0;
      for (auto [w, q] : held)
        sum += q;
      RC_ASSERT(s.reserved() == sum);
      RC_ASSERT(s.open_holds() == held.size());
      RC_ASSERT(s.reserved() >= 0);
      RC_ASSERT(s.reserved() <= s.on_hand());
    }
  }));
}
