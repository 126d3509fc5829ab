#include "simulation/world/run.hpp"

#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"
#include "simulation/world/nemesis.hpp"
#include "simulation/world/verdict.hpp"

#include <fmt/format.h>

namespace souk::simulation {

using namespace std::chrono_literals;

namespace {

struct plan {
  world_options world;
  std::uint64_t nodes = 1;
  market_plan market;
  nemesis_plan nemesis;
  std::vector<shop_plan> shops;
};

/// Everything about a run comes from its seed: calm ones, stormy ones, small and large batches, tight and roomy memory.
plan plan_of(std::uint64_t seed, mutant bug) {
  storage::simulated::random_source random(seed * 7919 + 13);
  plan p;
  auto& w = p.world;
  w.seed = seed;
  w.lanes = 1 + random.below(3);
  w.lane.batch_max = std::array<std::size_t, 4>{1, 4, 32, 256}[random.below(4)];
  w.shards.sweep_every = 5s;
  w.shards.idle = random.chance(0.5) ? 36'000s : 60s;
  w.shards.entities_max = random.chance(0.25) ? 8 + random.below(12) : 800;
  w.used.resize(1 + random.below(w.used.size()));
  w.worker_latency = microseconds{std::array<int, 3>{500, 5'000, 50'000}[random.below(3)]};
  w.slow_gateway = random.chance(0.3) ? 0.2 : 0;
  if (random.chance(0.5))
    w.gateway = {0.1, 0.1};
  auto storm = static_cast<double>(random.below(4)); // 0: the database never fails
  auto& f = w.faults;
  f.latency = microseconds{random.below(3'000)};
  f.slow = random.chance(0.3) ? 0.05 : 0;
  f.slow_up_to = 3s;
  f.unavailable = 0.01 * storm;
  f.lost_ack_applied = 0.008 * storm;
  f.lost_ack_dropped = 0.008 * storm;
  f.lost_ack_late = 0.008 * storm;
  f.fenced = 0.001 * storm;
  f.restart = 0.002 * storm;
  f.crash_in_commit = 0.002 * storm;
  f.read_unavailable = 0.005 * storm;

  p.nodes = 1 + random.below(nemesis::nodes_max);
  w.membership.moves_at_once = std::array<std::size_t, 3>{1, 2, 8}[random.below(3)];
  w.network.latency = microseconds{std::array<int, 3>{300, 2'000, 20'000}[random.below(3)]};
  if (random.chance(0.4)) {
    w.network.lost = 0.002;
    w.network.doubled = 0.005;
    w.network.overtaken = 0.01;
  }

  // An hour of a shop, a rush of minutes, or everybody within seconds.
  p.market.span = std::array<std::chrono::seconds, 3>{std::chrono::seconds{600 + random.below(3'000)},
                                                      std::chrono::seconds{20 + random.below(200)},
                                                      std::chrono::seconds{1 + random.below(10)}}[random.below(3)];
  p.market.purchases = 50 + static_cast<int>(random.below(80));
  p.nemesis.span = p.market.span;
  auto some = [&](std::uint64_t most) { return static_cast<int>(random.below(most + 1)); };
  auto& n = p.nemesis;
  n.crashes = some(3);
  n.pauses = some(2);
  n.replacements = some(2);
  n.joins = some(2);
  n.departures = some(1);
  n.cuts = some(2);
  n.broken_links = some(2);
  n.database_cuts = some(1);
  n.slow_times = some(1);
  n.restarts = some(1);
  n.silences = random.chance(0.3) ? 1 : 0;
  n.dead_consumers = some(1);
  auto shops = 1 + random.below(3);
  for (std::uint64_t i = 0; i < shops; ++i) {
    shop_plan s;
    s.variants = 1 + static_cast<int>(random.below(4));
    s.stock = static_cast<std::int64_t>(random.below(60));
    s.backorder = random.chance(0.2);
    s.low_stock_threshold = static_cast<std::int64_t>(random.below(5)) - 1;
    s.price = random.chance(0.1) ? 0 : 1'250;
    p.shops.push_back(s);
  }

  switch (bug) {
    case mutant::none: break;
    case mutant::ignore_fence: w.database_bugs.ignore_fence = true; break;
    case mutant::answer_before_commit: w.lane.answer_before_commit = true; break;
    case mutant::skip_idempotency_row: w.shop.skip_idempotency_row = true; break;
    case mutant::share_key_locks: w.database_bugs.share_key_locks = true; break;
    case mutant::serve_after_given: w.shards.serve_after_given = true; break;
    case mutant::give_without_drain: w.shards.give_without_drain = true; break;
    case mutant::resend_in_doubt: w.peers.resend_in_doubt = true; break;
  }
  return p;
}

} // namespace

run_result simulate(std::uint64_t seed, mutant bug, std::size_t lines) {
  auto p = plan_of(seed, bug);
  world w(p.world);
  for (const auto* name : {"mail", "search"}) {
    w.consumers.push_back(std::make_shared<recording_consumer>(name));
    w.consumers.back()->parks = false; // down at times, and waited for
  }
  std::vector<shop> shops;
  for (std::size_t i = 0; i < p.shops.size(); ++i)
    shops.push_back(open_shop(w, w.options.used[i % w.options.used.size()], p.shops[i]));
  std::vector<actors::caller> shoppers;
  for (int i = 0; i < 12; ++i) // guests have no row of their own
    shoppers.push_back(i < 8 ? sign_up(w) : signed_in(w.fresh_id()));
  for (std::uint64_t i = 0; i < p.nodes; ++i)
    w.start_node(std::string(1, static_cast<char>('a' + i)));
  w.run_for(2s);
  market people(w, shops, shoppers, p.market);
  nemesis trouble(w, p.nemesis);

  run_result out;
  out.seed = seed;
  auto began = w.time.now();
  verdict judge(w, people);
  // The rows must be right at every moment, not only in the end.
  for (int i = 0; i < 3 && out.held(); ++i) {
    w.run_for(microseconds{p.market.span} / 3);
    out.violations = judge.at_any_time();
  }
  if (out.held()) {
    trouble.stop();
    out.violations = judge.settles();
  }
  if (out.held()) {
    w.calm_down();
    w.run_for(60min); // reservations expire, payments settle, refunds are paid, events arrive
    out.violations = judge.at_rest();
  }
  out.acts = people.acts();
  out.steps = w.steps();
  out.crashes = trouble.crashes();
  out.nodes = w.processes();
  out.calls = w.net.sent(runtime::frame_kind::call);
  out.moves = w.moves();
  out.simulated = std::chrono::duration_cast<std::chrono::seconds>(w.time.now() - began);
  out.orders = w.db.dump().orders.size();
  if (!out.held())
    out.history = w.log.text(lines) + w.owners() + "\n";
  w.end(); // a run that broke a promise stops in the middle: the people it leaves waiting are told while they are there
  return out;
}

std::string run_result::story() const {
  return fmt::format("seed {} broke {} promise(s); to see it again: ./souk simulate --seed {}\n\n{}\n{}", seed,
                     violations.size(), seed, history, storage::checker::report(violations));
}

} // namespace souk::simulation
