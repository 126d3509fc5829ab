#pragma once

#include "storage/postgres/postgres.hpp"

#include <string>
#include <vector>

// A deployment's databases as one: which belong to it, in which order, and where its shards began.
namespace souk::storage::postgres {

/// Makes the databases one deployment, and gives every shard of a new one a database to live in. Databases that are in it already are
/// checked; an empty one joins. Safe to run again, by several at once, and after a crash in the middle. Needs all databases.
/// @pre all are migrated @returns what was done, a sentence each; empty when nothing was
/// @throws unavailable, storage_error when they do not fit together: the first one is not the deployment's first, one is listed
/// twice, holds shards of its own, or belongs to another deployment
std::vector<std::string> establish_deployment(const databases& all);

/// Gives the shards of a deployment in which no shard has ever been placed a database each: shard modulo the number of databases. A
/// deployment whose shards were placed before is left alone; `move-shard` moves them. @returns how many were placed
/// @pre establish_deployment has seen the same databases @throws unavailable, storage_error
int spread_shards(const databases& all);

/// Before a node starts: the databases that answer belong to one deployment, the first is its first, and each shard lives in one of
/// them. Places the shards. @returns the databases that did not answer @throws storage_error with what is wrong
std::vector<std::size_t> check_deployment(databases& all);

} // namespace souk::storage::postgres
