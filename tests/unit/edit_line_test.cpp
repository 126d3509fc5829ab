#include "actors/edit_line.hpp"

#include <catch2/catch.hpp>

#include <vector>

using souk::actors::edit_line;

TEST_CASE("edits go one at a time, in order", "[edit_line]") {
  edit_line line{2};
  std::vector<int> seen;
  auto edit = [&](int n) { return [&seen, n] { seen.push_back(n); }; };
  CHECK(line.enter(edit(1)));
  CHECK(line.enter(edit(2)));
  CHECK(line.enter(edit(3)));
  CHECK(seen == std::vector{1});
  CHECK_FALSE(line.enter(edit(4))); // two are waiting
  line.leave();
  CHECK(seen == std::vector{1, 2});
  CHECK(line.enter(edit(5)));
  line.leave();
  line.leave();
  CHECK(seen == std::vector{1, 2, 3, 5});
  CHECK(line.busy());
  line.leave();
  CHECK_FALSE(line.busy());
}

TEST_CASE("edits with nothing to write leave at once, however many", "[edit_line]") {
  edit_line line{100'000};
  int done = 0;
  line.enter([] {});
  for (int i = 0; i < 100'000; ++i)
    line.enter([&] {
      ++done;
      line.leave();
    });
  CHECK(done == 0);
  line.leave();
  CHECK(done == 100'000);
  CHECK_FALSE(line.busy());
}
