#pragma once

#include "storage/postgres/postgres.hpp"

#include <vector>

namespace souk::storage::postgres {

/// An operator has decided that a quarantined shard may be served again as it is. @returns those that were quarantined there
/// @throws storage::unavailable
std::vector<shard_id> reopen(const database& db, const std::vector<shard_id>& shards);

} // namespace souk::storage::postgres
