#include "storage/postgres/parked_events.hpp"

#include "storage/postgres/connection.hpp"
#include "storage/postgres/row_decode.hpp"

namespace souk::storage::postgres {

namespace {

using std::chrono::milliseconds;

const composed_statement list_statement{
  "list_parked", std::string{"SELECT "} + event_columns
                   + ", e.consumer, e.error, e.parked_at, e.again_at IS NOT NULL FROM outbox_parked e "
                     "WHERE NOT $1::bool OR e.again_at IS NOT NULL ORDER BY e.parked_at, e.shard, e.seq, e.n LIMIT $2::int4"};
const statement again_statement{"ask_parked_again", R"(
  WITH done AS (
    UPDATE outbox_parked SET again_at = clock_timestamp()
    WHERE ($1::text IS NULL OR consumer = $1) AND ($2::int2 IS NULL OR (shard, seq, n) = ($2, $3::int8, $4::int4)) RETURNING 1)
  SELECT count(*) FROM done)"};
const statement drop_statement{"drop_parked", R"(
  WITH done AS (
    DELETE FROM outbox_parked
    WHERE ($1::text IS NULL OR consumer = $1) AND ($2::int2 IS NULL OR (shard, seq, n) = ($2, $3::int8, $4::int4)) RETURNING 1)
  SELECT count(*) FROM done)"};
const statement refused_statement{"parked_refused", R"(
  UPDATE outbox_parked SET again_at = NULL, error = $5::text
  WHERE consumer = $1::text AND (shard, seq, n) = ($2::int2, $3::int8, $4::int4))"};

connection open(const database& db) {
  return connection({db.url, "souk-parked", "souk_writer", milliseconds{3'000}, milliseconds{10'000}, ""});
}

parameters named(const parked_filter& which) {
  const auto shard = which.shard ? std::optional{static_cast<std::int16_t>(*which.shard)} : std::nullopt;
  return parameters::of(which.consumer, shard, which.seq, which.n);
}

} // namespace

std::vector<parked_row> parked_events(const database& db, bool only_asked, int limit) {
  auto session = open(db);
  const auto r = session.read(list_statement, parameters::of(only_asked, std::int32_t{limit}));
  std::vector<parked_row> out;
  for (int i = 0; i < r.rows(); ++i)
    out.push_back({r.text(i, 8), event_of(r, i), r.text(i, 9), r.time(i, 10), r.boolean(i, 11)});
  return out;
}

std::int64_t ask_parked_again(const database& db, const parked_filter& which) {
  auto session = open(db);
  return session.read(again_statement, named(which)).int8(0, 0);
}

std::int64_t drop_parked(const database& db, const parked_filter& which) {
  auto session = open(db);
  return session.read(drop_statement, named(which)).int8(0, 0);
}

void parked_refused(const database& db, const parked_row& row, const std::string& error) {
  auto session = open(db);
  session.read(refused_statement,
               parameters::of(row.consumer, static_cast<std::int16_t>(row.event.shard), row.event.seq, row.event.n, error));
}

} // namespace souk::storage::postgres
