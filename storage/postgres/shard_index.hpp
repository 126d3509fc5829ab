#pragma once

#include "storage/postgres/postgres.hpp"
#include "storage/postgres/shard_tables.hpp"

#include <vector>

// While a shard moves nobody can write to it, so its rows must be found without reading those of all others. Nothing else looks for
// rows by their shard: an index for that on every table would cost every checkout, one that holds a single shard's rows costs nothing.
namespace souk::storage::postgres {

/// Indexes the shard's rows of the tables that are larger than `above` bytes, while they are in use. Needs the tables' owner.
/// @returns how many @throws unavailable, storage_error
int index_shard(const database& db, const std::vector<shard_table>& tables, shard_id shard, std::int64_t above);

bool has_shard_index(bulk_session& db, const shard_table& table, shard_id shard);

/// @throws unavailable, storage_error
void drop_shard_indexes(const database& db, shard_id shard);

} // namespace souk::storage::postgres
