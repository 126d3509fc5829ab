#pragma once

#include "storage/outbox_store.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace souk::actors {

/// The cursors of a node's consumers. Moving one costs nothing; they are written together, about once a second, since an event may
/// be delivered again anyway. Used on event worker threads; safe from any.
class cursor_book {
public:
  struct position {
    std::int64_t seq = 0;
    std::int32_t n = -1;
    auto operator<=>(const position&) const = default;
  };

  explicit cursor_book(std::shared_ptr<storage::outbox_store> outbox) : outbox_(std::move(outbox)) {}

  /// Where each of the consumers stands in the shard, read from the database (each time: another node may have moved it).
  /// May throw storage::unavailable.
  std::vector<position> read(const std::vector<std::string>& consumers, storage::shard_id shard);
  void advance(const std::string& consumer, storage::shard_id shard, position to);
  /// Whether something moved that is not written yet.
  bool dirty();
  /// Writes what moved, if the last time is long enough ago. May throw storage::unavailable: it is kept for the next time, all of
  /// it, since a cursor may be written twice.
  void flush(storage::timestamp now, std::chrono::milliseconds older_than);

private:
  std::shared_ptr<storage::outbox_store> outbox_;
  std::mutex guard_;
  std::map<std::pair<std::string, storage::shard_id>, position> dirty_;
  storage::timestamp flushed_at_{};
};

} // namespace souk::actors
