#include "actors/supervisor/deadlines.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <map>

using namespace souk;
using actors::deadlines;

namespace {

storage::ulid order(int n) {
  storage::ulid id;
  id.bytes[14] = static_cast<std::uint8_t>(n >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

storage::timestamp at(int s) {
  return storage::timestamp{std::chrono::seconds{s}};
}

} // namespace

TEST_CASE("orders come out at their deadline, the earliest first", "[deadlines]") {
  deadlines d;
  d.watch(order(1), at(30));
  d.watch(order(2), at(10));
  d.watch(order(3), at(20));
  CHECK(d.next() == at(10));
  CHECK(d.take_due(at(9), 10).empty());
  CHECK(d.take_due(at(20), 10) == std::vector{order(2), order(3)});
  CHECK(d.next() == at(30));
}

TEST_CASE("watched again, the time moves", "[deadlines]") {
  deadlines d;
  d.watch(order(1), at(10));
  d.watch(order(1), at(50));
  CHECK(d.size() == 1);
  CHECK(d.next() == at(50));
  CHECK(d.take_due(at(20), 10).empty());
  d.watch(order(1), at(5));
  CHECK(d.take_due(at(20), 10) == std::vector{order(1)});
  CHECK(d.empty());
  CHECK_FALSE(d.next().has_value());
}

TEST_CASE("what is no longer watched never comes out", "[deadlines]") {
  deadlines d;
  d.watch(order(1), at(10));
  d.unwatch(order(1));
  d.unwatch(order(7));
  CHECK(d.take_due(at(100), 10).empty());
}

TEST_CASE("a burst comes out in portions", "[deadlines]") {
  deadlines d;
  for (int i = 0; i < 5; ++i)
    d.watch(order(i), at(i));
  CHECK(d.take_due(at(100), 3).size() == 3);
  CHECK(d.take_due(at(100), 3).size() == 2);
}

TEST_CASE("thousands that were paid in time do not disturb the rest", "[deadlines]") {
  deadlines d;
  for (int i = 0; i < 5000; ++i)
    d.watch(order(i), at(900 + i));
  for (int i = 0; i < 5000; ++i)
    if (i != 4321)
      d.unwatch(order(i));
  CHECK(d.size() == 1);
  CHECK(d.take_due(at(100'000), 10) == std::vector{order(4321)});
}

TEST_CASE("it does what a plain list of deadlines would do", "[deadlines]") {
  CHECK(rc::check([] {
    deadlines d;
    std::map<storage::ulid, storage::timestamp> model;
    auto commands = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(0, 4), rc::gen::inRange(0, 12), rc::gen::inRange(0, 50)));
    for (auto [what, n, when] : commands) {
      if (what < 2) {
        d.watch(order(n), at(when));
        model[order(n)] = at(when);
      } else if (what == 2) {
        d.unwatch(order(n));
        model.erase(order(n));
      } else {
        auto got = d.take_due(at(when), 1000);
        std::vector<std::pair<storage::timestamp, storage::ulid>> due;
        for (const auto& [id, t] : model)
          if (t <= at(when))
            due.emplace_back(t, id);
        std::sort(due.begin(), due.end());
        RC_ASSERT(got.size() == due.size());
        for (std::size_t i = 0; i < due.size(); ++i) {
          RC_ASSERT(got[i] == due[i].second);
          model.erase(due[i].second);
        }
      }
      RC_ASSERT(d.size() == model.size());
    }
  }));
}
