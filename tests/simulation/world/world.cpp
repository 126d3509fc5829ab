#include "simulation/world/world.hpp"

#include "storage/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace souk::simulation {

using namespace std::chrono_literals;

world::world(world_options o)
  : options(std::move(o)), random(options.seed * 0x9E3779B97F4A7C15U + 1),
    db({[this] { return time.now(); }, storage::simulated::fault_plan{options.seed * 3 + 1, options.faults},
        options.database_bugs}),
    net(*this), gateway(std::make_shared<simulated_gateway>(time, options.seed * 5 + 2, options.gateway)), log(time) {
  net.rates = options.network;
  for (int i = 0; i < storage::shard_count; ++i)
    if (auto shard = static_cast<storage::shard_id>(i); std::find(options.used.begin(), options.used.end(), shard) == options.used.end())
      db.relocate(shard, storage::residence::elsewhere);
}

world::~world() {
  end();
}

void world::end() {
  ended_ = true;
  for (auto& node : nodes_)
    node->crash();
  time.clear();
}

storage::ulid world::fresh_id() {
  return random.id(options.used[random.below(options.used.size())], time.now());
}

storage::ulid world::fresh_id_beside(const storage::ulid& owner) {
  return random.id(owner.shard(), time.now());
}

microseconds world::draw_latency() {
  return microseconds{1 + random.below(static_cast<std::uint64_t>(options.worker_latency.count()) + 1)};
}

microseconds world::heartbeat() {
  if (!calm_ || time.now() < stirred_ + 15s)
    return options.heartbeat;
  // Nobody looks for half a minute, so nobody can have been silent meanwhile.
  try {
    auto rows = db.enter();
    for (auto* node : running())
      if (auto at = rows->nodes.find(node->incarnation()); at != rows->nodes.end() && !node->paused())
        at->second.heartbeat_at = time.now() + 30s;
  } catch (const storage::unavailable&) {
    return options.heartbeat;
  }
  return 30s;
}

void world::stir() {
  stirred_ = time.now();
  for (auto* node : calm_ ? running() : std::vector<simulated_node*>{})
    node->look_in(options.heartbeat);
}

// -- nodes --------------------------------------------------------------------------------------------------------------------

simulated_node& world::start_node(const std::string& name) {
  expected_.erase(name);
  nodes_.push_back(std::make_unique<simulated_node>(*this, name, ++incarnations_));
  auto& node = *nodes_.back();
  log.add("node " + node.label() + " starts");
  node.start();
  stir();
  return node;
}

void world::restart_node(simulated_node& node, microseconds away_for) {
  if (!node.alive())
    return;
  log.add("node " + node.label() + " ends");
  auto name = node.name();
  node.crash();
  stir();
  expected_.insert(name);
  time.in(away_for, [this, name] {
    if (expected_.contains(name) && named(name) == nullptr)
      start_node(name);
  });
}

void world::replace_node(simulated_node& node, microseconds grace) {
  if (!node.alive() || node.leaving())
    return;
  log.add("node " + node.label() + " drains");
  expected_.insert(node.name());
  node.stop(grace, [this, name = node.name()] {
    stir();
    time.in(100ms, [this, name] {
      if (expected_.contains(name) && named(name) == nullptr)
        start_node(name);
    });
  });
}

void world::remove_node(simulated_node& node, microseconds grace) {
  if (!node.alive() || node.leaving())
    return;
  log.add("node " + node.label() + " drains and leaves");
  node.stop(grace, [this] { stir(); });
}

void world::condemned(simulated_node& node) {
  log.add("node " + node.label() + " hears that it is dead");
  time.in(microseconds{random.below(200'000)}, [this, &node] {
    if (node.alive() && !ended_)
      restart_node(node, 500ms);
  });
}

simulated_node* world::owner_of(storage::shard_id shard) {
  // The last one that took it: an ex-owner may still believe that it owns it.
  for (auto at = nodes_.rbegin(); at != nodes_.rend(); ++at)
    if ((*at)->alive() && !(*at)->paused() && (*at)->owns(shard))
      return at->get();
  return nullptr;
}

simulated_node* world::named(const std::string& name) {
  for (auto at = nodes_.rbegin(); at != nodes_.rend(); ++at)
    if ((*at)->alive() && (*at)->name() == name)
      return at->get();
  return nullptr;
}

std::vector<simulated_node*> world::running() {
  std::vector<simulated_node*> out;
  for (auto& node : nodes_)
    if (node->alive())
      out.push_back(node.get());
  return out;
}

/// Checks of its health take the front end a moment: now and then it asks a node that is stopped.
simulated_node* world::front_end() {
  simulated_node* chosen = nullptr;
  simulated_node* stopped = nullptr;
  std::uint64_t seen = 0;
  for (auto& node : nodes_) {
    if (!node->alive())
      continue;
    if (node->paused())
      stopped = node.get();
    else if (random.below(++seen) == 0)
      chosen = node.get();
  }
  if (stopped != nullptr && (chosen == nullptr || random.chance(0.05)))
    return stopped;
  return chosen;
}

void world::out_of_patience(timestamp asked, const std::string& node, const runtime::entity_address& whom) {
  auto line = fmt::format("nobody answered who asked node {} for entity {} of kind {} in shard {}", node, whom.id.str(), whom.kind,
                          whom.shard());
  if (asked >= fair_since_)
    unanswered_.push_back(line);
  log.add(std::move(line));
}

std::uint64_t world::moves() const {
  std::uint64_t all = 0;
  for (const auto& node : nodes_)
    all += node->gave();
  return all;
}

std::string world::owners() {
  std::string out;
  const auto rows = db.dump().shards;
  for (auto shard : options.used) {
    std::string who = "nobody";
    for (auto& node : nodes_)
      if (node->incarnation() == rows[shard].owner)
        who = node->label() + (node->alive() ? "" : " (dead)");
    out += fmt::format("{}shard {}: {} epoch {}", out.empty() ? "" : ", ", shard, who, rows[shard].epoch);
  }
  return out;
}

std::string world::unsettled() {
  for (auto* node : running())
    if (node->leaving())
      return fmt::format("node {} leaves", node->label());
  for (const auto& name : expected_)
    if (named(name) == nullptr)
      return fmt::format("node {} is about to start", name);
  const auto rows = db.dump().shards;
  for (auto shard : options.used) {
    const auto& row = rows[shard];
    int owners = 0;
    for (auto* node : running()) {
      const bool is_owner = row.owner == node->incarnation();
      owners += is_owner;
      auto s = node->stats_of<runtime::shard_stats>(node->host().shards()[shard]);
      if (!s)
        return fmt::format("node {} does not say what it does with shard {}", node->label(), shard);
      if (s->owned != is_owner || node->owns(shard) != is_owner)
        return fmt::format("shard {} belongs to node {} in epoch {}: node {} {}, its membership {}, epoch {}", shard,
                           row.owner.str(), row.epoch, node->label(), s->owned ? "serves it" : "does not serve it",
                           node->owns(shard) ? "owns it" : "does not own it", s->epoch);
      if (s->giving)
        return fmt::format("shard {} is on its way from node {}", shard, node->label());
      if (s->parked > 0)
        return fmt::format("{} messages wait for shard {} at node {}", s->parked, shard, node->label());
    }
    if (owners != 1)
      return fmt::format("shard {} has {} living owners", shard, owners);
  }
  for (auto* node : running())
    if (auto peers = node->stats_of<runtime::peers_stats>(node->member().peers()))
      for (const auto& link : peers->links)
        if (!link.linked || link.in_flight > 0)
          return fmt::format("node {} {} node {}, {} calls", node->label(), link.linked ? "is linked to" : "has no link to", link.name,
                             link.in_flight);
  return {};
}

// -- time ---------------------------------------------------------------------------------------------------------------------

void world::advance(timestamp to) {
  time.move_to(to);
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    nodes_[i]->catch_up(to);
  time.run_due();
}

bool world::step(timestamp limit) {
  ++steps_;
  auto next = time.next();
  simulated_node* busy = nullptr;
  std::uint64_t seen = 0;
  for (auto& node : nodes_) {
    if (!node->alive())
      continue;
    if (auto timer = node->next_timer(); timer && (!next || *timer < *next))
      next = timer;
    if (node->has_work() && random.below(++seen) == 0)
      busy = node.get();
  }
  if (busy != nullptr) {
    // Now and then something happens outside while messages are still waiting: on a busy machine that is normal.
    bool overtaken = options.random_schedule && next && *next <= time.now() + 2ms && random.below(16) == 0;
    if (!overtaken)
      return busy->run_one(random);
  }
  if (!next || *next > limit) {
    if (busy != nullptr)
      return busy->run_one(random);
    advance(limit);
    return false;
  }
  advance(*next);
  return true;
}

void world::run_for(microseconds span) {
  auto limit = time.now() + span;
  while (step(limit))
    ;
}

bool world::run_until(const std::function<bool()>& done, microseconds span) {
  auto limit = time.now() + span;
  while (!done())
    if (!step(limit))
      return done();
  return true;
}

} // namespace souk::simulation
