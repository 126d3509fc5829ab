#pragma once

#include "storage/ulid.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::storage {

enum class name_kind : std::uint8_t { email = 1, slug = 2 };

struct directory_entry {
  name_kind kind = name_kind::email;
  std::string name; ///< lower case
  ulid id;          ///< of the user or the store
  bool confirmed = false;
  timestamp claimed_at{};
};

/// The few names that are unique over all shards. A name is claimed (pending) before its owner is committed in its shard, and
/// confirmed after: a sweeper confirms or frees what a crash left pending. Calls block within a time limit and throw
/// storage::unavailable.
class directory {
public:
  virtual ~directory() = default;

  /// @returns the entry that holds the name now: ours (same id) or somebody else's.
  virtual directory_entry claim(name_kind kind, const std::string& name, const ulid& id) = 0;
  virtual void confirm(name_kind kind, const std::string& name, const ulid& id) = 0;
  /// Frees a name that is still pending for that id.
  virtual void release(name_kind kind, const std::string& name, const ulid& id) = 0;
  virtual std::optional<directory_entry> find(name_kind kind, const std::string& name) = 0;
  virtual std::vector<directory_entry> pending_before(timestamp limit, int count) = 0;
};

} // namespace souk::storage
