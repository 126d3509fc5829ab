#pragma once

#include "storage/journal_store.hpp"

#include <vector>

namespace souk::storage::postgres {

class connection;

/// Finds the write sets of a batch that cannot be written because of what is there already, or because of an earlier write set
/// of the same batch: a SKU or handle in use, an idempotency key used, a second review or vote, an id that exists.
///
/// It is asked only after a batch was refused by the database, and before the transaction that writes the rest. That is safe:
/// all these conflicts are within a shard, and the fence refuses the transaction if anybody wrote to the shard in between.
/// @returns one entry per write set. @throws unavailable, storage_error
std::vector<write_result> admit(connection& db, const batch& b);

} // namespace souk::storage::postgres
