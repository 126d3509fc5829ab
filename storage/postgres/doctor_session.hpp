#pragma once

#include "storage/postgres/connection.hpp"
#include "storage/postgres/postgres.hpp"

#include <memory>
#include <vector>

namespace souk::storage::postgres {

/// The shards whose rows a database answers for: all but those that live elsewhere. Of these it may hold old rows that are not deleted
/// yet, in pieces.
std::vector<shard_id> residents(const database& db);

/// A read-only session in which every table shows the rows of these shards only. @param limit of each statement
std::unique_ptr<connection> doctor_session(const database& db, const std::vector<shard_id>& shards, std::chrono::milliseconds limit);

} // namespace souk::storage::postgres
