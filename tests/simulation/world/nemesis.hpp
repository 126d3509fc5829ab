#pragma once

#include "simulation/world/world.hpp"

namespace souk::simulation {

/// How often what goes wrong in a run.
struct nemesis_plan {
  int crashes = 0;        ///< kill -9 of whoever runs
  int pauses = 0;         ///< a process stops for a while, others take its shards, and then it goes on as if nothing had happened
  int replacements = 0;   ///< a node gives its shards away, ends, and a new process comes up: a rolling restart
  int joins = 0;          ///< a node more
  int departures = 0;     ///< a node less, in order
  int cuts = 0;           ///< two nodes, or one and all others, do not hear each other; or one of the two does
  int broken_links = 0;
  int database_cuts = 0;  ///< one node has no way to the database
  int slow_times = 0;     ///< the database takes its time for everybody
  int restarts = 0;       ///< of the database
  int silences = 0;       ///< the payment provider does not answer for a while
  int dead_consumers = 0;
  std::chrono::seconds span{3600};
};

/// Does it, at moments drawn from the seed.
class nemesis {
public:
  static constexpr std::size_t nodes_max = 4;

  nemesis(world& w, const nemesis_plan& plan);
  /// Ends all of it: everybody runs again, hears everybody and reaches the database.
  void stop();
  std::uint64_t crashes() const noexcept { return crashes_; }

private:
  void on_nodes(const nemesis_plan& plan);
  void on_the_network(const nemesis_plan& plan);
  void on_what_is_outside(const nemesis_plan& plan);
  void at_some_time(const nemesis_plan& plan, int times, std::function<void()> what);
  microseconds up_to(microseconds most);
  void crash();
  void pause();
  void join();
  void cut();
  void cut_from_database();
  simulated_node* victim();

  world& world_;
  bool stopped_ = false;
  std::uint64_t crashes_ = 0;
  int names_ = 0;
};

} // namespace souk::simulation
