#pragma once

#include "storage/journal_store.hpp"

#include <string>
#include <vector>

namespace souk::storage {

struct node_row {
  ulid incarnation; ///< fresh for every process: a restarted node is another one
  std::string name; ///< the setting; a restarted node of the same name takes its own shards back at once
  std::string address;
  timestamp started_at{};
  timestamp heartbeat_at{}; ///< the database's clock
  bool alive = false;       ///< heartbeat younger than the limit, by the database's clock
};

struct shard_row {
  shard_id shard = 0;
  ulid owner; ///< incarnation, nil when nobody
  std::int64_t epoch = 0;
  std::int64_t seq = 0;
};

/// The rows that say who is there and who owns what. Calls block within time limits and throw storage::unavailable when the database
/// cannot be reached.
class ownership_store {
public:
  virtual ~ownership_store() = default;

  virtual void register_node(const node_row& self) = 0;
  /// @returns false when the row is gone: somebody declared this incarnation dead.
  virtual bool heartbeat(const ulid& incarnation) = 0;
  virtual void deregister(const ulid& incarnation) = 0;
  virtual std::vector<node_row> nodes(std::chrono::milliseconds stale_after) = 0;
  virtual std::vector<shard_row> shards() = 0;
  /// Takes every listed shard that is free, was owned by a node of our name, or by a node without a fresh heartbeat; bumps the
  /// epoch of each on its row, in shard order, ending sessions that block it. @returns what was taken.
  virtual std::vector<fence> acquire(const node_row& self, const std::vector<shard_id>& wanted,
                                     std::chrono::milliseconds stale_after)
    = 0;
  /// Gives shards back after a drain; epochs that are no longer ours are left alone.
  virtual void release(const std::vector<fence>& held) = 0;
  /// The database's time now.
  virtual timestamp now() = 0;
};

} // namespace souk::storage
