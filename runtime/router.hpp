#pragma once

#include "runtime/address.hpp"

#include <array>
#include <memory>

#include <caf/actor.hpp>

namespace souk::runtime {

/// This node's actor of each shard. It serves the shard or passes messages on to whoever does. Filled once at start.
class router {
public:
  void place(storage::shard_id shard, caf::actor at) { shards_[shard] = std::move(at); }
  const caf::actor& shard(storage::shard_id id) const { return shards_[id]; }
  const caf::actor& shard_of(const entity_address& who) const { return shards_[who.shard()]; }
  void clear() {
    for (auto& at : shards_)
      at = nullptr;
  }

private:
  std::array<caf::actor, storage::shard_count> shards_;
};

} // namespace souk::runtime
