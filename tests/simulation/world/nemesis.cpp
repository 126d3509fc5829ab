#include "simulation/world/nemesis.hpp"

#include <fmt/format.h>

namespace souk::simulation {

using namespace std::chrono_literals;

nemesis::nemesis(world& w, const nemesis_plan& plan) : world_(w) {
  auto at_some_time = [&](int times, auto what) {
    for (int i = 0; i < times; ++i)
      w.time.in(microseconds{w.random.below(static_cast<std::uint64_t>(microseconds{plan.span}.count()))}, [this, what] {
        if (!stopped_)
          what();
      });
  };
  at_some_time(plan.crashes, [this] { crash(); });
  at_some_time(plan.take_overs, [this] { take_over(); });
  at_some_time(plan.releases, [this] {
    if (auto* node = victim())
      world_.replace_node(*node, 1s + microseconds{world_.random.below(10'000'000)});
  });
  at_some_time(plan.restarts, [this] {
    auto away = microseconds{world_.random.below(20'000'000)};
    world_.log.add(fmt::format("the database restarts, {} ms", away.count() / 1000));
    world_.db.restart(away);
  });
  at_some_time(plan.silences, [this] {
    world_.log.add("the payment provider is silent");
    world_.gateway->go_silent(true);
    world_.time.in(microseconds{world_.random.below(600'000'000)}, [this] {
      world_.gateway->go_silent(false);
      world_.log.add("the payment provider answers again");
    });
  });
  at_some_time(plan.dead_consumers, [this] {
    if (world_.consumers.empty())
      return;
    auto who = world_.consumers[world_.random.below(world_.consumers.size())];
    world_.log.add(who->name() + " takes no events");
    who->dead = true;
    world_.time.in(microseconds{world_.random.below(900'000'000)}, [who] { who->dead = false; });
  });
}

simulated_node* nemesis::victim() {
  std::vector<simulated_node*> all;
  for (auto* node : world_.running())
    if (!node->paused())
      all.push_back(node);
  return all.empty() ? nullptr : all[world_.random.below(all.size())];
}

void nemesis::crash() {
  if (auto* node = victim()) {
    ++crashes_;
    world_.restart_node(*node, 200ms + microseconds{world_.random.below(5'000'000)});
  }
}

// The owner is stopped (SIGSTOP, a long pause of its machine), another node takes its shards, and then the first one goes on as
// if nothing had happened.
void nemesis::take_over() {
  auto* old = victim();
  if (old == nullptr)
    return;
  world_.log.add("node " + old->name() + " is paused");
  old->pause();
  world_.time.in(microseconds{world_.random.below(10'000'000)}, [this] {
    if (!stopped_)
      world_.start_node(fmt::format("b{}", ++names_));
  });
  world_.time.in(microseconds{world_.random.below(40'000'000)}, [this, old] {
    if (!old->alive() || !old->paused())
      return;
    world_.log.add("node " + old->name() + " goes on");
    old->resume();
  });
}

void nemesis::stop() {
  stopped_ = true;
  world_.db.heal();
  world_.gateway->heal();
  world_.gateway->go_silent(false);
  for (auto& c : world_.consumers)
    c->dead = false;
  for (auto* node : world_.running())
    if (node->paused())
      node->resume();
  world_.log.add("all faults end");
  world_.run_for(30s);
  for (auto shard : world_.options.used)
    if (world_.owner_of(shard) == nullptr) {
      for (auto* node : world_.running())
        node->crash();
      world_.start_node("last");
      break;
    }
}

} // namespace souk::simulation
