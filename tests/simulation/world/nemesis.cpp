#include "simulation/world/nemesis.hpp"

#include <fmt/format.h>

namespace souk::simulation {

using namespace std::chrono_literals;

nemesis::nemesis(world& w, const nemesis_plan& plan) : world_(w) {
  on_nodes(plan);
  on_the_network(plan);
  on_what_is_outside(plan);
}

void nemesis::at_some_time(const nemesis_plan& plan, int times, std::function<void()> what) {
  for (int i = 0; i < times; ++i)
    world_.time.in(up_to(plan.span), [this, what] {
      if (!stopped_)
        what();
    });
}

microseconds nemesis::up_to(microseconds most) {
  return microseconds{world_.random.below(static_cast<std::uint64_t>(most.count()))};
}

simulated_node* nemesis::victim() {
  std::vector<simulated_node*> all;
  for (auto* node : world_.running())
    if (!node->paused())
      all.push_back(node);
  return all.empty() ? nullptr : all[world_.random.below(all.size())];
}

// -- nodes --------------------------------------------------------------------------------------------------------------------

void nemesis::on_nodes(const nemesis_plan& plan) {
  at_some_time(plan, plan.crashes, [this] { crash(); });
  at_some_time(plan, plan.pauses, [this] { pause(); });
  at_some_time(plan, plan.replacements, [this] {
    if (auto* node = victim())
      world_.replace_node(*node, 1s + up_to(stop_grace_max - 1s));
  });
  at_some_time(plan, plan.joins, [this] { join(); });
  at_some_time(plan, plan.departures, [this] {
    if (world_.running().size() > 1)
      if (auto* node = victim())
        world_.remove_node(*node, 1s + up_to(stop_grace_max - 1s));
  });
}

void nemesis::crash() {
  if (auto* node = victim()) {
    ++crashes_;
    world_.restart_node(*node, 200ms + up_to(5s));
  }
}

void nemesis::join() {
  if (world_.running().size() < nodes_max)
    world_.start_node(fmt::format("n{}", ++names_));
}

// SIGSTOP, or a long pause of its machine. Where nobody else is there to take its shards, somebody comes.
void nemesis::pause() {
  auto* old = victim();
  if (old == nullptr)
    return;
  world_.log.add("node " + old->label() + " is paused");
  old->pause();
  if (world_.running().size() == 1 || world_.random.chance(0.2))
    world_.time.in(up_to(10s), [this] {
      if (!stopped_)
        join();
    });
  world_.time.in(world_.random.chance(0.3) ? up_to(3s) : up_to(40s), [this, old] {
    if (!old->alive() || !old->paused())
      return;
    world_.log.add("node " + old->label() + " goes on");
    old->resume();
  });
}

// -- the network --------------------------------------------------------------------------------------------------------------

void nemesis::on_the_network(const nemesis_plan& plan) {
  at_some_time(plan, plan.cuts, [this] { cut(); });
  at_some_time(plan, plan.database_cuts, [this] { cut_from_database(); });
  at_some_time(plan, plan.broken_links, [this] {
    if (auto* node = victim())
      world_.net.break_links(node->name());
  });
}

void nemesis::cut() {
  auto all = world_.running();
  if (all.size() < 2)
    return;
  const auto one = world_.random.below(all.size());
  const auto two = (one + 1 + world_.random.below(all.size() - 1)) % all.size();
  const auto how = world_.random.below(4); // a pair, one way, one from all others, one way from all others
  std::vector<std::pair<std::string, std::string>> ways;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == one || (how < 2 && i != two))
      continue;
    ways.emplace_back(all[one]->name(), all[i]->name());
    if (how % 2 == 0)
      ways.emplace_back(all[i]->name(), all[one]->name());
  }
  const bool refuses = world_.random.chance(0.3);
  for (const auto& [from, to] : ways)
    refuses ? world_.net.refuse(from, to) : world_.net.cut(from, to);
  world_.time.in(world_.random.chance(0.3) ? up_to(2s) : up_to(30s), [this, ways] {
    for (const auto& [from, to] : ways)
      world_.net.mend(from, to);
  });
}

void nemesis::cut_from_database() {
  auto* node = victim();
  if (node == nullptr)
    return;
  world_.log.add("node " + node->label() + " has no way to the database");
  node->cut_from_database(true);
  world_.time.in(up_to(20s), [this, node] {
    world_.log.add("node " + node->label() + " reaches the database again");
    node->cut_from_database(false);
  });
}

// -- what is outside ----------------------------------------------------------------------------------------------------------

void nemesis::on_what_is_outside(const nemesis_plan& plan) {
  at_some_time(plan, plan.slow_times, [this] {
    world_.log.add("the database is slow");
    world_.database_is_slow = 100ms + up_to(2s);
    world_.time.in(up_to(20s), [this] {
      world_.database_is_slow = microseconds{0};
      world_.log.add("the database is quick again");
    });
  });
  at_some_time(plan, plan.restarts, [this] {
    auto away = up_to(20s);
    world_.log.add(fmt::format("the database restarts, {} ms", away.count() / 1000));
    world_.db.restart(away);
  });
  at_some_time(plan, plan.silences, [this] {
    world_.log.add("the payment provider is silent");
    world_.gateway->go_silent(true);
    world_.time.in(up_to(600s), [this] {
      world_.gateway->go_silent(false);
      world_.log.add("the payment provider answers again");
    });
  });
  at_some_time(plan, plan.dead_consumers, [this] {
    if (world_.consumers.empty())
      return;
    auto who = world_.consumers[world_.random.below(world_.consumers.size())];
    world_.log.add(who->name() + " takes no events");
    who->dead = true;
    world_.time.in(up_to(900s), [who] { who->dead = false; });
  });
}

void nemesis::stop() {
  stopped_ = true;
  world_.db.heal();
  world_.net.rates = {};
  world_.net.mend_all();
  world_.database_is_slow = microseconds{0};
  world_.gateway->heal();
  world_.gateway->go_silent(false);
  for (auto& c : world_.consumers)
    c->dead = false;
  world_.log.add("all faults end");
  for (auto* node : world_.running()) {
    node->cut_from_database(false);
    if (node->paused())
      node->resume();
  }
  if (world_.running().empty())
    world_.start_node("last");
}

} // namespace souk::simulation
