#pragma once

#include "storage/directory.hpp"
#include "storage/journal_store.hpp"
#include "storage/outbox_store.hpp"
#include "storage/ownership_store.hpp"
#include "storage/simulated/fault_plan.hpp"
#include "storage/simulated/tables.hpp"
#include "storage/simulated/transaction.hpp"

#include <functional>
#include <memory>
#include <mutex>

namespace souk::storage::simulated {

class journal_client;

struct options {
  /// Virtual time; must never go backwards.
  std::function<timestamp()> now;
  fault_plan faults{};
  mutants bugs{};
};

/// A database in memory for simulations, with the semantics of the ports to the letter. Several nodes share
/// one. It is deterministic: same calls, same virtual times, same seed, same answers. It never sleeps: how
/// long a commit took is told by journal_client::take_delay(). Calls may come from several threads; their
/// order is then the callers' affair. The clients must not outlive it.
class database {
public:
  explicit database(options o);

  std::unique_ptr<journal_client> open_journal();
  std::unique_ptr<entity_reader> open_reader();
  std::unique_ptr<ownership_store> open_ownership();
  std::unique_ptr<outbox_store> open_outbox();
  std::unique_ptr<directory> open_directory();

  /// The next commit of anybody meets this fault.
  void script(fault next);
  /// Ends all faults and the outage under way.
  void heal();
  /// Stops the database for a while of virtual time; transactions under way land or abort.
  void restart(std::chrono::microseconds away_for);
  /// Somebody else takes the shard over: epoch + 1 on its row.
  void take_away(shard_id shard, const ulid& by);
  /// What moving a shard to another database, or back, does to its row: epoch + 1, nobody's.
  void relocate(shard_id shard, residence where);

  /// Moves the epoch of a shard and gives it to `by`; for a caller that has entered.
  void take(shard_id shard, const ulid& by);

  /// A copy of all rows and of the history of the shards' rows.
  tables dump();

  /// Exclusive use of the rows for one call.
  class access {
  public:
    access(std::unique_lock<std::mutex> lock, tables& rows, timestamp now)
      : lock_(std::move(lock)), rows_(&rows), now_(now) {}
    tables* operator->() const noexcept { return rows_; }
    tables& rows() const noexcept { return *rows_; }
    timestamp now() const noexcept { return now_; }

  private:
    std::unique_lock<std::mutex> lock_;
    tables* rows_;
    timestamp now_;
  };
  /// Throws unavailable during an outage and when the fault plan says so.
  access enter();
  /// enter() for a take-over of these shards: waits for the transactions that hold their rows.
  access enter_to_take(const std::vector<shard_id>& shards);

private:
  friend class journal_client;

  /// A transaction whose answer is lost and which has not ended yet.
  struct late_transaction {
    std::vector<write_set> write_sets;
    std::vector<fence> fences;
    bool lands = false;
    timestamp ends{};
  };
  /// What settle() has to know of a shard.
  struct aftermath {
    std::int64_t seq = 0;                                     ///< of the last commit
    std::shared_ptr<const std::vector<write_result>> results; ///< what it answered
    std::uint64_t retaken_by = 0; ///< lane that bumped the epoch last, 0 if somebody took the shard
    timestamp taken_at{};
  };

  commit_outcome commit(const batch& b, std::chrono::microseconds& delay);
  settlement settle(const batch& b, std::uint64_t lane, std::chrono::microseconds& delay);
  commit_outcome run(const batch& b);
  bool passed_before_take_over(const batch& b) const;
  void end(const late_transaction& t);
  void end_due();
  void end_those_on(const std::function<bool(shard_id)>& wanted);
  void go_down(std::chrono::microseconds away_for);

  std::mutex mutex_;
  options options_;
  tables rows_;
  std::vector<late_transaction> late_;
  std::array<aftermath, shard_count> after_;
  std::uint64_t lanes_ = 0;
  timestamp down_until_{};
};

/// A lane's connection. Used by one thread at a time.
class journal_client final : public journal_store {
public:
  journal_client(database& db, std::uint64_t lane) : db_(db), lane_(lane) {}

  commit_outcome commit(const batch& b) override { return db_.commit(b, delay_); }
  settlement settle(const batch& b) override { return db_.settle(b, lane_, delay_); }

  /// How long the calls since the last take_delay() took, in virtual time: rows are there at once, the answer
  /// is due then.
  std::chrono::microseconds take_delay() noexcept {
    return std::exchange(delay_, std::chrono::microseconds{0});
  }

private:
  database& db_;
  std::uint64_t lane_;
  std::chrono::microseconds delay_{0};
};

} // namespace souk::storage::simulated
