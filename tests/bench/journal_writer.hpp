#pragma once

#include "storage/journal_store.hpp"

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace souk::bench {

/// Writes rows the way a lane does, without actors: takes all shards of a database over, so give it one that nobody serves.
class journal_writer {
public:
  /// @throws storage::unavailable
  explicit journal_writer(const std::string& database_url);

  /// One transaction. @throws std::runtime_error when it was not committed as a whole
  void write(const std::vector<storage::write_set>& sets);

private:
  std::unique_ptr<storage::journal_store> journal_;
  std::array<storage::fence, storage::shard_count> fences_{};
};

/// An id drawn now in that shard.
storage::ulid draw_id(storage::shard_id shard, std::mt19937_64& random);

/// By this machine's clock, which in a benchmark is also the database's.
storage::timestamp time_now();

} // namespace souk::bench
