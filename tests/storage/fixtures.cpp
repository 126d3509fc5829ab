#include "storage/fixtures.hpp"

#include "storage/simulated/fault_plan.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace souk::tests {

using namespace storage;

const std::vector<store_under_test*>& stores() {
  static const auto all = [] {
    std::vector<std::unique_ptr<store_under_test>> out;
    out.push_back(make_simulated_store());
    if (auto postgres = make_postgres_store())
      out.push_back(std::move(postgres));
    return out;
  }();
  static const auto pointers = [] {
    std::vector<store_under_test*> out;
    for (const auto& store : all)
      out.push_back(store.get());
    return out;
  }();
  return pointers;
}

ulid new_id(shard_id shard) {
  static simulated::random_source random{20260101};
  static std::int64_t drawn = 0;
  return random.id(shard, at() + std::chrono::milliseconds{++drawn});
}

timestamp at(std::int64_t seconds_after) {
  using namespace std::chrono;
  return timestamp{sys_days{2026y / January / 1}.time_since_epoch() + microseconds{123456}
                   + seconds{seconds_after}};
}

node_row unregistered_node(const std::string& name, const std::string& cluster) {
  node_row node;
  node.incarnation = new_id(0);
  node.name = name;
  node.address = "127.0.0.1:4711";
  node.cluster = cluster;
  node.wire = 3;
  node.started_at = at();
  return node;
}

node_row new_node(store_under_test& db, const std::string& name) {
  auto node = unregistered_node(name.empty() ? "node-" + new_id(0).str() : name);
  db.ownership().register_node(node);
  return node;
}

owned_shard::owned_shard(store_under_test& store) : db(store), node(new_node(store)) {
  static std::map<store_under_test*, int> used;
  auto shard = used[&store]++;
  if (shard >= shard_count)
    throw std::runtime_error("the cases use more shards than there are");
  auto taken = db.ownership().acquire(node, {static_cast<shard_id>(shard)}, stale_after);
  if (taken.size() != 1)
    throw std::runtime_error("a free shard was not given");
  held = taken.front();
}

commit_outcome owned_shard::commit(const std::vector<storage::write_set>& write_sets) {
  auto out = db.journal().commit(batch_of({held}, write_sets));
  if (out.what == commit_outcome::kind::committed)
    ++held.seq;
  return out;
}

write_result owned_shard::write_set(const storage::write_set& ws) {
  auto out = commit({ws});
  if (out.what != commit_outcome::kind::committed)
    throw std::runtime_error("not committed: " + out.error);
  return out.results.at(0);
}

shard_row owned_shard::row() const {
  for (const auto& row : db.ownership().shards())
    if (row.shard == held.shard)
      return row;
  throw std::runtime_error("the shard has no row");
}

batch batch_of(std::vector<fence> fences, const std::vector<storage::write_set>& write_sets) {
  batch out;
  out.fences = std::move(fences);
  std::sort(out.fences.begin(), out.fences.end(),
            [](const fence& a, const fence& b) { return a.shard < b.shard; });
  for (const auto& ws : write_sets)
    out.write_sets.push_back(&ws);
  return out;
}

} // namespace souk::tests
