#pragma once

#include "storage/postgres/postgres.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace souk::storage::postgres {

/// What has been done for good when it is told. After a crash behind any of them the same command goes on.
enum class move_step {
  indexed,  ///< the shard's rows in large tables are found without reading the others'; skipped where no table is large
  looked,   ///< both databases answer and fit, the destination is clean
  frozen,   ///< the shard has no owner; what its last one had under way is committed or refused
  copied,   ///< in a transaction of the destination that is not committed
  compared, ///< source and copy agree, table by table
  switched, ///< the shard lives in its new database: it can be owned again
  left,     ///< the old database knows that the shard is elsewhere
  deleted   ///< the old rows are gone
};

struct moved_table {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t bytes = 0; ///< as sent
  std::chrono::milliseconds took{};
};

struct move_report {
  std::vector<moved_table> tables;
  /// Nobody could write to the shard for so long. Zero when an earlier run had frozen it.
  std::chrono::milliseconds frozen{};
  std::int64_t deleted = 0; ///< rows left behind that were deleted
};

struct move_options {
  /// Called at each step with a sentence for the operator; what it throws ends the move there.
  std::function<void(move_step, const std::string&)> told = [](move_step, const std::string&) {};
  /// Between the switch and the deletion: nodes that have not heard of the move yet still read the old rows.
  std::chrono::milliseconds keep_old_rows{10'000};
  /// Larger tables get an index of the shard's rows before it is frozen, so that it is not frozen while they are searched.
  std::int64_t index_above = std::int64_t{32} << 20;
  /// A transaction that holds the shard's row for longer than this while it is to be frozen is ended.
  std::chrono::milliseconds patience{2'000};
};

/// Moves a shard to another database: freezes it by its epoch (whoever owns it can commit nothing more), copies and compares its rows
/// in one transaction of the destination, whose commit makes it live there, and deletes the old ones. Run again, it goes on where it
/// stopped, whatever was done. Run by several at once, one does the work.
/// @param to index of the destination in `all`
/// @throws unavailable, storage_error with what to do
move_report move_shard(const databases& all, shard_id shard, std::size_t to, const move_options& options = {});

/// Unfreezes a shard that a move left frozen, where it was. @throws storage_error when there is no such move, when it is still at
/// work, or when the shard lives in its new database already; unavailable
void abort_move(const databases& all, shard_id shard);

} // namespace souk::storage::postgres
