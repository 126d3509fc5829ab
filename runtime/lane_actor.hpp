#pragma once

#include "runtime/executor.hpp"
#include "runtime/type_ids.hpp"

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include <caf/actor.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/stateful_actor.hpp>

namespace souk::runtime {

struct lane_options {
  std::size_t batch_max = 256;    ///< write sets in one transaction
  std::size_t queue_max = 8192;   ///< beyond: errc::overloaded
  std::chrono::milliseconds retry_min{20};
  std::chrono::milliseconds retry_max{1000};
  bool answer_before_commit = false; ///< a mutant for the simulation's self-test; nothing else sets it
};

/// A journal lane: takes everything that queued up while its previous transaction ran and commits it as one. One worker and
/// one connection; a few lanes per database, each serving its share of the shards.
struct lane_state {
  struct pending {
    journal_entry entry;
    caf::response_promise promise;
    std::uint64_t tenure = 0;
  };
  using group = std::vector<pending>;
  /// Our right to write for a shard. A settlement raises the epoch and the tenure goes on; a shard that was lost and taken again is
  /// another tenure, and what was queued in the one before must never be written in this one.
  struct right {
    storage::fence fence;
    std::uint64_t tenure = 0;
  };

  static inline const char* name = "journal_lane";

  caf::event_based_actor* self = nullptr;
  lane_options options;
  std::shared_ptr<storage::journal_store> store;
  std::shared_ptr<executor> worker;

  std::map<storage::shard_id, right> rights; ///< only shards that are ours
  std::map<storage::shard_id, right> sent;   ///< what in_flight was sent with
  std::uint64_t tenures = 0;
  std::map<storage::shard_id, caf::actor> shards;
  std::deque<pending> queue;
  std::deque<group> again;   ///< parts of a halved batch and batches to repeat, before anything new
  group in_flight;
  bool working = false;
  bool outdated = false;     ///< in_flight may hold what a tenure that is over queued
  bool waiting = false;      ///< for a retry timer
  bool must_settle = false;  ///< the answer of in_flight was lost
  std::chrono::milliseconds backoff{0};
  lane_stats stats;
  std::vector<caf::response_promise> drains;

  void submit(journal_entry entry, caf::response_promise promise);
  void next();
  void committed(const std::vector<storage::write_result>& results);
  void answered(const storage::commit_outcome& outcome);
  void settled(const storage::settlement& found);
  void try_later();
  void lose(const std::vector<storage::shard_id>& lost);
  void own(const storage::fence& f, const caf::actor& shard);
  caf::result<storage::fence> leave(storage::shard_id shard);
  void refuse(pending& p, caf::error why);
  void fail_alone(pending& p, const std::string& why);

private:
  bool valid(const pending& p) const;
  void drop_invalid();
  storage::batch batch_of(const group& g) const;
  void work(bool settle);
  void tell_shards(const group& g, const std::vector<storage::write_result>& results);
  void finished();
};

/// @param store the lane's connection; used on `worker` only
/// @param worker runs one job at a time
/// Messages: (own, fence, shard) · (leave, shard_id) → its last fence · (write, journal_entry) → receipt · (drain) → unit when nothing is queued · (stats) → lane_stats
caf::behavior journal_lane(caf::stateful_actor<lane_state>* self, lane_options options,
                           std::shared_ptr<storage::journal_store> store, std::shared_ptr<executor> worker);

} // namespace souk::runtime
