#include "storage/simulated/database.hpp"

#include <algorithm>

namespace souk::storage::simulated {

namespace {

class ownership final : public ownership_store {
public:
  explicit ownership(database& db) : db_(db) {}

  void register_node(const node_row& self) override {
    auto db = db_.enter();
    auto row = self;
    row.heartbeat_at = db.now();
    row.alive = false; // told by nodes() only
    db->nodes.insert_or_assign(self.incarnation, std::move(row));
  }

  bool heartbeat(const ulid& incarnation) override {
    auto db = db_.enter();
    auto at = db->nodes.find(incarnation);
    if (at == db->nodes.end())
      return false;
    at->second.heartbeat_at = db.now();
    return true;
  }

  void deregister(const ulid& incarnation) override { db_.enter()->nodes.erase(incarnation); }

  std::vector<node_row> nodes(std::chrono::milliseconds stale_after) override {
    auto db = db_.enter();
    std::vector<node_row> out;
    for (const auto& [id, row] : db->nodes) {
      out.push_back(row);
      out.back().alive = row.heartbeat_at + stale_after > db.now();
    }
    return out;
  }

  std::vector<shard_row> shards() override {
    auto db = db_.enter();
    return {db->shards.begin(), db->shards.end()};
  }

  std::vector<fence> acquire(const node_row& self, const std::vector<shard_id>& wanted,
                             std::chrono::milliseconds stale_after) override {
    auto db = db_.enter_to_take(wanted);
    auto in_order = wanted;
    std::sort(in_order.begin(), in_order.end());
    in_order.erase(std::unique(in_order.begin(), in_order.end()), in_order.end());
    std::vector<fence> taken;
    for (auto shard : in_order) {
      auto& row = db->shards[shard];
      if (!may_take(db.rows(), row.owner, self, db.now() - stale_after))
        continue;
      db_.take(shard, self.incarnation);
      taken.push_back({shard, row.epoch, row.seq});
    }
    // Whoever lost its shards hears it with its next heartbeat.
    std::erase_if(db->nodes, [&](const auto& entry) {
      const auto& node = entry.second;
      bool gone = node.name == self.name || node.heartbeat_at <= db.now() - stale_after;
      return node.incarnation != self.incarnation && gone
          && std::none_of(db->shards.begin(), db->shards.end(),
                          [&](const shard_row& s) { return s.owner == node.incarnation; });
    });
    return taken;
  }

  void release(const std::vector<fence>& held) override {
    auto db = db_.enter();
    for (const auto& f : held)
      if (auto& row = db->shards[f.shard]; row.epoch == f.epoch)
        row.owner = {};
  }

  timestamp now() override { return db_.enter().now(); }

private:
  static bool may_take(const tables& rows, const ulid& owner, const node_row& self, timestamp fresh_after) {
    if (owner.is_nil() || owner == self.incarnation)
      return true;
    auto at = rows.nodes.find(owner);
    return at == rows.nodes.end() || at->second.name == self.name || at->second.heartbeat_at <= fresh_after;
  }

  database& db_;
};

} // namespace

std::unique_ptr<ownership_store> database::open_ownership() {
  return std::make_unique<ownership>(*this);
}

} // namespace souk::storage::simulated
