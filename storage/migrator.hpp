#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace souk::storage {

/// One numbered SQL file of storage/migrations, carried inside the program.
struct migration {
  int number = 0;         ///< 1, 2, 3 … without gaps
  std::string_view name;  ///< the file's name
  std::string_view sql;
};

/// All of them, by number.
std::span<const migration> all_migrations();

struct migration_report {
  std::vector<std::string> applied; ///< names of those that ran now
  int version = 0;                  ///< the schema's version afterwards
};

/// Brings a database to this program's schema. Each migration runs once, in its own transaction, under an advisory lock (several
/// nodes may start at the same time), and is recorded with its SHA-256.
/// A migration after which programs of before cannot work says so in its first line, `-- oldest program: N`: N is the schema version
/// that a program must know at least. Without it nodes of the release before go on working while a cluster is upgraded.
/// @throws storage::unavailable when the database cannot be reached, storage::storage_error when a migration fails, when a file
/// that ran before was edited since, or when the database asks for a later program.
migration_report migrate(const std::string& database_url);

/// Whether this program can work with the database as it is. @returns the schema's version
/// @throws storage::unavailable, storage::storage_error that says what to do
int check_schema(const std::string& database_url);

} // namespace souk::storage
