#include "storage/postgres_fixture.hpp"

#include "storage/fixtures.hpp"

#include "storage/migrator.hpp"
#include "storage/postgres/deployment.hpp"

#include <cstdlib>
#include <thread>
#include <unistd.h>

namespace souk::tests {

namespace {

namespace pg = storage::postgres;

/// A database of this run's own on the server that SOUK_TEST_DATABASE_URL names, dropped at the end.
class own_database {
public:
  explicit own_database(std::string server)
    : server_(std::move(server)), name_("souk_test_" + std::to_string(::getpid()) + "_" + std::to_string(++made_)) {
    run("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
    run("CREATE DATABASE " + name_ + " TEMPLATE template0");
    // The later of two `dbname` wins in a libpq URL's parameters.
    url = server_ + (server_.find('?') == std::string::npos ? "?" : "&") + "dbname=" + name_;
    storage::migrate(url);
    pg::establish_deployment(pg::databases{{url}});
  }
  ~own_database() {
    try {
      run("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
    } catch (const std::exception&) {
      // the server went away: so did the database
    }
  }
  own_database(const own_database&) = delete;
  own_database& operator=(const own_database&) = delete;

  std::string url;

private:
  void run(const std::string& sql) {
    pg::connection admin({server_, "souk-test", "", std::chrono::milliseconds{5'000}, std::chrono::milliseconds{30'000}, ""});
    admin.execute(sql, std::chrono::milliseconds{30'000});
  }

  static inline int made_ = 0;
  std::string server_;
  std::string name_;
};

class postgres_store final : public store_under_test {
public:
  explicit postgres_store(std::string server)
    : database_(std::move(server)), db_{database_.url}, journal_(pg::make_journal_store(db_, "1")),
      other_journal_(pg::make_journal_store(db_, "2")), reader_(pg::make_entity_reader(db_)),
      ownership_(pg::make_ownership_store(db_)), outbox_(pg::make_outbox_store(db_)), names_(pg::make_directory(db_)) {
    // nop
  }

  const std::string& url() const { return database_.url; }

  std::string name() const override { return "PostgreSQL"; }
  storage::journal_store& journal() override { return *journal_; }
  storage::journal_store& other_journal() override { return *other_journal_; }
  storage::entity_reader& reader() override { return *reader_; }
  storage::ownership_store& ownership() override { return *ownership_; }
  storage::outbox_store& outbox() override { return *outbox_; }
  storage::directory& names() override { return *names_; }
  std::unique_ptr<storage::ownership_store> open_ownership() override { return pg::make_ownership_store(db_); }
  void relocate(storage::shard_id shard, storage::residence where) override {
    const auto sql = "UPDATE shards SET owner = NULL, owner_name = NULL, epoch = epoch + 1, residence = "
                     + std::to_string(static_cast<int>(where)) + " WHERE shard = " + std::to_string(shard);
    postgres_session(url())->execute(sql, std::chrono::milliseconds{5'000});
  }
  std::unique_ptr<store_under_test> fresh() const override { return make_postgres_store(); }
  void wait(std::chrono::milliseconds time) override { std::this_thread::sleep_for(time); }

private:
  own_database database_;
  pg::database db_;
  std::unique_ptr<storage::journal_store> journal_, other_journal_;
  std::unique_ptr<storage::entity_reader> reader_;
  std::unique_ptr<storage::ownership_store> ownership_;
  std::unique_ptr<storage::outbox_store> outbox_;
  std::unique_ptr<storage::directory> names_;
};

} // namespace

std::unique_ptr<store_under_test> make_postgres_store() {
  const char* server = std::getenv("SOUK_TEST_DATABASE_URL");
  if (server == nullptr || *server == '\0')
    return nullptr;
  return std::make_unique<postgres_store>(server);
}

store_under_test* postgres_store_of_this_run() {
  for (auto* store : stores())
    if (dynamic_cast<postgres_store*>(store) != nullptr)
      return store;
  return nullptr;
}

std::unique_ptr<store_under_test> make_fresh_postgres_store() {
  return make_postgres_store();
}

std::string postgres_url(const store_under_test& store) {
  return dynamic_cast<const postgres_store&>(store).url();
}

std::string postgres_url() {
  return postgres_url(*postgres_store_of_this_run());
}

std::unique_ptr<pg::connection> postgres_session(const std::string& url) {
  return std::make_unique<pg::connection>(pg::connection_options{url, "souk-test-session", "", std::chrono::milliseconds{5'000},
                                                                 std::chrono::milliseconds{10'000}, ""});
}

pg::result ask(pg::connection& session, const pg::statement& what) {
  return session.read(what, {});
}

} // namespace souk::tests
