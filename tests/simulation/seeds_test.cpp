#include "simulation/world/run.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <ctime>

using namespace souk::simulation;

namespace {

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
  const auto* text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t seeds() {
  return number_in("SOUK_SEEDS", 1000);
}

/// Faults are expected here: what the runtime has to say about them would drown what the tests have to say.
struct quiet {
  spdlog::level::level_enum before = spdlog::get_level();
  quiet() {
    if (std::getenv("SOUK_LOG_LEVEL") == nullptr)
      spdlog::set_level(spdlog::level::off);
  }
  ~quiet() { spdlog::set_level(before); }
};

} // namespace

TEST_CASE("whatever goes wrong, every promise holds", "[seeds]") {
  quiet hush;
  auto only = number_in("SOUK_SEED", 0);
  auto first = only != 0 ? only : number_in("SOUK_FIRST_SEED", 1);
  auto last = only != 0 ? only : first + seeds() - 1;
  run_result sum;
  std::vector<std::string> broken;
  auto began = std::clock();
  for (auto seed = first; seed <= last; ++seed) {
    auto run = simulate(seed, mutant::none, number_in("SOUK_HISTORY", 400));
    if (!run.held()) {
      if (broken.empty())
        fmt::print(stderr, "{}\n", run.story()); // Catch would break its lines
      broken.push_back(fmt::format("seed {}: {}: {}", seed, run.violations.front().invariant, run.violations.front().what));
      if (broken.size() == 10)
        break;
    }
    sum.acts += run.acts;
    sum.steps += run.steps;
    sum.orders += run.orders;
    sum.crashes += run.crashes;
    sum.nodes += run.nodes;
    sum.calls += run.calls;
    sum.moves += run.moves;
    sum.simulated += run.simulated;
  }
  auto cpu = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  auto hours = static_cast<double>(sum.simulated.count()) / 3600;
  fmt::print("{} seeds: {:.0f} shop-hours, {} acts, {} orders, {} processes, {} crashes, {} shards moved, {} calls between nodes, "
             "{} messages in {:.1f} s of CPU time: {:.0f} shop-hours per CPU minute\n",
             last - first + 1, hours, sum.acts, sum.orders, sum.nodes, sum.crashes, sum.moves, sum.calls, sum.steps, cpu,
             hours / cpu * 60);
  for (const auto& what : broken)
    UNSCOPED_INFO(what);
  CHECK(broken.empty());
  CHECK(sum.orders > 0);
}

TEST_CASE("the same seed gives the same run", "[seeds]") {
  quiet hush;
  for (std::uint64_t seed : {3, 4, 5}) {
    auto a = simulate(seed), b = simulate(seed);
    CHECK(a.steps == b.steps);
    CHECK(a.orders == b.orders);
    CHECK(a.simulated == b.simulated);
  }
}

// Each of these bugs loses an order or sells twice. A simulation that does not notice would be worth nothing.
TEST_CASE("a deliberate bug is caught", "[mutants]") {
  quiet hush;
  auto [bug, name] = GENERATE(table<mutant, std::string>({{mutant::ignore_fence, "the fence is ignored"},
                                                          {mutant::share_key_locks, "the fence shares its lock with take-overs"},
                                                          {mutant::serve_after_given, "who gave a shard away serves it"},
                                                          {mutant::give_without_drain, "a shard is given away undrained"},
                                                          {mutant::resend_in_doubt, "what is in doubt is asked again"},
                                                          {mutant::answer_before_commit, "the answer goes out before the commit"},
                                                          {mutant::skip_idempotency_row, "the idempotency row is skipped"}}));
  std::uint64_t caught_by = 0;
  std::string how;
  for (std::uint64_t seed = 1; seed <= seeds() && caught_by == 0; ++seed)
    if (auto run = simulate(seed, bug); !run.held()) {
      caught_by = seed;
      how = run.violations.front().invariant;
    }
  fmt::print("{}: caught by seed {}, {}\n", name, caught_by, how);
  INFO(name);
  CHECK(caught_by != 0);
}
