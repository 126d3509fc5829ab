#pragma once

#include "storage/ulid.hpp"

#include <chrono>
#include <cstdint>
#include <deque>

namespace souk::storage::simulated {

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers from the same seed on every machine and library,
/// which the distributions of <random> do not promise.
class random_source {
public:
  explicit random_source(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept;
  /// 0 to `limit` - 1; 0 for a limit of 0.
  std::uint64_t below(std::uint64_t limit) noexcept;
  bool chance(double probability) noexcept;
  /// An id of the shard, drawn at the given time.
  ulid id(shard_id shard, timestamp at) noexcept;

private:
  std::uint64_t state_;
};

/// What can happen to one commit (and, where it makes sense, to one settlement).
enum class fault : std::uint8_t {
  none,
  unavailable,      ///< nothing was sent
  lost_ack_applied, ///< committed, but the answer never came
  lost_ack_dropped, ///< the connection broke before the database saw it
  lost_ack_late,    ///< the answer is lost while the transaction still runs: it lands or aborts later
  fenced,           ///< somebody else took one of the shards just before
  restart,          ///< the database stops before the commit and is away for a while
  crash_in_commit   ///< the database stops during the commit: it landed or did not, and is away for a while
};

/// How often each fault happens, per commit, as probabilities of 0 to 1 whose sum is at most 1.
struct fault_rates {
  double unavailable = 0;
  double lost_ack_applied = 0;
  double lost_ack_dropped = 0;
  double lost_ack_late = 0;
  double fenced = 0;
  double restart = 0;
  double crash_in_commit = 0;
  double read_unavailable = 0; ///< per call of a reader, the outbox, the directory or the ownership rows
  double slow = 0;             ///< share of commits that take longer than `latency`
  std::chrono::microseconds latency{0};                           ///< of every commit
  std::chrono::microseconds slow_up_to{0};                        ///< added to a slow one, evenly drawn
  std::chrono::microseconds restart_for{std::chrono::seconds{2}}; ///< how long a restart takes, at most
};

/// Draws the faults of a run from a seed. Faults can also be scripted one by one for a test that needs a
/// certain one.
class fault_plan {
public:
  fault_plan() noexcept : fault_plan(0) {} ///< nothing goes wrong
  explicit fault_plan(std::uint64_t seed, fault_rates rates = {}) noexcept : random_(seed), rates_(rates) {}

  /// The next commit meets this one; several queue up.
  void script(fault next) { scripted_.push_back(next); }
  /// From here on nothing goes wrong any more: what is left to check is that everything heals.
  void stop() noexcept;

  fault next_commit();
  bool next_read_fails() noexcept;
  std::chrono::microseconds next_delay() noexcept;
  std::chrono::microseconds next_outage() noexcept;
  random_source& random() noexcept { return random_; }

private:
  random_source random_;
  fault_rates rates_;
  std::deque<fault> scripted_;
};

} // namespace souk::storage::simulated
