#pragma once

#include "storage/postgres_fixture.hpp"

#include <string>
#include <vector>

namespace souk::tests {

/// A database of its own on the server that SOUK_TEST_DATABASE_URL names, dropped at the end.
class scratch_database {
public:
  /// With the schema as a migration leaves it. @pre there is a server
  scratch_database();
  ~scratch_database();
  scratch_database(const scratch_database&) = delete;
  scratch_database& operator=(const scratch_database&) = delete;

  const std::string& url() const noexcept { return url_; }
  storage::postgres::database db() const { return {url_}; }
  /// As a migration leaves it. Making a database takes much longer.
  void empty() const;
  /// SQL of the case's own, with the rights of the log-in role.
  void run(const std::string& sql) const;
  std::int64_t count(const std::string& from_where) const;

private:
  std::string name_;
  std::string url_;
};

/// Databases that are migrated, and not yet a deployment. The same ones again for every case, emptied.
std::vector<const scratch_database*> scratch_databases(std::size_t count);
std::vector<std::string> urls_of(const std::vector<const scratch_database*>& all);

} // namespace souk::tests
