#include "storage/postgres/expiry.hpp"

#include "storage/postgres/connection.hpp"

namespace souk::storage::postgres {

namespace {

using std::chrono::milliseconds;

constexpr std::int32_t part = 5'000;

const statement keys_statement{"expire_keys", R"(
  WITH gone AS (
    DELETE FROM idempotency_keys k USING (
      SELECT store_id, caller, key FROM idempotency_keys WHERE at < $1::timestamptz LIMIT $2::int4) o
    WHERE k.store_id = o.store_id AND k.caller = o.caller AND k.key = o.key AND k.at < $1::timestamptz RETURNING 1)
  SELECT count(*) FROM gone)"};
const statement sessions_statement{"expire_sessions", R"(
  WITH gone AS (
    DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE expires_at < $1::timestamptz LIMIT $2::int4) RETURNING 1)
  SELECT count(*) FROM gone)"};

const statement deliveries_statement{"expire_deliveries", R"(
  WITH gone AS (
    DELETE FROM webhook_deliveries WHERE state <> 1 AND id IN (
      SELECT id FROM webhook_deliveries WHERE created_at < $1::timestamptz AND state <> 1 LIMIT $2::int4) RETURNING 1)
  SELECT count(*) FROM gone)"};
const statement mails_statement{"expire_mails", R"(
  WITH gone AS (DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE at < $1::timestamptz LIMIT $2::int4) RETURNING 1)
  SELECT count(*) FROM gone)"};
constexpr std::chrono::hours sent_kept{24 * 30}; ///< what went out: long enough to answer "I got no mail"

std::int64_t delete_in_parts(connection& db, const statement& what, timestamp before) {
  std::int64_t all = 0;
  for (;;) {
    const auto gone = db.read(what, parameters::of(before, part)).int8(0, 0);
    all += gone;
    if (gone < part)
      return all;
  }
}

} // namespace

expired_rows delete_expired(const database& db, timestamp now, std::chrono::hours keys_kept) {
  connection c({db.url, "souk-expiry", "souk_writer", milliseconds{2'000}, milliseconds{10'000},
                std::string{find_by_index_sql} + "SET lock_timeout = '2s'; SET statement_timeout = '10s'"});
  expired_rows out;
  out.idempotency_keys = delete_in_parts(c, keys_statement, now - keys_kept);
  out.sessions = delete_in_parts(c, sessions_statement, now);
  out.deliveries = delete_in_parts(c, deliveries_statement, now - sent_kept);
  out.mails = delete_in_parts(c, mails_statement, now - sent_kept);
  return out;
}

} // namespace souk::storage::postgres
