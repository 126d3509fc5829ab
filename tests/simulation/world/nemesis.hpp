#pragma once

#include "simulation/world/world.hpp"

namespace souk::simulation {

/// How often what goes wrong in a run.
struct nemesis_plan {
  int crashes = 0;       ///< kill -9 of whoever runs
  int take_overs = 0;    ///< the owner stops for a while, another node takes its shards, the first goes on writing
  int releases = 0;      ///< the node is drained and replaced
  int restarts = 0;      ///< of the database
  int silences = 0;      ///< the payment provider does not answer for a while
  int dead_consumers = 0;
  std::chrono::seconds span{3600};
};

/// Does it, at moments drawn from the seed.
class nemesis {
public:
  nemesis(world& w, const nemesis_plan& plan);
  /// Ends all of it: everybody runs again, and one node has every shard.
  void stop();
  std::uint64_t crashes() const noexcept { return crashes_; }

private:
  void crash();
  void take_over();
  simulated_node* victim();

  world& world_;
  bool stopped_ = false;
  std::uint64_t crashes_ = 0;
  int names_ = 0;
};

} // namespace souk::simulation
