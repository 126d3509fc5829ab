#include "storage/error.hpp"
#include "storage/simulated/database.hpp"

#include <algorithm>

namespace souk::storage::simulated {

namespace {

template <class T>
std::vector<T> sorted(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

std::vector<shard_id> shards_of(const std::vector<fence>& fences) {
  std::vector<shard_id> out;
  for (const auto& f : fences)
    out.push_back(f.shard);
  return out;
}

class ownership final : public ownership_store {
public:
  explicit ownership(database& db) : db_(db) {}

  void register_node(const node_row& self) override {
    auto db = db_.enter();
    for (const auto& [id, other] : db->nodes)
      if (id != self.incarnation && !self.cluster.empty() && !other.cluster.empty() && other.cluster != self.cluster
          && is_alive(other, db.now(), foreign_nodes_count_for))
        throw storage_error("this database belongs to cluster \"" + other.cluster + "\", whose node \"" + other.name
                            + "\" is alive; node \"" + self.name + "\" is of cluster \"" + self.cluster + "\"");
    auto row = self;
    row.heartbeat_at = db.now();
    row.alive = false; // told by nodes() only
    db->nodes.insert_or_assign(self.incarnation, std::move(row));
  }

  observation observe(const node_row& self, std::chrono::milliseconds stale_after) override {
    auto db = db_.enter();
    observation out;
    if (auto at = db->nodes.find(self.incarnation); at != db->nodes.end()) {
      at->second.heartbeat_at = db.now();
      at->second.draining = self.draining;
      at->second.unreachable = self.unreachable;
      out.known = true;
      out.asked_to_drain = db->asked_to_drain.contains(self.incarnation);
    }
    out.view = db->view;
    out.nodes = nodes_of(db.rows(), db.now(), stale_after);
    out.shards.assign(db->shards.begin(), db->shards.end());
    return out;
  }

  void deregister(const ulid& incarnation) override { remove(db_.enter().rows(), incarnation); }

  bool propose_view(std::int64_t expected, const std::vector<ulid>& members) override {
    auto db = db_.enter();
    if (db->view.version != expected)
      return false;
    db->view = {expected + 1, sorted(members)};
    return true;
  }

  std::vector<node_row> nodes(std::chrono::milliseconds stale_after) override {
    auto db = db_.enter();
    return nodes_of(db.rows(), db.now(), stale_after);
  }

  std::vector<shard_row> shards() override {
    auto db = db_.enter();
    return {db->shards.begin(), db->shards.end()};
  }

  std::vector<fence> acquire(const node_row& self, const std::vector<shard_id>& wanted,
                             std::chrono::milliseconds stale_after) override {
    auto db = db_.enter_to_take(wanted);
    std::vector<fence> taken;
    for (auto shard : sorted(wanted)) {
      auto& row = db->shards[shard];
      if (row.where != residence::here || !may_take(db.rows(), row.owner, self, db.now(), stale_after))
        continue;
      db_.take(shard, self.incarnation);
      taken.push_back({shard, row.epoch, row.seq});
    }
    // Whoever lost its shards hears it with its next heartbeat.
    std::vector<ulid> gone;
    for (const auto& [id, node] : db->nodes)
      if (id != self.incarnation && (is_earlier(node, self) || !is_alive(node, db.now(), stale_after))
          && std::none_of(db->shards.begin(), db->shards.end(), [&](const shard_row& s) { return s.owner == id; }))
        gone.push_back(id);
    for (const auto& id : gone)
      remove(db.rows(), id);
    return taken;
  }

  std::vector<fence> hand_over(const ulid& self, const std::vector<fence>& held, const node_row& next) override {
    auto db = db_.enter_to_take(shards_of(held));
    std::vector<fence> given;
    if (!db->nodes.contains(next.incarnation))
      return given;
    auto in_order = held;
    std::stable_sort(in_order.begin(), in_order.end(),
                     [](const fence& a, const fence& b) { return a.shard < b.shard; });
    for (const auto& f : in_order) {
      auto& row = db->shards[f.shard];
      const bool again = !given.empty() && given.back().shard == f.shard;
      if (again || row.where != residence::here || row.owner != self || row.epoch != f.epoch || row.seq != f.seq)
        continue;
      db_.take(f.shard, next.incarnation);
      given.push_back({f.shard, row.epoch, row.seq});
    }
    return given;
  }

  void release(const std::vector<fence>& held) override {
    auto db = db_.enter();
    for (const auto& f : held)
      if (auto& row = db->shards[f.shard]; row.epoch == f.epoch)
        row.owner = {};
  }

  void bury(const ulid& incarnation) override { remove(db_.enter().rows(), incarnation); }

  bool ask_to_drain(const std::string& name, bool drain) override {
    auto db = db_.enter();
    bool there = false;
    for (const auto& [id, node] : db->nodes) {
      if (node.name != name)
        continue;
      there = true;
      if (drain)
        db->asked_to_drain.insert(id);
      else
        db->asked_to_drain.erase(id);
    }
    return there;
  }

  void quarantine(const std::vector<fence>& known) override {
    auto db = db_.enter_to_take(shards_of(known));
    for (auto shard : sorted(shards_of(known))) {
      auto& row = db->shards[shard];
      if (row.where != residence::here && row.where != residence::moving)
        continue;
      for (const auto& f : known)
        if (f.shard == shard)
          row.epoch = std::max(row.epoch, f.epoch);
      db_.take(shard, {});
      row.where = residence::quarantined;
    }
  }

  timestamp now() override { return db_.enter().now(); }

private:
  static bool is_alive(const node_row& node, timestamp now, std::chrono::milliseconds stale_after) {
    return node.heartbeat_at + stale_after > now;
  }

  static std::vector<node_row> nodes_of(const tables& rows, timestamp now, std::chrono::milliseconds stale_after) {
    std::vector<node_row> out;
    for (const auto& [id, row] : rows.nodes) {
      out.push_back(row);
      out.back().alive = is_alive(row, now, stale_after);
      out.back().draining = row.draining || rows.asked_to_drain.contains(id);
    }
    return out;
  }

  static bool may_take(const tables& rows, const ulid& owner, const node_row& self, timestamp now,
                       std::chrono::milliseconds stale_after) {
    if (owner.is_nil() || owner == self.incarnation)
      return true;
    auto at = rows.nodes.find(owner);
    return at == rows.nodes.end() || is_earlier(at->second, self) || !is_alive(at->second, now, stale_after);
  }

  /// Of the same name: incarnations are drawn in time order.
  static bool is_earlier(const node_row& node, const node_row& self) {
    return node.name == self.name && node.incarnation < self.incarnation;
  }

  static void remove(tables& rows, const ulid& incarnation) {
    rows.nodes.erase(incarnation);
    rows.asked_to_drain.erase(incarnation);
  }

  database& db_;
};

} // namespace

std::unique_ptr<ownership_store> database::open_ownership() {
  return std::make_unique<ownership>(*this);
}

} // namespace souk::storage::simulated
