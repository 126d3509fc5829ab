#include "integrations/events/event_log.hpp"

#include <spdlog/spdlog.h>

namespace souk::integrations {

std::size_t event_log::deliver(const std::vector<storage::outbox_event>& events) {
  if (spdlog::should_log(spdlog::level::debug))
    for (const auto& e : events)
      spdlog::debug("event {}/{}/{} {} {}", e.shard, e.seq, e.n, e.event.topic, e.event.subject.str());
  if (heard_)
    for (const auto& e : events)
      heard_(e.event.topic);
  return events.size();
}

} // namespace souk::integrations
