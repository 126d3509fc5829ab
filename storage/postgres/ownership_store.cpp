#include "storage/postgres/connection.hpp"
#include "storage/postgres/postgres.hpp"

#include <algorithm>

namespace souk::storage::postgres {

namespace {

using std::chrono::milliseconds;

const statement register_statement{"register_node", R"(
  INSERT INTO nodes (incarnation, name, address, started_at, heartbeat_at)
  VALUES ($1::uuid, $2::text, $3::text, $4::timestamptz, clock_timestamp())
  ON CONFLICT (incarnation) DO UPDATE SET name = EXCLUDED.name, address = EXCLUDED.address, heartbeat_at = clock_timestamp())"};
const statement heartbeat_statement{"heartbeat",
                                    "UPDATE nodes SET heartbeat_at = clock_timestamp() WHERE incarnation = $1::uuid RETURNING 1"};
const statement deregister_statement{"deregister_node", "DELETE FROM nodes WHERE incarnation = $1::uuid"};
const statement nodes_statement{"nodes", R"(
  SELECT incarnation, name, address, started_at, heartbeat_at,
         heartbeat_at >= clock_timestamp() - $1::int8 * interval '1 millisecond'
  FROM nodes ORDER BY incarnation)"};
const statement shards_statement{"shards", "SELECT shard, owner, epoch, seq FROM shards ORDER BY shard"};
const statement acquire_statement{"acquire", R"(
  SELECT shard, epoch, seq FROM souk_acquire($1::uuid, $2::text, $3::int2[], $4::int8 * interval '1 millisecond'))"};
const statement release_statement{"release", R"(
  WITH locked AS (
    SELECT s.shard FROM shards s JOIN unnest($1::int2[], $2::int8[]) x(shard, epoch) ON s.shard = x.shard AND s.epoch = x.epoch
    ORDER BY s.shard FOR NO KEY UPDATE OF s)
  UPDATE shards s SET owner = NULL, owner_name = NULL FROM locked WHERE s.shard = locked.shard)"};
const statement now_statement{"now", "SELECT clock_timestamp()"};

constexpr milliseconds time_limit{3'000};
constexpr milliseconds acquire_limit{10'000};
/// A commit takes milliseconds; whoever keeps a shard's row locked for longer while its owner is silent is half dead.
constexpr milliseconds patience{300};

class pg_ownership_store final : public ownership_store {
public:
  explicit pg_ownership_store(const database& db)
    : connection_({db.url, "souk-ownership", "souk_writer", milliseconds{2'000}, time_limit,
                   "SET lock_timeout = '10s'; SET statement_timeout = '12s'"}) {
    // nop
  }

  void register_node(const node_row& self) override {
    connection_.read(register_statement, parameters::of(self.incarnation, self.name, self.address, self.started_at));
  }

  bool heartbeat(const ulid& incarnation) override {
    return connection_.read(heartbeat_statement, parameters::of(incarnation)).rows() > 0;
  }

  void deregister(const ulid& incarnation) override {
    connection_.read(deregister_statement, parameters::of(incarnation));
  }

  std::vector<node_row> nodes(milliseconds stale_after) override {
    const auto r = connection_.read(nodes_statement, parameters::of(std::int64_t{stale_after.count()}));
    std::vector<node_row> out;
    for (int i = 0; i < r.rows(); ++i)
      out.push_back({r.id(i, 0), r.text(i, 1), r.text(i, 2), r.time(i, 3), r.time(i, 4), r.boolean(i, 5)});
    return out;
  }

  std::vector<shard_row> shards() override {
    const auto r = connection_.read(shards_statement, {});
    std::vector<shard_row> out;
    for (int i = 0; i < r.rows(); ++i)
      out.push_back({static_cast<shard_id>(r.int2(i, 0)), r.id(i, 1), r.int8(i, 2), r.int8(i, 3)});
    return out;
  }

  std::vector<fence> acquire(const node_row& self, const std::vector<shard_id>& wanted, milliseconds stale_after) override {
    std::vector<std::int16_t> list{wanted.begin(), wanted.end()};
    std::vector<call> calls;
    calls.push_back({&acquire_statement,
                     parameters::of(self.incarnation, self.name, list, std::int64_t{stale_after.count()})});
    const auto a = connection_.transact_ending_blockers(calls, acquire_limit, patience);
    if (a.what != answer::kind::done) {
      if (a.try_later())
        throw unavailable(a.message);
      throw storage_error(a.message);
    }
    const auto& r = a.results.front();
    std::vector<fence> out;
    for (int i = 0; i < r.rows(); ++i)
      out.push_back({static_cast<shard_id>(r.int2(i, 0)), r.int8(i, 1), r.int8(i, 2)});
    return out;
  }

  void release(const std::vector<fence>& held) override {
    column_arrays rows;
    for (const auto& f : held)
      rows.row(static_cast<std::int16_t>(f.shard), f.epoch);
    if (!rows.empty())
      connection_.read(release_statement, rows.take());
  }

  timestamp now() override {
    return connection_.read(now_statement, {}).time(0, 0);
  }

private:
  connection connection_;
};

} // namespace

std::unique_ptr<ownership_store> make_ownership_store(const database& db) {
  return std::make_unique<pg_ownership_store>(db);
}

} // namespace souk::storage::postgres
