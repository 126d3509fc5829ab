#pragma once

#include "storage/outbox_store.hpp"

#include <functional>
#include <memory>

namespace souk::server {

/// The outbox for several event workers: each thread has a connection of its own, as the port asks.
class shared_outbox final : public storage::outbox_store {
public:
  using factory = std::function<std::unique_ptr<storage::outbox_store>()>;
  explicit shared_outbox(factory make) : make_(std::move(make)) {}

  std::vector<storage::outbox_event> read(storage::shard_id shard, std::int64_t seq, std::int32_t n, int limit) override;
  std::vector<storage::outbox_cursor> cursors(storage::shard_id shard) override;
  void save(const std::vector<storage::outbox_cursor>& cursors) override;
  void park(const std::string& consumer, const storage::outbox_event& event, const std::string& error) override;
  std::int64_t prune(const std::vector<std::string>& consumers, storage::timestamp before) override;

private:
  storage::outbox_store& mine();

  factory make_;
};

} // namespace souk::server
