#pragma once

#include "runtime/lane_actor.hpp"
#include "runtime/router.hpp"
#include "runtime/shard_actor.hpp"

#include <map>
#include <memory>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

namespace souk::runtime {

/// What a lane works with: which database it writes to, its connection and the one thread (or simulated thread) that uses it.
struct lane_parts {
  std::uint8_t database = 0;
  std::shared_ptr<storage::journal_store> store;
  std::shared_ptr<executor> worker;
};

/// The actors of the 256 shards and of the journal lanes on one node, the same for a server and for a simulation. Until a shard is
/// taken, its actor passes messages on to the owner, or answers `moved` when the services name no others.
class shard_host {
public:
  /// Spawns lanes and shards and fills the router.
  shard_host(caf::actor_system& system, router& routes, shard_services services, lane_options lane, std::vector<lane_parts> lanes);

  /// These shards are ours from these epochs on; their rows are in that database. May be called by any thread.
  void take(const std::vector<storage::fence>& fences, std::uint8_t database = 0);
  const std::vector<caf::actor>& shards() const { return shards_; }
  const std::vector<caf::actor>& lanes() const { return lanes_; }
  /// Ends all of them at once, whatever is under way: the rows are the truth.
  void kill();

private:
  caf::actor_system& system_;
  router& routes_;
  std::vector<caf::actor> shards_;
  std::vector<caf::actor> lanes_;
  std::map<std::uint8_t, std::vector<caf::actor>> lanes_of_; ///< by database
};

/// Registers the runtime's message types and its errors' names.
void add_runtime_types(caf::actor_system_config& config);

} // namespace souk::runtime
