#include "actors/supervisor/deadlines.hpp"

namespace souk::actors {

void deadlines::watch(const storage::ulid& order, storage::timestamp due) {
  due_[order] = due;
  heap_.push({due, order});
}

void deadlines::unwatch(const storage::ulid& order) {
  due_.erase(order);
  // Orders are paid long before their deadline, so most of the heap is stale: it is built anew before that costs memory.
  if (heap_.size() > 1024 && heap_.size() > 4 * due_.size()) {
    std::vector<entry> live;
    live.reserve(due_.size());
    for (const auto& [id, due] : due_)
      live.push_back({due, id});
    heap_ = decltype(heap_){std::greater<>{}, std::move(live)};
  }
}

void deadlines::skip_stale() {
  while (!heap_.empty()) {
    auto at = due_.find(heap_.top().order);
    if (at != due_.end() && at->second == heap_.top().due)
      return;
    heap_.pop();
  }
}

std::optional<storage::timestamp> deadlines::next() {
  skip_stale();
  return heap_.empty() ? std::nullopt : std::optional{heap_.top().due};
}

std::vector<storage::ulid> deadlines::take_due(storage::timestamp now, std::size_t limit) {
  std::vector<storage::ulid> out;
  for (skip_stale(); !heap_.empty() && heap_.top().due <= now && out.size() < limit; skip_stale()) {
    out.push_back(heap_.top().order);
    due_.erase(heap_.top().order);
    heap_.pop();
  }
  return out;
}

} // namespace souk::actors
