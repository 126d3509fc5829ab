#pragma once

#include "storage/ownership_store.hpp"

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace souk::bench {

/// Writes rows the way a lane does, without actors: takes all shards of a database over, so give it one that nobody serves, and leaves
/// them to whoever comes next.
class journal_writer {
public:
  /// @throws storage::unavailable
  explicit journal_writer(const std::string& database_url);
  ~journal_writer();
  journal_writer(const journal_writer&) = delete;

  /// One transaction. @throws std::runtime_error when it was not committed as a whole
  void write(const std::vector<storage::write_set>& sets);

private:
  std::unique_ptr<storage::journal_store> journal_;
  std::unique_ptr<storage::ownership_store> ownership_;
  storage::node_row self_;
  std::array<storage::fence, storage::shard_count> fences_{};
};

/// An id drawn now in that shard.
storage::ulid draw_id(storage::shard_id shard, std::mt19937_64& random);

/// By this machine's clock, which in a benchmark is also the database's.
storage::timestamp time_now();

} // namespace souk::bench
