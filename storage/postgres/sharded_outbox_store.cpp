#include "storage/postgres/by_shard.hpp"

#include <exception>
#include <map>

namespace souk::storage::postgres {

namespace {

class sharded_outbox_store final : public outbox_store {
public:
  explicit sharded_outbox_store(const databases& all) : stores_(all, make_outbox_store) {}

  std::vector<outbox_event> read(shard_id shard, std::int64_t seq, std::int32_t n, int limit) override {
    return stores_.of(shard, [&](outbox_store& s) { return s.read(shard, seq, n, limit); });
  }

  std::vector<outbox_cursor> cursors(shard_id shard) override {
    return stores_.of(shard, [&](outbox_store& s) { return s.cursors(shard); });
  }

  void save(const std::vector<outbox_cursor>& cursors) override {
    std::map<std::size_t, std::vector<outbox_cursor>> by_database;
    std::exception_ptr failure;
    for (const auto& c : cursors)
      try {
        by_database[stores_.all().index_of(c.shard)].push_back(c);
      } catch (const unavailable&) {
        failure = std::current_exception();
      }
    for (const auto& [index, theirs] : by_database)
      tried(failure, [&] {
        return stores_.in(index, [&](outbox_store& s) {
          s.save(theirs);
          return 0;
        });
      });
    if (failure)
      std::rethrow_exception(failure);
  }

  void park(const std::string& consumer, const outbox_event& event, const std::string& error) override {
    stores_.of(event.shard, [&](outbox_store& s) {
      s.park(consumer, event, error);
      return 0;
    });
  }

  std::int64_t prune(const std::vector<std::string>& consumers, timestamp before) override {
    std::int64_t gone = 0;
    std::exception_ptr failure;
    for (std::size_t i = 0; i < stores_.all().all().size(); ++i)
      gone += tried(failure, [&] { return stores_.in(i, [&](outbox_store& s) { return s.prune(consumers, before); }); });
    if (failure)
      std::rethrow_exception(failure);
    return gone;
  }

private:
  /// Keeps the failure for later, so that the other databases have their turn.
  template <class F>
  static auto tried(std::exception_ptr& failure, F&& f) -> decltype(f()) {
    try {
      return f();
    } catch (const std::exception&) {
      failure = std::current_exception();
      return {};
    }
  }

  by_shard<outbox_store> stores_;
};

} // namespace

std::unique_ptr<outbox_store> make_sharded_outbox_store(const databases& all) {
  return std::make_unique<sharded_outbox_store>(all);
}

} // namespace souk::storage::postgres
