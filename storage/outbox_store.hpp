#pragma once

#include "storage/entity_reader.hpp"

#include <string>
#include <vector>

namespace souk::storage {

/// How far a consumer of the outbox has come in a shard: everything up to and including (seq, n) is delivered or parked.
struct outbox_cursor {
  std::string consumer;
  shard_id shard = 0;
  std::int64_t seq = 0;
  std::int32_t n = 0;
};

/// The outbox as its readers see it. Events are written by the journal only. Calls block within a time limit and throw
/// storage::unavailable.
class outbox_store {
public:
  virtual ~outbox_store() = default;

  /// Events of the shard after (seq, n), in order, at most `limit`.
  virtual std::vector<outbox_event> read(shard_id shard, std::int64_t seq, std::int32_t n, int limit) = 0;
  /// The shard's cursors, by consumer; one that has not passed anything has none.
  virtual std::vector<outbox_cursor> cursors(shard_id shard) = 0;
  /// Moves cursors forward; one that is already further stays. Where the shards lie in several databases, those that answer have
  /// moved theirs when another is unavailable.
  virtual void save(const std::vector<outbox_cursor>& cursors) = 0;
  /// Puts an event that keeps failing aside for an operator.
  virtual void park(const std::string& consumer, const outbox_event& event, const std::string& error) = 0;
  /// Deletes events older than `before` that every one of the consumers has passed. @returns how many. Of several databases, those
  /// that answer have done so when another is unavailable.
  virtual std::int64_t prune(const std::vector<std::string>& consumers, timestamp before) = 0;
};

} // namespace souk::storage
