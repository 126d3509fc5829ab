#include "storage/postgres/shard_copy.hpp"

#include "storage/error.hpp"
#include "storage/postgres/shard_index.hpp"

#include <sodium.h>

#include <cstring>
#include <ranges>

namespace souk::storage::postgres {

namespace {

/// Pages of 8 KiB that one deletion looks at. A table is read from its beginning to its end once, however few rows are found.
constexpr std::int64_t pages_at_once = 4096;
/// Rows of one deletion where an index finds them.
constexpr std::int64_t rows_at_once = 20'000;

constexpr std::string_view copy_signature{"PGCOPY\n\377\r\n\0", 11};
constexpr std::size_t copy_header = 19; ///< signature, flags and the length of an extension, which is none
constexpr std::string_view copy_trailer{"\377\377", 2};

/// A message of COPY … (FORMAT binary) is a row; the header stands before the first one, the trailer alone.
void add(table_sum& sum, std::string_view message) {
  if (message.starts_with(copy_signature))
    message.remove_prefix(copy_header);
  if (message.empty() || message == copy_trailer)
    return;
  std::uint64_t hash[2];
  crypto_generichash(reinterpret_cast<unsigned char*>(hash), sizeof hash, reinterpret_cast<const unsigned char*>(message.data()),
                     message.size(), nullptr, 0);
  ++sum.rows;
  sum.bytes += static_cast<std::int64_t>(message.size());
  sum.hash[0] += hash[0];
  sum.hash[1] += hash[1];
}

std::string copy_out_sql(const shard_table& t, shard_id shard) {
  return "COPY (SELECT " + t.columns + " FROM " + t.name + " WHERE " + t.rows_of(shard) + ") TO STDOUT (FORMAT binary)";
}

} // namespace

table_sum copy_shard_rows(bulk_session& from, bulk_session& to, const shard_table& t, shard_id shard, rows_there there) {
  // Row-level security forbids COPY FROM, whatever the policies say: such rows come through a table of this transaction.
  const bool indirect = t.row_security || there == rows_there::some;
  const auto staged = "moving_" + t.name;
  if (indirect)
    to.run("CREATE TEMPORARY TABLE " + staged + " ON COMMIT DROP AS SELECT " + t.columns + " FROM " + t.name + " WITH NO DATA");
  table_sum sum;
  to.begin_copy_in("COPY " + (indirect ? staged : t.name) + " (" + t.columns + ") FROM STDIN (FORMAT binary)");
  from.copy_out(copy_out_sql(t, shard), [&](std::string_view message) {
    add(sum, message);
    to.put(message);
  });
  to.end_copy();
  if (indirect) {
    if (sum.rows > 0)
      to.run("INSERT INTO " + t.name + " (" + t.columns + ") SELECT " + t.columns + " FROM " + staged
             + (there == rows_there::some ? " ON CONFLICT DO NOTHING" : ""));
    to.run("DROP TABLE " + staged);
  }
  return sum;
}

table_sum sum_shard_rows(bulk_session& db, const shard_table& t, shard_id shard) {
  table_sum sum;
  db.copy_out(copy_out_sql(t, shard), [&](std::string_view message) { add(sum, message); });
  return sum;
}

namespace {

std::int64_t delete_part(bulk_session& db, const shard_table& t, shard_id shard, const std::string& where) {
  // Under a lock on the shard's row: a move that brings it here waits, or has come and is seen.
  db.run("BEGIN");
  if (db.ask("SELECT 1 FROM shards WHERE shard = " + std::to_string(shard) + " AND residence = 2 FOR SHARE").empty())
    throw storage_error("shard " + std::to_string(shard) + " came to live here: its rows stay");
  const auto gone = db.run("DELETE FROM " + t.name + " WHERE " + where);
  db.run("COMMIT");
  return gone;
}

} // namespace

std::int64_t delete_shard_rows(const database& where, shard_id shard) {
  bulk_session db(where.url, "souk-move", "souk_writer");
  const auto tables = shard_tables(db);
  std::int64_t gone = 0;
  for (const auto& t : std::views::reverse(tables)) {
    if (has_shard_index(db, t, shard)) {
      const auto part = "ctid = ANY (ARRAY(SELECT ctid FROM " + t.name + " WHERE " + t.rows_of(shard) + " LIMIT "
                        + std::to_string(rows_at_once) + "))";
      for (std::int64_t n = rows_at_once; n == rows_at_once;)
        gone += n = delete_part(db, t, shard, part);
      continue;
    }
    const auto pages = std::stoll(db.ask("SELECT pg_relation_size('" + t.name + "') / current_setting('block_size')::int").at(0)[0]);
    for (std::int64_t page = 0; page < pages; page += pages_at_once)
      gone += delete_part(db, t, shard,
                          "ctid >= '(" + std::to_string(page) + ",0)' AND ctid < '(" + std::to_string(page + pages_at_once) + ",0)' AND "
                            + t.rows_of(shard));
  }
  return gone;
}

} // namespace souk::storage::postgres
