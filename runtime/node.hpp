#pragma once

#include "runtime/shard_host.hpp"
#include "runtime/thread_pool.hpp"
#include "storage/ownership_store.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace souk::runtime {

struct node_options {
  std::string name;    ///< a restarted node of the same name takes its own shards back at once
  std::string address; ///< where others reach it
  std::size_t lanes = 2;
  std::size_t readers = 4;
  std::size_t reader_queue_max = 20'000;
  std::chrono::milliseconds heartbeat{1000};
  std::chrono::milliseconds stale_after{5000}; ///< a node that has not been heard of for so long is dead
  lane_options lane;
  shard_options shards;
};

/// How a node reaches its databases.
struct node_storage {
  std::shared_ptr<storage::ownership_store> membership; ///< used on the membership thread only
  std::function<std::shared_ptr<storage::journal_store>(std::size_t lane)> journal;
  threaded_readers::factory reader;
};

/// One process of the deployment: announces itself, takes shards through the same rows and epochs that a cluster uses, keeps them
/// while its heartbeat is written, and gives them back when it stops.
class node {
public:
  node(caf::actor_system& system, node_options options, node_storage storage, const clock& time, id_source& ids);
  ~node();

  const router& routes() const { return routes_; }
  std::shared_ptr<threaded_readers> readers() { return readers_; }

  /// Registers, spawns lanes and shards and takes what is free or was ours. May throw storage::unavailable.
  /// @param fatal called (from any thread) when this incarnation can no longer serve: another node took its shards
  void start(entity_catalog catalog, std::function<void(const std::string&)> fatal);
  /// All shards are ours and served.
  bool ready() const { return owned_.load() == storage::shard_count; }
  int owned() const { return owned_.load(); }
  /// The last heartbeat was written.
  bool database_answers() const { return database_answers_.load(); }
  const storage::node_row& self() const { return self_; }
  std::vector<shard_stats> shards();
  std::vector<lane_stats> lanes();

  /// Drains within the grace period: entities finish what is under way, the last batch commits, the shards are free for others.
  void stop(std::chrono::milliseconds grace);

private:
  void keep_membership();
  void acquire();

  caf::actor_system& system_;
  node_options options_;
  node_storage storage_;
  const clock& time_;
  id_source& ids_;
  storage::node_row self_;
  router routes_;
  std::shared_ptr<threaded_readers> readers_;
  std::unique_ptr<shard_host> host_;
  std::vector<std::shared_ptr<thread_pool>> workers_;
  std::function<void(const std::string&)> fatal_;
  std::mutex guard_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::set<storage::shard_id> wanted_;
  std::atomic<int> owned_{0};
  std::atomic<bool> database_answers_{true};
  std::thread membership_;
};

} // namespace souk::runtime
