#pragma once

#include "storage/ulid.hpp"

#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

namespace souk::actors {

/// The deadlines of a shard's open orders: a heap, in which an entry that was moved or removed is skipped when it surfaces.
class deadlines {
public:
  /// Watches an order; again moves its time.
  void watch(const storage::ulid& order, storage::timestamp due);
  void unwatch(const storage::ulid& order);
  bool empty() const noexcept { return due_.empty(); }
  std::size_t size() const noexcept { return due_.size(); }
  /// The earliest time, or nullopt when nothing is watched.
  std::optional<storage::timestamp> next();
  /// Takes out every order whose time has come, at most `limit`.
  std::vector<storage::ulid> take_due(storage::timestamp now, std::size_t limit);

private:
  struct entry {
    storage::timestamp due;
    storage::ulid order;
    bool operator>(const entry& other) const { return std::pair{due, order} > std::pair{other.due, other.order}; }
  };
  void skip_stale();

  std::priority_queue<entry, std::vector<entry>, std::greater<>> heap_;
  std::unordered_map<storage::ulid, storage::timestamp> due_;
};

} // namespace souk::actors
