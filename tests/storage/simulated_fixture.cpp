#include "storage/fixtures.hpp"

#include "storage/simulated/database.hpp"

namespace souk::tests {

namespace {

class simulated_store final : public store_under_test {
public:
  std::string name() const override { return "simulated"; }
  storage::journal_store& journal() override { return *journal_; }
  storage::journal_store& other_journal() override { return *other_journal_; }
  storage::entity_reader& reader() override { return *reader_; }
  storage::ownership_store& ownership() override { return *ownership_; }
  storage::outbox_store& outbox() override { return *outbox_; }
  storage::directory& names() override { return *names_; }
  std::unique_ptr<storage::ownership_store> open_ownership() override { return db_.open_ownership(); }
  void relocate(storage::shard_id shard, storage::residence where) override { db_.relocate(shard, where); }
  std::unique_ptr<store_under_test> fresh() const override { return make_simulated_store(); }
  void wait(std::chrono::milliseconds time) override { now_ += time; }

private:
  storage::timestamp now_ = at();
  storage::simulated::database db_{{[this] { return now_; }, {}, {}}};
  std::unique_ptr<storage::journal_store> journal_ = db_.open_journal();
  std::unique_ptr<storage::journal_store> other_journal_ = db_.open_journal();
  std::unique_ptr<storage::entity_reader> reader_ = db_.open_reader();
  std::unique_ptr<storage::ownership_store> ownership_ = db_.open_ownership();
  std::unique_ptr<storage::outbox_store> outbox_ = db_.open_outbox();
  std::unique_ptr<storage::directory> names_ = db_.open_directory();
};

} // namespace

std::unique_ptr<store_under_test> make_simulated_store() {
  return std::make_unique<simulated_store>();
}

} // namespace souk::tests
