#pragma once

#include "storage/postgres/postgres.hpp"

namespace souk::storage::postgres {

struct expired_rows {
  std::int64_t idempotency_keys = 0;
  std::int64_t sessions = 0;
  std::int64_t deliveries = 0; ///< to webhooks, a month old
  std::int64_t mails = 0;      ///< likewise
};

/// Deletes rows that nobody may use any more: idempotency keys older than `keys_kept` and sessions that have expired. They need no
/// fence: an actor that still remembers such a row only refuses a little longer. Works in parts, a few thousand rows each.
/// @throws unavailable, storage_error
expired_rows delete_expired(const database& db, timestamp now, std::chrono::hours keys_kept = std::chrono::hours{24});

} // namespace souk::storage::postgres
