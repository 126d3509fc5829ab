#pragma once

#include "runtime/cluster_member.hpp"
#include "runtime/thread_pool.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace souk::runtime {

struct node_options {
  std::string name;    ///< a restarted node of the same name takes its own shards back at once
  std::string cluster = "souk";
  std::string address; ///< host:port where others reach it; empty: it is alone
  std::size_t lanes = 2;   ///< per database
  std::size_t readers = 4; ///< per database
  std::size_t reader_queue_max = 20'000;
  std::chrono::milliseconds heartbeat{500};
  member_options member;
  shard_options shards;
};

/// How a node reaches one database.
struct database_parts {
  std::shared_ptr<storage::ownership_store> membership; ///< used on its membership thread only
  std::function<void()> before_joining; ///< throws when this program does not fit the database; may be null
  std::function<std::shared_ptr<storage::journal_store>(std::size_t lane)> journal;
  threaded_readers::factory reader;
};

/// How it reaches the other nodes. Made by the composition root because it brings the network along.
struct node_network {
  std::shared_ptr<transport> wire;
  std::shared_ptr<const wire_book> book;
  /// Frames may come from now on; they go to this actor.
  std::function<void(const caf::actor& peers)> open;
  std::function<void()> close;
};

/// What a node says of itself, for people.
struct node_status {
  storage::node_row self;
  bool ready = false;
  bool draining = false;
  struct database_status {
    bool answers = false;
    std::size_t owned = 0;
    membership::coverage covered;
    std::int64_t view = 0;
    std::size_t members = 0;
    std::vector<storage::shard_id> quarantined;
  };
  std::vector<database_status> databases;
  std::vector<shard_stats> shards; ///< those that are ours, or have messages waiting
  std::vector<lane_stats> lanes;
  peers_stats peers;
};

/// One process of the deployment: announces itself in every database, takes the shards that it is due, passes on what is another
/// node's, and gives its shards away when it stops.
class node {
public:
  /// @param parts one per database, in the deployment's order
  /// @param on_resides told which database holds a shard, whenever that is learnt
  node(caf::actor_system& system, node_options options, std::vector<database_parts> parts, const clock& time, id_source& ids,
       std::function<void(storage::shard_id, std::uint8_t)> on_resides);
  ~node();

  const router& routes() const { return routes_; }
  std::shared_ptr<reader_pool> readers() { return readers_; }

  /// Registers, spawns lanes and shards and takes what it may. A database that does not answer is joined when it does, as long as one
  /// other answers. May throw storage::unavailable, storage::storage_error.
  /// @param fatal called (from any thread) when this incarnation can no longer serve: it was declared dead
  void start(entity_catalog catalog, node_network network, std::function<void(const std::string&)> fatal,
             std::function<void(const std::string& topic, const std::string& body)> on_notice);
  /// Every shard of the databases that answer, but for those that nobody may serve, had an owner once, and this node is not about to
  /// leave.
  bool ready() const;
  /// It gives its shards away.
  bool leaving() const { return leaving_ || (member_ && member_->draining()); }
  std::size_t owned() const { return member_ ? member_->owned() : 0; }
  /// The last heartbeat was written, in one database at least.
  bool database_answers() const;
  const storage::node_row& self() const { return self_; }
  const cluster_map& map() const { return *map_; }
  node_status status();
  std::vector<shard_stats> shards();
  std::vector<lane_stats> lanes();
  /// Quarantined shards, for an alarm.
  std::size_t quarantined() const;
  /// Tells the other nodes something that they can do without.
  void notice(const std::string& topic, const std::string& body);

  /// Gives all shards to other nodes while it goes on answering. @returns true when it owns none any more, false after `limit`, and when
  /// nobody else is there (any more).
  bool give_all_away(std::chrono::milliseconds limit);
  /// Drains within the grace period: entities finish what is under way, the last batch commits, the shards are free for others.
  void stop(std::chrono::milliseconds grace);

private:
  struct beat {
    std::thread thread;
    std::condition_variable wake;
    bool due = false;
    bool joined = false;
    std::atomic<bool> answers{true};
  };
  class readers_by_shard;

  void keep_membership(std::size_t database);
  void look(std::size_t database);
  bool all_served() const;
  bool serves(storage::shard_id shard) const;

  caf::actor_system& system_;
  node_options options_;
  std::vector<database_parts> parts_;
  const clock& time_;
  id_source& ids_;
  storage::node_row self_;
  router routes_;
  std::unique_ptr<cluster_map> map_;
  std::shared_ptr<readers_by_shard> reader_pools_;
  std::shared_ptr<reader_pool> readers_;
  std::vector<std::shared_ptr<thread_pool>> workers_;
  node_network network_;
  std::unique_ptr<cluster_member> member_;
  std::function<void(const std::string&)> fatal_;
  mutable std::mutex guard_;
  std::vector<std::unique_ptr<beat>> beats_;
  bool stopping_ = false;
  std::atomic<bool> leaving_{false};
  mutable std::atomic<bool> was_served_{false};
};

} // namespace souk::runtime
