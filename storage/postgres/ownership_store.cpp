#include "storage/postgres/connection.hpp"
#include "storage/postgres/postgres.hpp"

#include <algorithm>

namespace souk::storage::postgres {

namespace {

using std::chrono::milliseconds;

// Registrations wait for each other on this row: of two nodes of different clusters only one finds the database empty.
const statement lock_view_statement{"lock_view", "SELECT version FROM cluster_view FOR NO KEY UPDATE"};
// Answers with a living node of another cluster, and then registers nothing.
const statement register_statement{"register_node", R"(
  WITH foreign_node AS MATERIALIZED (
    SELECT name, cluster FROM nodes
    WHERE incarnation <> $1::uuid AND cluster <> $4::text AND cluster <> '' AND $4::text <> ''
      AND heartbeat_at > clock_timestamp() - $9::int8 * interval '1 millisecond'
    ORDER BY incarnation LIMIT 1),
  added AS (
    INSERT INTO nodes (incarnation, name, address, cluster, wire, started_at, draining, unreachable, heartbeat_at)
    SELECT $1::uuid, $2::text, $3::text, $4::text, $5::int4, $6::timestamptz, $7::boolean, $8::uuid[], clock_timestamp()
    WHERE NOT EXISTS (SELECT FROM foreign_node)
    ON CONFLICT (incarnation) DO UPDATE SET
      name = EXCLUDED.name, address = EXCLUDED.address, cluster = EXCLUDED.cluster, wire = EXCLUDED.wire,
      started_at = EXCLUDED.started_at, draining = EXCLUDED.draining, unreachable = EXCLUDED.unreachable,
      heartbeat_at = clock_timestamp())
  SELECT name, cluster FROM foreign_node)"};
const statement heartbeat_statement{"heartbeat", R"(
  UPDATE nodes SET heartbeat_at = clock_timestamp(), draining = $2::boolean, unreachable = $3::uuid[]
  WHERE incarnation = $1::uuid RETURNING asked_to_drain)"};
const statement remove_statement{"remove_node", "DELETE FROM nodes WHERE incarnation = $1::uuid"};
const statement view_statement{"view", "SELECT version, members FROM cluster_view"};
const statement propose_statement{"propose_view", R"(
  UPDATE cluster_view SET version = version + 1, members = $2::uuid[] WHERE version = $1::int8 RETURNING version)"};
const statement nodes_statement{"nodes", R"(
  SELECT incarnation, name, address, cluster, wire, started_at, heartbeat_at,
         heartbeat_at > clock_timestamp() - $1::int8 * interval '1 millisecond', draining OR asked_to_drain, unreachable
  FROM nodes ORDER BY incarnation)"};
const statement shards_statement{"shards", "SELECT shard, owner, epoch, seq, residence FROM shards ORDER BY shard"};
const statement acquire_statement{"acquire", R"(
  SELECT shard, epoch, seq FROM souk_acquire($1::uuid, $2::text, $3::int2[], $4::int8 * interval '1 millisecond'))"};
const statement hand_over_statement{"hand_over", R"(
  WITH locked AS (
    SELECT s.shard FROM shards s
    JOIN unnest($2::int2[], $3::int8[], $4::int8[]) x(shard, epoch, seq)
      ON s.shard = x.shard AND s.epoch = x.epoch AND s.seq = x.seq
    WHERE s.owner = $1::uuid AND s.residence = 1
    ORDER BY s.shard FOR NO KEY UPDATE OF s)
  UPDATE shards s SET owner = n.incarnation, owner_name = n.name, epoch = s.epoch + 1, settle_token = NULL
  FROM locked, nodes n WHERE s.shard = locked.shard AND n.incarnation = $5::uuid
  RETURNING s.shard, s.epoch, s.seq)"};
const statement release_statement{"release", R"(
  WITH locked AS (
    SELECT s.shard FROM shards s JOIN unnest($1::int2[], $2::int8[]) x(shard, epoch) ON s.shard = x.shard AND s.epoch = x.epoch
    ORDER BY s.shard FOR NO KEY UPDATE OF s)
  UPDATE shards s SET owner = NULL, owner_name = NULL FROM locked WHERE s.shard = locked.shard)"};
// A shard that is elsewhere is for its own database to judge.
const statement quarantine_statement{"quarantine", R"(
  WITH known AS (
    SELECT shard, max(epoch) AS epoch FROM unnest($1::int2[], $2::int8[]) x(shard, epoch) GROUP BY shard),
  locked AS (
    SELECT s.shard, known.epoch FROM shards s JOIN known USING (shard) WHERE s.residence IN (1, 3)
    ORDER BY s.shard FOR NO KEY UPDATE OF s)
  UPDATE shards s SET residence = 4, owner = NULL, owner_name = NULL, epoch = greatest(s.epoch, locked.epoch) + 1, settle_token = NULL
  FROM locked WHERE s.shard = locked.shard)"};
const statement ask_to_drain_statement{
  "ask_to_drain", "UPDATE nodes SET asked_to_drain = $2::boolean WHERE name = $1::text RETURNING 1"};
const statement now_statement{"now", "SELECT clock_timestamp()"};

constexpr milliseconds time_limit{3'000};
/// Well below node_stale_ms: whoever waits for a row does not write its heartbeat meanwhile.
constexpr milliseconds acquire_limit{1'500};
/// A commit takes milliseconds; whoever keeps a shard's row locked for longer while its owner is silent is half dead.
constexpr milliseconds patience{300};

/// A uuid[] of one dimension without nulls.
std::vector<ulid> ids_of(std::string_view array) {
  constexpr std::size_t header = 20, stride = 4 + 16;
  std::vector<ulid> out;
  for (auto at = header; at + stride <= array.size(); at += stride)
    std::memcpy(out.emplace_back().bytes.data(), array.data() + at + 4, 16);
  return out;
}

cluster_view view_of(const result& r) {
  if (r.rows() != 1)
    throw storage_error("cluster_view has " + std::to_string(r.rows()) + " rows and not one");
  return {r.int8(0, 0), ids_of(r.raw(0, 1))};
}

std::vector<node_row> nodes_of(const result& r) {
  std::vector<node_row> out;
  for (int i = 0; i < r.rows(); ++i)
    out.push_back({.incarnation = r.id(i, 0),
                   .name = r.text(i, 1),
                   .address = r.text(i, 2),
                   .cluster = r.text(i, 3),
                   .wire = r.int4(i, 4),
                   .started_at = r.time(i, 5),
                   .heartbeat_at = r.time(i, 6),
                   .alive = r.boolean(i, 7),
                   .draining = r.boolean(i, 8),
                   .unreachable = ids_of(r.raw(i, 9))});
  return out;
}

std::vector<shard_row> shards_of(const result& r) {
  std::vector<shard_row> out;
  for (int i = 0; i < r.rows(); ++i)
    out.push_back({static_cast<shard_id>(r.int2(i, 0)), r.id(i, 1), r.int8(i, 2), r.int8(i, 3),
                   static_cast<residence>(r.int2(i, 4))});
  return out;
}

std::vector<fence> fences_of(const result& r) {
  std::vector<fence> out;
  for (int i = 0; i < r.rows(); ++i)
    out.push_back({static_cast<shard_id>(r.int2(i, 0)), r.int8(i, 1), r.int8(i, 2)});
  std::sort(out.begin(), out.end(), [](const fence& a, const fence& b) { return a.shard < b.shard; });
  return out;
}

class pg_ownership_store final : public ownership_store {
public:
  explicit pg_ownership_store(const database& db)
    : connection_({db.url, "souk-ownership", "souk_writer", milliseconds{2'000}, time_limit,
                   "SET lock_timeout = '1400ms'; SET statement_timeout = '3s'"}) {
    // nop
  }

  void register_node(const node_row& self) override {
    std::vector<call> calls;
    calls.push_back({&lock_view_statement, {}});
    calls.push_back({&register_statement,
                     parameters::of(self.incarnation, self.name, self.address, self.cluster, self.wire, self.started_at,
                                    self.draining, self.unreachable, std::int64_t{foreign_nodes_count_for.count()})});
    const auto results = connection_.read(calls);
    if (const auto& other = results.back(); other.rows() > 0)
      throw storage_error("this database belongs to cluster \"" + other.text(0, 1) + "\", whose node \""
                          + other.text(0, 0) + "\" is alive; node \"" + self.name + "\" is of cluster \"" + self.cluster
                          + "\"");
  }

  observation observe(const node_row& self, milliseconds stale_after) override {
    std::vector<call> calls;
    calls.push_back({&heartbeat_statement, parameters::of(self.incarnation, self.draining, self.unreachable)});
    calls.push_back({&view_statement, {}});
    calls.push_back({&nodes_statement, parameters::of(std::int64_t{stale_after.count()})});
    calls.push_back({&shards_statement, {}});
    const auto r = connection_.read(calls);
    observation out;
    out.known = r[0].rows() > 0;
    out.asked_to_drain = out.known && r[0].boolean(0, 0);
    out.view = view_of(r[1]);
    out.nodes = nodes_of(r[2]);
    out.shards = shards_of(r[3]);
    return out;
  }

  void deregister(const ulid& incarnation) override { connection_.read(remove_statement, parameters::of(incarnation)); }

  bool propose_view(std::int64_t expected, const std::vector<ulid>& members) override {
    auto list = members;
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return connection_.read(propose_statement, parameters::of(expected, list)).rows() > 0;
  }

  std::vector<node_row> nodes(milliseconds stale_after) override {
    return nodes_of(connection_.read(nodes_statement, parameters::of(std::int64_t{stale_after.count()})));
  }

  std::vector<shard_row> shards() override { return shards_of(connection_.read(shards_statement, {})); }

  std::vector<fence> acquire(const node_row& self, const std::vector<shard_id>& wanted,
                             milliseconds stale_after) override {
    return fences_of(take(acquire_statement, parameters::of(self.incarnation, self.name, numbers_of(wanted),
                                                            std::int64_t{stale_after.count()})));
  }

  std::vector<fence> hand_over(const ulid& self, const std::vector<fence>& held, const node_row& next) override {
    if (held.empty())
      return {};
    const auto x = columns_of(held);
    return fences_of(take(hand_over_statement, parameters::of(self, x.shards, x.epochs, x.seqs, next.incarnation)));
  }

  void release(const std::vector<fence>& held) override {
    column_arrays rows;
    for (const auto& f : held)
      rows.row(static_cast<std::int16_t>(f.shard), f.epoch);
    if (!rows.empty())
      connection_.read(release_statement, rows.take());
  }

  void bury(const ulid& incarnation) override { deregister(incarnation); }

  bool ask_to_drain(const std::string& name, bool drain) override {
    return connection_.read(ask_to_drain_statement, parameters::of(name, drain)).rows() > 0;
  }

  void quarantine(const std::vector<fence>& known) override {
    const auto x = columns_of(known);
    if (!known.empty())
      take(quarantine_statement, parameters::of(x.shards, x.epochs));
  }

  timestamp now() override {
    return connection_.read(now_statement, {}).time(0, 0);
  }

private:
  struct columns {
    std::vector<std::int16_t> shards;
    std::vector<std::int64_t> epochs, seqs;
  };
  static columns columns_of(const std::vector<fence>& fences) {
    columns out;
    for (const auto& f : fences) {
      out.shards.push_back(static_cast<std::int16_t>(f.shard));
      out.epochs.push_back(f.epoch);
      out.seqs.push_back(f.seq);
    }
    return out;
  }
  static std::vector<std::int16_t> numbers_of(const std::vector<shard_id>& shards) {
    return {shards.begin(), shards.end()};
  }

  /// For what must not wait for a half-dead writer.
  result take(const statement& what, parameters arguments) {
    std::vector<call> calls;
    calls.push_back({&what, std::move(arguments)});
    auto a = connection_.transact_ending_blockers(calls, acquire_limit, patience);
    if (a.what == answer::kind::done)
      return std::move(a.results.front());
    if (a.try_later())
      throw unavailable(a.message);
    throw storage_error(a.message);
  }

  connection connection_;
};

} // namespace

std::unique_ptr<ownership_store> make_ownership_store(const database& db) {
  return std::make_unique<pg_ownership_store>(db);
}

} // namespace souk::storage::postgres
