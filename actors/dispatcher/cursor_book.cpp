#include "actors/dispatcher/cursor_book.hpp"

#include <algorithm>

namespace souk::actors {

std::vector<cursor_book::position> cursor_book::read(const std::vector<std::string>& consumers, storage::shard_id shard) {
  const auto rows = outbox_->cursors(shard); // without the lock: a slow database holds up this shard only
  std::lock_guard lock{guard_};
  std::vector<position> out;
  for (const auto& consumer : consumers) {
    auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& c) { return c.consumer == consumer; });
    auto best = row == rows.end() ? position{} : position{row->seq, row->n};
    if (auto mine = dirty_.find({consumer, shard}); mine != dirty_.end())
      best = std::max(best, mine->second);
    out.push_back(best);
  }
  return out;
}

void cursor_book::advance(const std::string& consumer, storage::shard_id shard, position to) {
  std::lock_guard lock{guard_};
  auto& at = dirty_[{consumer, shard}];
  at = std::max(at, to);
}

bool cursor_book::dirty() {
  std::lock_guard lock{guard_};
  return !dirty_.empty();
}

void cursor_book::flush(storage::timestamp now, std::chrono::milliseconds older_than) {
  std::vector<storage::outbox_cursor> all;
  {
    std::lock_guard lock{guard_};
    if (dirty_.empty() || now - flushed_at_ < older_than)
      return;
    flushed_at_ = now;
    for (const auto& [key, at] : dirty_)
      all.push_back({key.first, key.second, at.seq, at.n});
  }
  outbox_->save(all);
  std::lock_guard lock{guard_};
  for (const auto& c : all)
    if (auto at = dirty_.find({c.consumer, c.shard}); at != dirty_.end() && at->second == position{c.seq, c.n})
      dirty_.erase(at);
}

} // namespace souk::actors
