#pragma once

#include "runtime/clock.hpp"
#include "runtime/cluster_map.hpp"
#include "storage/ownership_store.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace souk::runtime {

struct membership_options {
  std::chrono::milliseconds stale_after{4000}; ///< a node that has not been heard of for so long is dead
  std::chrono::milliseconds heartbeat{500};    ///< how often every node looks
  std::int32_t wire_oldest = 1;                ///< oldest protocol between nodes that this program speaks
  std::size_t moves_at_once = 8;               ///< shards that drain for another owner at the same time
};

/// What membership has decided, for the node to do. Called on the thread that calls membership, never under its lock.
class membership_actions {
public:
  virtual ~membership_actions() = default;

  /// These shards are ours from these epochs on.
  virtual void take(const std::vector<storage::fence>& fences) = 0;
  /// Drain the shard for another owner. membership::drained() is to be called when nothing of it is under way, undrained() with the same
  /// round when that cannot be.
  virtual void begin_hand_over(storage::shard_id shard, std::uint64_t round) = 0;
  /// It stays here after all.
  virtual void cancel_hand_over(storage::shard_id shard) = 0;
  /// The rows name the next owners: tell `next`, then pass on what is parked.
  virtual void given(const storage::node_row& next, const std::vector<storage::fence>& fences) = 0;
  /// What was ours in that epoch is somebody else's, or may not be served.
  virtual void lost(storage::shard_id shard, std::int64_t epoch) = 0;
  /// A shard has another owner than before.
  virtual void owner_changed(storage::shard_id shard) = 0;
  /// Who is alive, ourselves included.
  virtual void seen(const std::vector<storage::node_row>& alive) = 0;
  /// What was committed is missing from the database; the shards are quarantined.
  virtual void alarm(const std::vector<storage::shard_id>& shards) = 0;
  /// Somebody declared this incarnation dead: it must not go on.
  virtual void condemned() = 0;
};

/// One node's part in deciding who owns the shards of one database: writes the heartbeat, keeps the view of who is in, takes shards
/// that are free or a dead node's, and hands shards over that another node is due, a few at a time. It decides by what the database
/// says and by its clock; hints only make it look earlier. Whoever is wrong about anything here cannot write: the fence sees to that.
///
/// tick() blocks on the database and is called by one thread; everything else may be called by any thread and returns at once.
class membership {
public:
  /// @param database index of the database, for the map
  membership(storage::node_row self, std::uint8_t database, membership_options options, const clock& time,
             std::shared_ptr<storage::ownership_store> store, cluster_map& map, membership_actions& actions);

  /// Makes the node known. @throws storage::unavailable, storage::storage_error
  void join();
  /// One look and what follows from it. @throws storage::unavailable when the database cannot be asked
  void tick();
  /// Gives back what is still ours and signs off. @throws storage::unavailable
  void leave();

  /// The shard has nothing under way any more; its last fence.
  void drained(const storage::fence& held);
  void undrained(storage::shard_id shard, std::uint64_t round);
  /// From the previous owner: these are ours. @returns those that we did not have yet
  void granted(const std::vector<storage::fence>& fences);
  /// The journal was refused: the shard is somebody else's. `believed`: what it was acknowledged last.
  void refused(const storage::fence& believed);
  /// A hint that a node is dead: its link broke and nobody listens at its address. It is believed when the node's heartbeat is late as
  /// well, or when most of the others cannot reach it either: a firewall refuses, too.
  void suspect(const storage::ulid& incarnation);
  /// Somebody is suspected, so that looking again soon is worth it.
  bool impatient() const;
  /// Gives up what it owns when the database has not answered for so long that others may have taken it: from then on what is in memory
  /// may be old. To be called every now and then, by any thread: the one that ticks may hang.
  void let_go_when_blind();
  /// Nodes that we cannot talk to.
  void unreachable(std::set<storage::ulid> nodes);
  /// From now on all our shards are to be given away.
  void drain(bool yes);

  std::size_t owned() const;
  bool owns(storage::shard_id shard) const;
  bool draining() const;
  /// Another node is in the view.
  bool has_others() const;
  /// The shards of this database at the last look.
  struct coverage {
    std::size_t served = 0; ///< have a living owner
    std::size_t open = 0;   ///< may have one
    std::size_t moving = 0; ///< are frozen on their way to another database: nobody may have them
  };
  coverage covered() const;
  /// Whoever may have an owner has one.
  bool all_served() const;
  storage::cluster_view view() const;
  std::vector<storage::shard_id> quarantined() const;

private:
  using ids = std::vector<storage::ulid>;
  struct inbox {
    std::vector<storage::fence> drained;
    std::vector<std::pair<storage::shard_id, std::uint64_t>> undrained;
    std::vector<storage::fence> refused;
    std::set<storage::ulid> suspects;
  };
  using live_nodes = std::map<storage::ulid, const storage::node_row*>;

  void look_for_missing_commits(const storage::observation& seen, const std::vector<storage::fence>& acknowledged);
  void mind_the_gap(const storage::observation& seen);
  void judge_suspects(storage::observation& seen, const storage::node_row& me);
  live_nodes living(const storage::observation& seen) const;
  std::set<storage::ulid> cut_off(const storage::observation& seen, const live_nodes& alive);
  ids members_of(const live_nodes& alive, const std::set<storage::ulid>& excluded) const;
  void learn(const storage::observation& seen, const live_nodes& alive);
  void notice_losses(const storage::observation& seen);
  void plan(const storage::observation& seen, const storage::cluster_view& view, const live_nodes& alive);
  void acquire(const storage::observation& seen, const live_nodes& alive);
  void hand_over(const live_nodes& alive);
  void lose(storage::shard_id shard, std::int64_t until);
  void begin_hand_overs();
  /// Who should own the shard by the view; nil when nobody is in.
  storage::ulid due(storage::shard_id shard) const;

  const std::uint8_t database_;
  const membership_options options_;
  const clock& time_;
  std::shared_ptr<storage::ownership_store> store_;
  cluster_map& map_;
  membership_actions& actions_;

  mutable std::mutex guard_; ///< of what follows up to `ticks`
  storage::node_row self_;
  bool asked_to_drain_ = false;
  bool wants_to_drain_ = false;
  std::map<storage::shard_id, std::int64_t> owned_; ///< epoch at which we took it; a settlement may have raised it since
  std::map<storage::shard_id, std::int64_t> had_;   ///< the last epoch in which it was ours: a grant that comes late is void
  inbox inbox_;
  std::set<storage::shard_id> let_go_; ///< given up while the database was silent: ours again at once, when the rows still say so
  storage::timestamp answered_{};      ///< when the last look that was answered began
  bool suspecting_ = false;
  storage::cluster_view view_;
  std::map<storage::shard_id, storage::ulid> next_best_; ///< who takes each shard of ours should we be gone
  coverage covered_;
  std::set<storage::shard_id> quarantined_;

  // Of the ticking thread alone:
  std::map<storage::shard_id, storage::ulid> due_; ///< who should own each shard that lives here
  ids planned_members_;                            ///< what `due_` was made from
  std::vector<storage::shard_id> planned_shards_;
  std::map<storage::shard_id, storage::fence> highest_;          ///< that we know to have been committed
  std::map<storage::shard_id, std::uint64_t> moving_;            ///< and in which round
  std::uint64_t rounds_ = 0;
  std::map<storage::ulid, storage::timestamp> suspects_;         ///< since when
  std::map<storage::shard_id, storage::fence> drained_; ///< those of them that have nothing under way any more
  std::map<storage::shard_id, int> unclaimed_;                   ///< looks at which a row of ours was not among ours
  std::map<storage::ulid, storage::timestamp> cut_off_since_;
  storage::timestamp last_look_{};      ///< by the database's clock
  storage::timestamp patient_until_{};
};

} // namespace souk::runtime
