#pragma once

#include "storage/mutations.hpp"

#include <memory>
#include <string>
#include <vector>

namespace souk::storage {

/// What a writer believes about a shard it owns. A commit advances `seq` where both still hold, or writes nothing.
struct fence {
  shard_id shard = 0;
  std::int64_t epoch = 0;
  std::int64_t seq = 0;
  bool operator==(const fence&) const = default;
};

/// Conflicts that a command can run into without anybody's fault: answers for that one write set, not errors.
enum class refusal : std::uint8_t {
  none = 0,
  sku_taken = 1,        ///< detail: the SKU
  handle_taken = 2,     ///< detail: the handle
  key_used = 3,         ///< detail: the order id that the key belongs to
  already_reviewed = 4, ///< one review per user and product
  already_voted = 5,
  exists = 6,           ///< the row's id is there already: the command was done before
  already_used = 7      ///< the customer has used this discount; detail: the code
};

struct write_result {
  refusal refused = refusal::none;
  std::string detail;
  std::int64_t drawn_number = 0; ///< of the insert_order in the write set, else 0
};

/// Several write sets that become one transaction. `fences` holds each shard of the write sets once, in shard order.
struct batch {
  std::vector<fence> fences;
  std::vector<const write_set*> write_sets;
};

struct commit_outcome {
  enum class kind : std::uint8_t {
    committed,   ///< `results` has one entry per write set; the shards' seq is one more than the fences said
    fenced,      ///< nothing written; `lost` names the shards that somebody else owns
    failed,      ///< nothing written: the database refused something (CHECK, stale version, …); `error` says what
    unavailable, ///< nothing written: no connection, or the database is starting or stopping
    unknown      ///< sent, and the answer was lost: it may or may not be committed; call settle()
  };
  kind what = kind::unavailable;
  std::vector<write_result> results;
  std::vector<shard_id> lost;
  std::string error;
};

/// What settle() found.
struct settlement {
  bool reachable = false;       ///< false: the database did not answer, ask again
  bool landed = false;          ///< the batch was committed; `results` as commit would have given them
  std::vector<write_result> results;
  std::vector<fence> fences;    ///< the new fences of the shards still ours
  std::vector<shard_id> lost;   ///< owned by somebody else now, or behind what this writer was acknowledged
};

/// A journal lane's way to its database: one connection, used by one thread at a time. All calls block, within time limits.
class journal_store {
public:
  virtual ~journal_store() = default;

  /// Writes the batch as one transaction whose first statement is the fence.
  virtual commit_outcome commit(const batch& b) = 0;

  /// Settles a commit whose answer was lost: re-takes the batch's shards (epoch + 1, waiting for the old transaction, ending
  /// the session that blocks it), so that the old transaction either landed before or can never land.
  virtual settlement settle(const batch& b) = 0;
};

} // namespace souk::storage
