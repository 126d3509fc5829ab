#pragma once

#include "runtime/membership.hpp"
#include "runtime/peers_actor.hpp"
#include "runtime/shard_host.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>

namespace souk::runtime {

struct member_options {
  membership_options membership;
  peers_options peers;
  lane_options lane;
};

/// What a member works with besides its shards' services.
struct member_parts {
  storage::node_row self;
  const clock* time = nullptr;
  router* routes = nullptr;
  cluster_map* map = nullptr;
  std::vector<std::shared_ptr<storage::ownership_store>> ownership; ///< one per database
  std::vector<lane_parts> lanes;                                   ///< at least one per database
  std::shared_ptr<transport> wire;                                 ///< null: this node is alone and takes no calls
  std::shared_ptr<const wire_book> book;
  /// tick(database) should be called soon. Called on any thread, returns at once.
  std::function<void(std::uint8_t database)> wake;
  /// This incarnation was declared dead.
  std::function<void(const std::string& why)> condemned;
  /// Commits are missing; these shards are closed.
  std::function<void(const std::vector<storage::shard_id>&)> alarm;
  /// Something that another node told all others.
  std::function<void(const std::string& topic, const std::string& body)> notice;
};

/// A node's part in the cluster, the same for a server and for a simulation: its membership in every database, its shards and lanes,
/// its peers. It has no thread and no timer of its own: whoever runs it calls tick() for each database, on one thread per database.
class cluster_member {
public:
  cluster_member(caf::actor_system& system, member_options options, member_parts parts, shard_services services);
  ~cluster_member();
  cluster_member(const cluster_member&) = delete;

  /// @throws storage::unavailable, storage::storage_error (another cluster's database)
  void join(std::size_t database) { at(database).join(); }
  /// @throws storage::unavailable
  void tick(std::size_t database) { at(database).tick(); }
  /// To be called about as often as tick(), by threads that no database can hold up for long; see membership.
  void let_go_when_blind();
  /// @throws storage::unavailable
  void leave(std::size_t database) { at(database).leave(); }
  std::size_t databases() const noexcept { return desks_.size(); }
  membership& at(std::size_t database) { return *desks_[database]->membership_; }
  const membership& at(std::size_t database) const { return *desks_[database]->membership_; }

  /// From now on all our shards go to others, as far as there are any.
  void drain(bool yes);
  bool draining() const;
  std::size_t owned() const;
  bool has_others() const;
  /// Tells all other nodes, if they listen.
  void notice(const std::string& topic, const std::string& body);

  shard_host& host() noexcept { return host_; }
  const caf::actor& peers() const noexcept { return peers_; }
  /// Ends all actors at once.
  void kill();

private:
  /// What follows from the decisions about one database.
  class desk final : public membership_actions {
  public:
    desk(cluster_member& of, std::uint8_t database) : of_(of), database_(database) {}
    void take(const std::vector<storage::fence>& fences) override;
    void begin_hand_over(storage::shard_id shard, std::uint64_t round) override;
    void cancel_hand_over(storage::shard_id shard) override;
    void given(const storage::node_row& next, const std::vector<storage::fence>& fences) override;
    void lost(storage::shard_id shard, std::int64_t epoch) override;
    void owner_changed(storage::shard_id shard) override;
    void seen(const std::vector<storage::node_row>& alive) override;
    void alarm(const std::vector<storage::shard_id>& shards) override;
    void condemned() override;

    std::unique_ptr<membership> membership_;

  private:
    cluster_member& of_;
    const std::uint8_t database_;
  };

  caf::actor make_peers(const peers_options& options);
  static shard_services with_peers(shard_services services, cluster_member& of);
  void granted(const std::vector<storage::fence>& fences);
  void wake_all();

  caf::actor_system& system_;
  member_parts parts_;
  std::vector<std::unique_ptr<desk>> desks_;
  caf::actor peers_;
  shard_host host_;
  std::mutex guard_;
  std::vector<std::map<storage::ulid, storage::node_row>> alive_; ///< by database
};

} // namespace souk::runtime
