#pragma once

#include "storage/postgres/postgres.hpp"
#include "storage/postgres/shard_tables.hpp"

namespace souk::storage::postgres {

/// What a table holds of a shard, whatever the order of its rows: their number, and the sum of their hashes.
struct table_sum {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::uint64_t hash[2] = {0, 0};
  bool operator==(const table_sum&) const = default;
};

enum class rows_there { none, some };

/// Copies the shard's rows of a table. `to` is in a transaction. @param there `some`: what is there already stays as it is
/// @returns the sum of what was read
table_sum copy_shard_rows(bulk_session& from, bulk_session& to, const shard_table& table, shard_id shard,
                          rows_there there = rows_there::none);

/// The sum of what is there now.
table_sum sum_shard_rows(bulk_session& db, const shard_table& table, shard_id shard);

/// Deletes the shard's rows from a database that the shard does not live in, part by part. @returns how many
/// @throws storage_error when the shard comes to live there
std::int64_t delete_shard_rows(const database& db, shard_id shard);

} // namespace souk::storage::postgres
