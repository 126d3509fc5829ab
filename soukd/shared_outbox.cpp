#include "soukd/shared_outbox.hpp"

#include <unordered_map>

namespace souk::server {

storage::outbox_store& shared_outbox::mine() {
  thread_local std::unordered_map<const void*, std::unique_ptr<storage::outbox_store>> stores;
  auto& store = stores[this];
  if (!store)
    store = make_();
  return *store;
}

std::vector<storage::outbox_event> shared_outbox::read(storage::shard_id shard, std::int64_t seq, std::int32_t n, int limit) {
  return mine().read(shard, seq, n, limit);
}

std::vector<storage::outbox_cursor> shared_outbox::cursors(storage::shard_id shard) {
  return mine().cursors(shard);
}

void shared_outbox::save(const std::vector<storage::outbox_cursor>& cursors) {
  mine().save(cursors);
}

void shared_outbox::park(const std::string& consumer, const storage::outbox_event& event, const std::string& error) {
  mine().park(consumer, event, error);
}

std::int64_t shared_outbox::prune(const std::vector<std::string>& consumers, storage::timestamp before) {
  return mine().prune(consumers, before);
}

} // namespace souk::server
