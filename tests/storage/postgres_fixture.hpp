#pragma once

#include "storage/postgres/connection.hpp"
#include "storage/postgres/postgres.hpp"

#include <memory>
#include <string>

namespace souk::tests {

class store_under_test;

/// The PostgreSQL store of this run, or null when there is none.
store_under_test* postgres_store_of_this_run();
/// One with a database of its own, for cases that look at all of it. @pre as below
std::unique_ptr<store_under_test> make_fresh_postgres_store();
/// One on a database that is there already.
std::unique_ptr<store_under_test> make_postgres_store_on(const std::string& url);
/// URL of a store's database. @pre it is a PostgreSQL store
std::string postgres_url(const store_under_test& store);
std::string postgres_url(); ///< of this run's

/// A session that a case drives by hand, with the rights of the log-in role.
std::unique_ptr<storage::postgres::connection> postgres_session(const std::string& url);
inline std::unique_ptr<storage::postgres::connection> postgres_session() {
  return postgres_session(postgres_url());
}

/// A statement without parameters, for cases; objects are prepared by address, so make it static.
storage::postgres::result ask(storage::postgres::connection& session, const storage::postgres::statement& what);

} // namespace souk::tests

/// Leaves the case when no PostgreSQL is given, saying so.
#define ON_POSTGRES_ONLY                                                                                               \
  if (souk::tests::postgres_store_of_this_run() == nullptr) {                                                          \
    WARN("needs SOUK_TEST_DATABASE_URL");                                                                              \
    return;                                                                                                            \
  }                                                                                                                    \
  [[maybe_unused]] auto& db = *souk::tests::postgres_store_of_this_run()
