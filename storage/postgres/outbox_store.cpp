#include "storage/postgres/json_text.hpp"
#include "storage/postgres/postgres.hpp"
#include "storage/postgres/row_decode.hpp"

#include <algorithm>
#include <tuple>

namespace souk::storage::postgres {

namespace {

using std::chrono::milliseconds;

const composed_statement read_statement{
  "read_outbox", std::string{"SELECT "} + event_columns
                   + " FROM outbox e WHERE e.shard = $1::int2 AND (e.seq, e.n) > ($2::int8, $3::int4) "
                     "ORDER BY e.seq, e.n LIMIT $4::int4"};
const statement cursors_statement{"cursors",
                                  "SELECT consumer, seq, n FROM outbox_cursors WHERE shard = $1::int2 ORDER BY consumer"};
const statement save_statement{"save_cursors", R"(
  INSERT INTO outbox_cursors AS t (consumer, shard, seq, n)
  SELECT * FROM unnest($1::text[], $2::int2[], $3::int8[], $4::int4[]) ORDER BY 1, 2
  ON CONFLICT (consumer, shard) DO UPDATE SET seq = EXCLUDED.seq, n = EXCLUDED.n
    WHERE (t.seq, t.n) < (EXCLUDED.seq, EXCLUDED.n))"};
const statement park_statement{"park_event", R"(
  INSERT INTO outbox_parked (consumer, shard, seq, n, store_id, topic, subject, payload, at, error)
  VALUES ($1::text, $2::int2, $3::int8, $4::int4, $5::uuid, $6::text, $7::uuid, $8::json, $9::timestamptz, $10::text)
  ON CONFLICT DO NOTHING)"};
// What the slowest consumer has passed; a consumer without a cursor has passed nothing. A part at a time: the first prune of a busy
// week would outlast every time limit, be rolled back, and never get anywhere.
constexpr int prune_part = 10'000;
const statement prune_statement{"prune_outbox", R"(
  WITH passed AS (
    SELECT DISTINCT ON (shard) shard, seq, n FROM outbox_cursors c WHERE consumer = ANY ($1::text[])
      AND (SELECT count(*) FROM outbox_cursors o WHERE o.shard = c.shard AND o.consumer = ANY ($1)) = cardinality($1)
    ORDER BY shard, seq, n),
  old AS (
    SELECT e.shard, e.seq, e.n FROM outbox e JOIN passed p ON e.shard = p.shard AND (e.seq, e.n) <= (p.seq, p.n)
    WHERE e.at < $2::timestamptz LIMIT $3::int4),
  gone AS (
    DELETE FROM outbox e USING old o WHERE e.shard = o.shard AND e.seq = o.seq AND e.n = o.n RETURNING 1)
  SELECT count(*) FROM gone)"};

class pg_outbox_store final : public outbox_store {
public:
  explicit pg_outbox_store(const database& db)
    : connection_({db.url, "souk-outbox", "souk_writer", milliseconds{2'000}, milliseconds{10'000},
                   std::string{find_by_index_sql} + "SET lock_timeout = '5s'; SET statement_timeout = '10s'"}) {
    // nop
  }

  std::vector<outbox_event> read(shard_id shard, std::int64_t seq, std::int32_t n, int limit) override {
    const auto r = connection_.read(read_statement, parameters::of(static_cast<std::int16_t>(shard), seq, n,
                                                                   std::int32_t{std::max(limit, 0)}));
    std::vector<outbox_event> out;
    for (int i = 0; i < r.rows(); ++i)
      out.push_back(event_of(r, i));
    return out;
  }

  std::vector<outbox_cursor> cursors(shard_id shard) override {
    const auto r = connection_.read(cursors_statement, parameters::of(static_cast<std::int16_t>(shard)));
    std::vector<outbox_cursor> out;
    for (int i = 0; i < r.rows(); ++i)
      out.push_back({r.text(i, 0), shard, r.int8(i, 1), r.int4(i, 2)});
    return out;
  }

  void save(const std::vector<outbox_cursor>& cursors) override {
    // One row per consumer and shard: a statement may not touch a row twice.
    auto sorted = cursors;
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      return std::tie(a.consumer, a.shard, b.seq, b.n) < std::tie(b.consumer, b.shard, a.seq, a.n);
    });
    column_arrays rows;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const auto& c = sorted[i];
      if (i == 0 || c.consumer != sorted[i - 1].consumer || c.shard != sorted[i - 1].shard)
        rows.row(c.consumer, static_cast<std::int16_t>(c.shard), c.seq, c.n);
    }
    if (!rows.empty())
      connection_.read(save_statement, rows.take());
  }

  void park(const std::string& consumer, const outbox_event& event, const std::string& error) override {
    const auto& e = event.event;
    const auto payload = to_json(e.fields);
    connection_.read(park_statement,
                     parameters::of(consumer, static_cast<std::int16_t>(event.shard), event.seq, event.n,
                                    e.store_id.is_nil() ? std::nullopt : std::optional{e.store_id}, e.topic, e.subject,
                                    json_text{payload}, e.at, error));
  }

  std::int64_t prune(const std::vector<std::string>& consumers, timestamp before) override {
    if (consumers.empty())
      return 0; // nobody to ask is not the same as everybody has seen it
    auto names = consumers;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::int64_t gone = 0;
    for (;;) {
      const auto part = connection_.read(prune_statement, parameters::of(names, before, std::int32_t{prune_part})).int8(0, 0);
      gone += part;
      if (part < prune_part)
        return gone;
    }
  }

private:
  connection connection_;
};

} // namespace

std::unique_ptr<outbox_store> make_outbox_store(const database& db) {
  return std::make_unique<pg_outbox_store>(db);
}

} // namespace souk::storage::postgres
