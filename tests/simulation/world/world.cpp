#include "simulation/world/world.hpp"

namespace souk::simulation {

using namespace std::chrono_literals;

world::world(world_options o)
  : options(std::move(o)), random(options.seed * 0x9E3779B97F4A7C15U + 1),
    db({[this] { return time.now(); }, storage::simulated::fault_plan{options.seed * 3 + 1, options.faults},
        options.database_bugs}),
    gateway(std::make_shared<simulated_gateway>(time, options.seed * 5 + 2, options.gateway)), log(time) {
  // nop
}

world::~world() {
  end();
}

void world::end() {
  revive = false;
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

simulated_node& world::start_node(const std::string& name) {
  nodes_.push_back(std::make_unique<simulated_node>(*this, name, ++incarnations_));
  auto& node = *nodes_.back();
  log.add("node " + name + " starts");
  // A process that cannot reach the database at start tries until it can.
  auto attempt = std::make_shared<std::function<void()>>();
  *attempt = [this, &node, weak = std::weak_ptr(attempt)] {
    if (!node.alive() || node.acquire(options.used))
      return;
    if (auto again = weak.lock())
      time.in(1s, [again] { (*again)(); });
  };
  (*attempt)();
  return node;
}

void world::restart_node(simulated_node& node, microseconds away_for) {
  if (!node.alive())
    return;
  log.add("node " + node.name() + " crashes");
  auto name = node.name();
  node.crash();
  time.in(away_for, [this, name] {
    // Another process may have come up in the meantime.
    for (auto* other : running())
      if (other->name() == name)
        return;
    start_node(name);
  });
}

void world::replace_node(simulated_node& node, microseconds grace) {
  if (!node.alive() || node.owned().empty())
    return;
  log.add("node " + node.name() + " drains");
  auto ended = std::make_shared<bool>(false);
  auto end = [this, &node, ended](const char* how) {
    if (std::exchange(*ended, true) || !node.alive())
      return;
    log.add("node " + node.name() + how);
    node.release(); // else they are taken over
    restart_node(node, 100ms);
  };
  node.drain([this, end] { time.in(1us, [end] { end(" has drained"); }); });
  time.in(grace, [end] { end(" has not drained in time"); });
}

void world::lost_shard(simulated_node& node, storage::shard_id shard) {
  log.add("node " + node.name() + " has lost shard " + std::to_string(shard));
  if (!revive)
    return;
  // Such a process ends itself; what it still has under way until then is refused by the fence.
  time.in(microseconds{random.below(200'000)}, [this, &node] {
    if (!node.alive())
      return;
    bool others = false;
    for (auto* other : running())
      others = others || (other != &node && other->owned().size() == options.used.size());
    if (others) {
      log.add("node " + node.name() + " ends itself");
      node.crash();
    } else {
      restart_node(node, 500ms);
    }
  });
}

simulated_node* world::owner_of(storage::shard_id shard) {
  // The last one that took it: an ex-owner may still believe that it owns it.
  for (auto at = nodes_.rbegin(); at != nodes_.rend(); ++at)
    if ((*at)->alive() && !(*at)->paused() && (*at)->owns(shard))
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
