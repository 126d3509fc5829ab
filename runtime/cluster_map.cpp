#include "runtime/cluster_map.hpp"

#include <mutex>

namespace souk::runtime {

bool cluster_map::learn(storage::shard_id shard, const place& now) {
  std::unique_lock lock{guard_};
  auto& known = places_[shard];
  if (now.epoch < known.epoch || (now.epoch == known.epoch && now.owner == known.owner))
    return false;
  bool moved = now.owner != known.owner;
  known = now;
  return moved;
}

bool cluster_map::forget_owner(storage::shard_id shard, const storage::ulid& owner) {
  std::unique_lock lock{guard_};
  if (places_[shard].owner != owner)
    return false;
  places_[shard].owner = {};
  return true;
}

} // namespace souk::runtime
