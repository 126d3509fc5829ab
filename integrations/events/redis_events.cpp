#include "integrations/events/redis_events.hpp"

#include "storage/redis/redis_stream.hpp"

namespace souk::integrations {

namespace {

constexpr std::int64_t kept = 100'000; ///< entries, about: the outbox is the record, the stream is news

} // namespace

redis_events::redis_events(const std::string& url)
  : stream_(std::make_unique<storage::redis::redis_stream>(url, "souk:events", kept)) {
  // nop
}

redis_events::~redis_events() = default;

std::size_t redis_events::deliver(const std::vector<storage::outbox_event>& events) {
  std::vector<storage::redis::stream_entry> entries;
  entries.reserve(events.size());
  for (const auto& e : events) {
    storage::redis::stream_entry entry{{"shard", std::to_string(e.shard)},
                                       {"seq", std::to_string(e.seq)},
                                       {"n", std::to_string(e.n)},
                                       {"topic", e.event.topic},
                                       {"subject", e.event.subject.str()},
                                       {"store_id", e.event.store_id.str()}};
    entry.insert(entry.end(), e.event.fields.begin(), e.event.fields.end());
    entries.push_back(std::move(entry));
  }
  std::lock_guard lock{guard_};
  return stream_->append(entries) ? events.size() : 0;
}

} // namespace souk::integrations
