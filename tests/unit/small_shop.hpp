#pragma once

#include "actors/kinds.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/shard_host.hpp"
#include "storage/simulated/database.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>

namespace souk::tests {

/// What an entity answered, if it has.
template <class T>
struct reply {
  std::optional<T> value;
  caf::error why;
  bool there() const { return value || why; }
};

/// A node in one thread, with virtual time and a database in memory: real shards, lanes and entities, in an
/// order that is always the same. For tests of single actors; the simulations have a world of their own.
class small_shop {
public:
  small_shop();
  ~small_shop();

  storage::timestamp now() const { return time_.now(); }
  storage::simulated::database& db() { return db_; }
  storage::simulated::tables rows() { return db_.dump(); }

  // Rows that are there before anybody asks. The store's shard is another one than the users'.
  storage::ulid store() const { return store_; }
  storage::ulid add_user(storage::user_kind kind = storage::user_kind::registered);
  storage::ulid add_variant(std::int64_t on_hand, std::int64_t price = 500);
  storage::ulid new_user_id() { return ids_.fresh(); }

  /// Sends a command; run() brings the answer.
  template <class T, class Command>
  std::shared_ptr<reply<T>> send(const runtime::entity_address& whom, Command command,
                                 runtime::delivery how = runtime::delivery::activate) {
    auto out = std::make_shared<reply<T>>();
    askers_.push_back(caf::actor_cast<caf::actor_addr>(
      system_->spawn([this, out, whom, how, command](caf::event_based_actor* self) {
        runtime::ask(self, routes_, whom, how, command)
          .then([out](T& x) { out->value = std::move(x); },
                [out](caf::error& why) { out->why = std::move(why); });
      })));
    return out;
  }
  /// Sends a command and runs until nothing is left to do.
  template <class T, class Command>
  reply<T> ask(const runtime::entity_address& whom, Command command,
               runtime::delivery how = runtime::delivery::activate) {
    auto out = send<T>(whom, std::move(command), how);
    run();
    return *out;
  }
  template <class Command>
  void tell(const runtime::entity_address& whom, Command command) {
    runtime::tell(routes_, whom, runtime::delivery::activate, std::move(command));
    run();
  }

  void run();
  void pass(std::chrono::microseconds time);
  /// From here on no write reaches the database …
  void hold_writes() { held_ = true; }
  /// … until it does.
  void release_writes();
  /// From here on the readers take no more questions, or they do again.
  void stop_reads(bool stopped) { readers_->stopped = stopped; }
  /// The actor dies at once, as by a bug.
  void kill(const runtime::entity_address& whom);
  bool is_active(const runtime::entity_address& whom) const;
  /// From here on the actors run in an order drawn from the seed, and writes when they like.
  void shuffle(std::uint64_t seed) { order_.emplace(seed); }
  /// Lets one actor run, or when none has anything to do, one write. @returns false when nothing is left to
  /// do.
  bool step();

private:
  class hand_clock final : public runtime::clock {
  public:
    storage::timestamp now() const override { return now_; }
    storage::timestamp now_{std::chrono::microseconds{1'700'000'000'000'000}};
  };
  class held_executor final : public runtime::executor {
  public:
    explicit held_executor(small_shop& shop) : shop_(shop) {}
    bool post(std::function<void()> job) override;

  private:
    small_shop& shop_;
  };
  class inline_readers final : public runtime::reader_pool {
  public:
    explicit inline_readers(std::unique_ptr<storage::entity_reader> reader) : reader_(std::move(reader)) {}
    bool post(storage::shard_id, std::function<void(storage::entity_reader&)> job) override {
      if (stopped)
        return false;
      job(*reader_);
      return true;
    }
    bool stopped = false;

  private:
    std::unique_ptr<storage::entity_reader> reader_;
  };
  struct config : caf::actor_system_config {
    config();
  };

  caf::scheduler::test_coordinator& scheduler();

  hand_clock time_;
  runtime::id_source ids_{time_, 42};
  storage::simulated::database db_;
  storage::ulid store_;
  config config_;
  std::unique_ptr<caf::actor_system> system_;
  runtime::router routes_;
  std::unique_ptr<runtime::shard_host> host_;
  std::optional<storage::simulated::random_source> order_;
  std::shared_ptr<inline_readers> readers_;
  bool held_ = false;
  std::deque<std::function<void()>> writes_;
  std::vector<caf::actor_addr> askers_;
  std::map<runtime::entity_address, caf::actor_addr> entities_;
};

} // namespace souk::tests
