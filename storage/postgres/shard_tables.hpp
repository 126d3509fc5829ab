#pragma once

#include "storage/postgres/bulk_session.hpp"
#include "storage/ulid.hpp"

#include <string>
#include <vector>

namespace souk::storage::postgres {

/// A table whose rows belong to shards, as the database's catalog describes it.
struct shard_table {
  std::string name;
  std::string shard;              ///< expression that gives a row's shard: "shard" or "shard_of(store_id)"
  std::string columns;            ///< those that are stored as given (none that is generated), "id, store_id, …"
  std::string types;              ///< of the same columns
  bool row_security = false;      ///< COPY FROM does not work on it
  std::vector<std::string> above; ///< tables that its foreign keys refer to

  std::string rows_of(shard_id s) const { return shard + " = " + std::to_string(s); }
  bool operator==(const shard_table&) const = default;
};

/// Every table with rows of shards, each behind those that it refers to. A row's shard is its column `shard`, else that of the id its
/// primary key begins with, else that of its user.
/// @throws storage_error for a table whose rows carry their shard in no way that is known, or that draws numbers from a sequence
std::vector<shard_table> shard_tables(bulk_session& db);

/// The tables that belong to a database as a whole.
bool belongs_to_no_shard(const std::string& table);

} // namespace souk::storage::postgres
