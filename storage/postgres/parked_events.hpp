#pragma once

#include "storage/outbox_store.hpp"
#include "storage/postgres/postgres.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::storage::postgres {

/// An event that a consumer never took, put aside for an operator.
struct parked_row {
  std::string consumer;
  outbox_event event;
  std::string error;
  timestamp parked_at{};
  bool asked_again = false; ///< an operator wants it delivered once more
};

/// Which of them. Nothing set: all.
struct parked_filter {
  std::optional<std::string> consumer;
  std::optional<shard_id> shard; ///< with seq and n: one event
  std::int64_t seq = 0;
  std::int32_t n = 0;
};

// Each may throw storage::unavailable.

/// Oldest first. @param only_asked those that are to be delivered once more
std::vector<parked_row> parked_events(const database& db, bool only_asked, int limit);
/// How many were asked for.
std::int64_t ask_parked_again(const database& db, const parked_filter& which);
/// How many are gone.
std::int64_t drop_parked(const database& db, const parked_filter& which);
/// It was not taken this time either: it stays, and is not tried again by itself.
void parked_refused(const database& db, const parked_row& row, const std::string& error);

} // namespace souk::storage::postgres
