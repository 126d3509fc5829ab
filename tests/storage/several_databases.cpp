#include "storage/several_databases.hpp"

#include "storage/migrator.hpp"

#include <cstdlib>
#include <memory>
#include <unistd.h>

namespace souk::tests {

namespace {

constexpr std::chrono::milliseconds limit{30'000};

std::string server() {
  const char* url = std::getenv("SOUK_TEST_DATABASE_URL");
  return url == nullptr ? "" : url;
}

void run_at(const std::string& url, const std::string& sql) {
  storage::postgres::connection session({url, "souk-test", "", std::chrono::milliseconds{5'000}, limit, ""});
  session.execute(sql, limit);
}

} // namespace

scratch_database::scratch_database() {
  static int made = 0;
  name_ = "souk_scratch_" + std::to_string(::getpid()) + "_" + std::to_string(++made);
  run_at(server(), "DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
  run_at(server(), "CREATE DATABASE " + name_ + " TEMPLATE template0");
  // The later of two `dbname` wins in a libpq URL's parameters.
  url_ = server() + (server().find('?') == std::string::npos ? "?" : "&") + "dbname=" + name_;
  storage::migrate(url_);
}

scratch_database::~scratch_database() {
  try {
    run_at(server(), "DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
  } catch (const std::exception&) {
    // the server went away: so did the database
  }
}

void scratch_database::empty() const {
  run(R"(
    DO $$ BEGIN
      EXECUTE (SELECT 'TRUNCATE ' || string_agg(oid::regclass::text, ', ') FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                 AND relname NOT IN ('schema_migrations', 'shards', 'cluster_view'));
    END $$;
    DELETE FROM shards;
    INSERT INTO shards (shard, residence) SELECT generate_series(0, 255), 2;
    UPDATE cluster_view SET version = 0, members = '{}')");
}

void scratch_database::run(const std::string& sql) const {
  run_at(url_, sql);
}

std::int64_t scratch_database::count(const std::string& from_where) const {
  const auto sql = "SELECT count(*) " + from_where;
  // The writer's role: row-level security hides every row from the log-in role.
  storage::postgres::connection session({url_, "souk-test", "souk_writer", std::chrono::milliseconds{5'000}, limit, ""});
  const storage::postgres::statement what{"count", sql.c_str()};
  return session.read(what, {}).int8(0, 0);
}

std::vector<const scratch_database*> scratch_databases(std::size_t count) {
  static std::vector<std::unique_ptr<scratch_database>> made;
  while (made.size() < count)
    made.push_back(std::make_unique<scratch_database>());
  std::vector<const scratch_database*> out;
  for (std::size_t i = 0; i < count; ++i) {
    made[i]->empty();
    out.push_back(made[i].get());
  }
  return out;
}

std::vector<std::string> urls_of(const std::vector<const scratch_database*>& all) {
  std::vector<std::string> out;
  for (const auto* db : all)
    out.push_back(db->url());
  return out;
}

} // namespace souk::tests
