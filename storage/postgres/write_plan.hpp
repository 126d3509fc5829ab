#pragma once

#include "storage/journal_store.hpp"
#include "storage/postgres/connection.hpp"

#include <vector>

namespace souk::storage::postgres {

struct plan_options {
  /// A first try collided on a unique key: names that change hands are let go first, and reservations may replace released ones.
  bool careful = false;
};

/// A batch as statements: mutations of one row are folded into one, all rows of a kind go into one statement, and the statements
/// are in an order in which rows find what they refer to.
struct write_plan {
  std::vector<call> calls; ///< the fence first
  int numbers_at = -1;     ///< the call that answers (order id, number), if orders are inserted
  std::string error;       ///< why the batch cannot be written: a stale version within it, a row in the wrong shard
};

/// @param refused one entry per write set; those with a refusal are left out, but their shards' seq advances all the same.
write_plan plan_writes(const batch& b, const std::vector<write_result>& refused, plan_options options);

} // namespace souk::storage::postgres
