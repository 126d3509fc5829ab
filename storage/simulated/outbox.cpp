#include "storage/simulated/database.hpp"

#include <algorithm>

namespace souk::storage::simulated {

namespace {

using key = std::pair<std::int64_t, std::int32_t>;

key key_of(const outbox_event& e) {
  return {e.seq, e.n};
}
key key_of(const outbox_cursor& c) {
  return {c.seq, c.n};
}

class outbox final : public outbox_store {
public:
  explicit outbox(database& db) : db_(db) {}

  std::vector<outbox_event> read(shard_id shard, std::int64_t seq, std::int32_t n, int limit) override {
    auto db = db_.enter();
    const auto& events = db->outbox[shard];
    auto from = std::upper_bound(events.begin(), events.end(), key{seq, n},
                                 [](const key& after, const outbox_event& e) { return after < key_of(e); });
    auto count = std::min<std::ptrdiff_t>(events.end() - from, std::max(limit, 0));
    return {from, from + count};
  }

  std::vector<outbox_cursor> cursors(shard_id shard) override {
    auto db = db_.enter();
    std::vector<outbox_cursor> out;
    for (const auto& [whose, cursor] : db->cursors)
      if (whose.second == shard)
        out.push_back(cursor);
    return out;
  }

  void save(const std::vector<outbox_cursor>& cursors) override {
    auto db = db_.enter();
    for (const auto& c : cursors) {
      auto& row = db->cursors.try_emplace({c.consumer, c.shard}, c).first->second;
      if (key_of(row) < key_of(c))
        row = c;
    }
  }

  void park(const std::string& consumer, const outbox_event& event, const std::string& error) override {
    auto db = db_.enter();
    for (const auto& p : db->parked)
      if (p.consumer == consumer && p.event.shard == event.shard && key_of(p.event) == key_of(event))
        return;
    db->parked.push_back({consumer, event, error});
  }

  std::int64_t prune(const std::vector<std::string>& consumers, timestamp before) override {
    auto db = db_.enter();
    std::int64_t gone = 0;
    for (auto& events : db->outbox) {
      gone += static_cast<std::int64_t>(std::erase_if(events, [&](const outbox_event& e) {
        return e.event.at < before
            && std::all_of(consumers.begin(), consumers.end(), [&](const std::string& consumer) {
                 auto at = db->cursors.find({consumer, e.shard});
                 return at != db->cursors.end() && key_of(e) <= key_of(at->second);
               });
      }));
    }
    db->pruned += gone;
    return gone;
  }

private:
  database& db_;
};

} // namespace

std::unique_ptr<outbox_store> database::open_outbox() {
  return std::make_unique<outbox>(*this);
}

} // namespace souk::storage::simulated
