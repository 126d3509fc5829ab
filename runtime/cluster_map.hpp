#pragma once

#include "storage/ownership_store.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <shared_mutex>

namespace souk::runtime {

/// What this node believes about who owns each shard, and through which database. A cache: a wrong owner answers with the right one,
/// and the database has the last word. Read by any thread.
class cluster_map {
public:
  struct place {
    storage::ulid owner; ///< nil: nobody, or unknown
    std::int64_t epoch = 0;
  };

  explicit cluster_map(const storage::ulid& self) : self_(self) {
    for (auto& d : database_)
      d = unknown_database;
  }

  const storage::ulid& self() const noexcept { return self_; }
  place at(storage::shard_id shard) const {
    std::shared_lock lock{guard_};
    return places_[shard];
  }
  /// Newer epochs win; of the same epoch the later word does. @returns whether something changed.
  bool learn(storage::shard_id shard, const place& now);
  /// The owner is gone. Ignored when the owner has changed meanwhile.
  bool forget_owner(storage::shard_id shard, const storage::ulid& owner);

  static constexpr std::uint8_t unknown_database = 255;
  /// Index of the database where the shard's rows are, or unknown_database.
  std::uint8_t database(storage::shard_id shard) const noexcept { return database_[shard].load(std::memory_order_relaxed); }
  void resides(storage::shard_id shard, std::uint8_t database) {
    if (database_[shard].exchange(database) != database && on_resides)
      on_resides(shard, database);
  }
  /// Called when a shard turns out to be in another database than known. Set before the map is used.
  std::function<void(storage::shard_id, std::uint8_t database)> on_resides;

private:
  const storage::ulid self_;
  mutable std::shared_mutex guard_;
  std::array<place, storage::shard_count> places_;
  std::array<std::atomic<std::uint8_t>, storage::shard_count> database_;
};

} // namespace souk::runtime
