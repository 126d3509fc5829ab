#include "storage/migrator.hpp"

#include "storage/error.hpp"
#include "storage/postgres/connection.hpp"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace souk::storage {

namespace {

using postgres::connection;
using postgres::parameters;
using postgres::statement;

/// Long enough for an index on a large table.
constexpr std::chrono::milliseconds migration_limit = std::chrono::minutes{30};
/// An arbitrary number that stands for "souk's schema" among advisory locks.
constexpr const char* lock_sql = "SELECT pg_advisory_lock(7305808869230177)";

constexpr const char* table_sql = R"(
  CREATE TABLE IF NOT EXISTS schema_migrations (
    number     int4 PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS oldest_program int4 NOT NULL DEFAULT 0)";

const statement applied_statement{"applied_migrations", "SELECT number, name, checksum FROM schema_migrations"};

std::string checksum(std::string_view sql) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(sql.data()), sql.size());
  std::array<char, crypto_hash_sha256_BYTES * 2 + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

// As JSON, because a database of an earlier release has no such column.
const statement schema_statement{"schema_version", R"(
  SELECT coalesce(max(number), 0), coalesce(max((to_jsonb(m) ->> 'oldest_program')::int4), 0) FROM schema_migrations m)"};

constexpr std::string_view oldest_program_mark = "-- oldest program: ";

/// What a migration says in its first line, when programs of before cannot work with the schema it makes.
int oldest_program_of(std::string_view sql) {
  int number = 0;
  if (sql.starts_with(oldest_program_mark))
    std::from_chars(sql.data() + oldest_program_mark.size(), sql.data() + sql.size(), number);
  return number;
}

struct applied_migration {
  std::string name;
  std::string checksum;
};

std::map<int, applied_migration> applied_before(connection& db) {
  std::map<int, applied_migration> out;
  const auto r = db.read(applied_statement, {});
  for (int i = 0; i < r.rows(); ++i)
    out.emplace(r.int4(i, 0), applied_migration{r.text(i, 1), r.text(i, 2)});
  return out;
}

} // namespace

int check_schema(const std::string& database_url) {
  connection db({database_url, "souk-schema", "", std::chrono::milliseconds{3'000}, std::chrono::milliseconds{3'000}, ""});
  const auto ours = static_cast<int>(all_migrations().size());
  int version = 0, oldest = 0;
  try {
    const auto r = db.read(schema_statement, {});
    version = r.int4(0, 0);
    oldest = r.int4(0, 1);
  } catch (const unavailable&) {
    throw;
  } catch (const storage_error&) { // no such table: nothing was ever made there
  }
  if (version < ours)
    throw storage_error("the database is at schema version " + std::to_string(version) + ", this program needs "
                        + std::to_string(ours) + ": run `soukd migrate` first");
  if (oldest > ours)
    throw storage_error("the database is at schema version " + std::to_string(version) + " and asks for programs that know version "
                        + std::to_string(oldest) + "; this one knows " + std::to_string(ours) + ": install a later release");
  return version;
}

migration_report migrate(const std::string& database_url) {
  connection db({database_url, "souk-migrate", "", std::chrono::milliseconds{5'000}, std::chrono::milliseconds{10'000},
                 "SET client_min_messages = warning; SET lock_timeout = 0"});
  db.execute(lock_sql, migration_limit); // lasts as long as this connection
  db.execute(table_sql, migration_limit);
  const auto before = applied_before(db);
  const auto known = all_migrations();
  migration_report report;
  report.version = static_cast<int>(known.size());
  if (!before.empty() && before.rbegin()->first > report.version) {
    // A later release was here first; while its nodes and ours work side by side, that is as it should be.
    check_schema(database_url);
    report.version = before.rbegin()->first;
    return report;
  }
  for (const auto& m : known) {
    const auto sum = checksum(m.sql);
    if (auto found = before.find(m.number); found != before.end()) {
      if (found->second.checksum != sum)
        throw storage_error("migration " + found->second.name + " was edited after it ran; write a new one instead");
      continue;
    }
    std::string sql = "BEGIN;\n";
    sql.append(m.sql);
    sql += "\nINSERT INTO schema_migrations (number, name, checksum, oldest_program) VALUES (" + std::to_string(m.number) + ", '"
           + std::string{m.name} + "', '" + sum + "', " + std::to_string(oldest_program_of(m.sql)) + ");\nCOMMIT";
    try {
      db.execute(sql, migration_limit);
    } catch (const storage_error& e) {
      throw storage_error("migration " + std::string{m.name} + ": " + e.what());
    }
    report.applied.emplace_back(m.name);
    spdlog::info("applied migration {}", m.name);
  }
  return report;
}

} // namespace souk::storage
