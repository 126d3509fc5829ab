#include "storage/postgres_fixture.hpp"

#include "storage/fixtures.hpp"
#include "storage/several_databases.hpp"

#include "storage/postgres/deployment.hpp"

#include <cstdlib>
#include <thread>

namespace souk::tests {

namespace {

namespace pg = storage::postgres;

class postgres_store final : public store_under_test {
public:
  explicit postgres_store(std::string url, std::unique_ptr<scratch_database> own = nullptr)
    : own_(std::move(own)), db_{std::move(url)}, journal_(pg::make_journal_store(db_, "1")),
      other_journal_(pg::make_journal_store(db_, "2")), reader_(pg::make_entity_reader(db_)),
      ownership_(pg::make_ownership_store(db_)), outbox_(pg::make_outbox_store(db_)), names_(pg::make_directory(db_)) {
    // nop
  }

  const std::string& url() const { return db_.url; }

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
  std::unique_ptr<scratch_database> own_;
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
  auto own = std::make_unique<scratch_database>();
  const auto url = own->url();
  pg::establish_deployment(pg::databases{{url}});
  return std::make_unique<postgres_store>(url, std::move(own));
}

std::unique_ptr<store_under_test> make_postgres_store_on(const std::string& url) {
  return std::make_unique<postgres_store>(url);
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
