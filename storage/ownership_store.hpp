#pragma once

#include "storage/journal_store.hpp"

#include <string>
#include <vector>

namespace souk::storage {

struct node_row {
  ulid incarnation;    ///< fresh for every process: a restarted node is another one
  std::string name;    ///< the setting; a restarted node of the same name takes its own shards back at once
  std::string address; ///< host:port where other nodes reach it; empty: it takes no calls from others
  std::string cluster; ///< the name of the deployment: nodes of another one are refused. Empty: a release that did not say
  std::int32_t wire = 0; ///< newest version of the node-to-node protocol that it speaks
  timestamp started_at{};
  timestamp heartbeat_at{}; ///< the database's clock
  bool alive = false;       ///< heartbeat younger than the limit, by the database's clock
  bool draining = false;    ///< it gives its shards away: it wants to, or an operator asked it to
  std::vector<ulid> unreachable; ///< incarnations that it cannot talk to although their heartbeats are fresh
};

/// Where a shard's rows are, as seen from one database. Only a shard that is `here` can be owned through it.
enum class residence : std::uint8_t {
  here = 1,
  elsewhere = 2,   ///< in another database
  moving = 3,      ///< frozen here while it is copied away
  quarantined = 4  ///< what was committed is missing (a stale standby was promoted): nobody may serve it until an operator decides
};

struct shard_row {
  shard_id shard = 0;
  ulid owner; ///< incarnation, nil when nobody
  std::int64_t epoch = 0;
  std::int64_t seq = 0;
  residence where = residence::here;
};

/// Who is in. All nodes compute from the same members who should own what. Replaced by compare-and-swap on `version` only.
struct cluster_view {
  std::int64_t version = 0;
  std::vector<ulid> members; ///< incarnations, sorted
};

/// A node of another deployment that was heard of within this time, by the database's clock, keeps ours from registering.
inline constexpr std::chrono::milliseconds foreign_nodes_count_for{10'000};

/// Everything one look at a database tells a node.
struct observation {
  bool known = false; ///< our own row was there and our heartbeat is written; false: somebody declared this incarnation dead
  bool asked_to_drain = false;
  cluster_view view;
  std::vector<node_row> nodes;
  std::vector<shard_row> shards; ///< all 256, in order
};

/// The rows that say who is there and who owns what, in one database. Calls block within time limits and throw storage::unavailable
/// when the database cannot be reached.
class ownership_store {
public:
  virtual ~ownership_store() = default;

  /// @throws storage_error when nodes of another cluster use this database
  virtual void register_node(const node_row& self) = 0;
  /// Writes our heartbeat with what `self` says of draining and unreachable nodes, and reads the rest: one round trip.
  virtual observation observe(const node_row& self, std::chrono::milliseconds stale_after) = 0;
  virtual void deregister(const ulid& incarnation) = 0;
  /// Replaces the view if it still has version `expected`; the new one has expected + 1. @returns whether it did.
  virtual bool propose_view(std::int64_t expected, const std::vector<ulid>& members) = 0;
  /// Takes every listed shard that lives here and is free, ours, was owned by an earlier node of our name, or by a node without a fresh
  /// heartbeat; bumps the epoch of each on its row, in shard order, ending sessions that block it. @returns what was taken.
  virtual std::vector<fence> acquire(const node_row& self, const std::vector<shard_id>& wanted,
                                     std::chrono::milliseconds stale_after)
    = 0;
  /// Gives drained shards to the next owner: epoch + 1 and `next` on each row that is still `self`'s in that epoch and has that seq.
  /// @returns the next owner's fences, in shard order; what is missing was not ours any more, or has forgotten commits. Nothing is
  /// given to a node that is not registered here.
  virtual std::vector<fence> hand_over(const ulid& self, const std::vector<fence>& held, const node_row& next) = 0;
  /// Gives shards back after a drain; epochs that are no longer ours are left alone.
  virtual void release(const std::vector<fence>& held) = 0;
  /// Declares an incarnation dead: its row goes, and with it its claim on shards. It hears so at its next heartbeat.
  virtual void bury(const ulid& incarnation) = 0;
  /// An operator asks a node (all incarnations of that name) to give its shards away, or not to. @returns whether one is there.
  virtual bool ask_to_drain(const std::string& name, bool drain) = 0;
  /// Marks shards quarantined and takes them from their owner. Those that are elsewhere are left alone. @param known the latest of each
  /// that anybody was told of: the new epoch is above it too, else nobody who remembers it would believe in a later owner.
  virtual void quarantine(const std::vector<fence>& known) = 0;
  virtual std::vector<node_row> nodes(std::chrono::milliseconds stale_after) = 0;
  virtual std::vector<shard_row> shards() = 0;
  /// The database's time now.
  virtual timestamp now() = 0;
};

} // namespace souk::storage
