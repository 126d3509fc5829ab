#pragma once

#include "storage/postgres/connection.hpp"
#include "storage/postgres/postgres.hpp"

namespace souk::storage::postgres {

/// For chores that every node of a cluster could do and one should: an advisory lock of the database, held while this object lives and
/// its session does.
class turn {
public:
  /// @throws unavailable, storage_error
  turn(const database& db, std::int64_t chore);
  /// Nobody else is at this chore.
  bool ours() const noexcept { return ours_; }

private:
  connection connection_;
  bool ours_ = false;
};

} // namespace souk::storage::postgres
