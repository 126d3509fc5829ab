#pragma once

#include "storage/postgres/connection.hpp"
#include "storage/postgres/postgres.hpp"

#include <string>

namespace souk::tests {

class store_under_test;

/// The PostgreSQL store of this run, or null when there is none.
store_under_test* postgres_store_of_this_run();
/// URL of this run's database. @pre postgres_store_of_this_run() != nullptr
std::string postgres_url();

/// A session that a case drives by hand, with the rights of the log-in role.
std::unique_ptr<storage::postgres::connection> postgres_session(const std::string& name = "souk-test-session");

/// A statement without parameters, for cases; objects are prepared by address, so make it static.
storage::postgres::result ask(storage::postgres::connection& session, const storage::postgres::statement& what);

} // namespace souk::tests

/// Leaves the case when no PostgreSQL is given, saying so.
#define ON_POSTGRES_ONLY                                                                                               \
  if (souk::tests::postgres_store_of_this_run() == nullptr) {                                                          \
    WARN("needs SOUK_TEST_DATABASE_URL");                                                                              \
    return;                                                                                                            \
  }                                                                                                                    \
  auto& db = *souk::tests::postgres_store_of_this_run()
