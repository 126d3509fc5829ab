#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <random>

namespace souk::runtime {

/// Draws ULIDs. Safe to use from any thread; a seed makes the sequence repeatable for simulations.
class id_source {
public:
  explicit id_source(const clock& time);
  id_source(const clock& time, std::uint64_t seed);

  /// An id for something new that belongs nowhere yet (a store, a user): draws the shard as well.
  /// As far as prefer() says that there are better ones, not in a shard that cannot be served now.
  storage::ulid fresh();
  /// An id for something that belongs to `owner`: repeats its shard.
  storage::ulid fresh_beside(const storage::ulid& owner);
  /// Says which shards can be served now: somebody who comes in while a database is away should not be put there.
  /// Set before ids are drawn by several threads.
  void prefer(std::function<bool(storage::shard_id)> served) { served_ = std::move(served); }

private:
  storage::ulid draw();

  const clock& time_;
  std::mutex guard_;
  std::mt19937_64 random_;
  std::function<bool(storage::shard_id)> served_;
  bool secure_; ///< from the operating system: ids of guests and carts must not be guessable
};

} // namespace souk::runtime
