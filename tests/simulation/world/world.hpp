#pragma once

#include "simulation/world/consumer.hpp"
#include "simulation/world/gateway.hpp"
#include "simulation/world/history.hpp"
#include "simulation/world/node.hpp"
#include "simulation/world/timeline.hpp"
#include "storage/checker/invariants.hpp"
#include "storage/simulated/database.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace souk::simulation {

struct world_options {
  std::uint64_t seed = 1;
  storage::simulated::fault_rates faults{};
  storage::simulated::mutants database_bugs{};
  gateway_rates gateway{};
  runtime::lane_options lane{};
  runtime::shard_options shards{};
  actors::shop_options shop{};
  std::size_t lanes = 2;
  /// The shards in use. Ids are drawn in them, so that a run needs few of the 256.
  std::vector<storage::shard_id> used{3, 7, 11, 42};
  bool random_schedule = true; ///< which actor runs next is drawn; else first come, first served
  /// How long a worker takes at most before it does its work.
  microseconds worker_latency{std::chrono::milliseconds{3}};
  /// The entities of the nodes; unset = the whole shop.
  std::function<runtime::entity_catalog()> catalog = {};
  /// Share of calls to the gateway that take up to half a minute.
  double slow_gateway = 0;
};

/// A small universe on a seed: a database, a payment provider, event consumers, and nodes that run the real runtime and the real
/// shop in one thread of virtual time. Nothing in it sleeps, and the same seed gives the same run.
class world {
public:
  explicit world(world_options options = {});
  ~world();
  /// Crashes every node: whoever still waits is told so, and nothing runs any more. Call it while those who wait are there.
  void end();
  world(const world&) = delete;

  const world_options options;
  timeline time;
  storage::simulated::random_source random;
  storage::simulated::database db;
  std::shared_ptr<simulated_gateway> gateway;
  std::vector<std::shared_ptr<recording_consumer>> consumers;
  history log;

  // -- ids ---
  /// An id for something that belongs nowhere yet, in one of the shards in use.
  storage::ulid fresh_id();
  storage::ulid fresh_id_beside(const storage::ulid& owner);

  // -- nodes ---
  /// Starts a process that takes the shards in use; while the database does not answer it tries again each second.
  simulated_node& start_node(const std::string& name = "a");
  /// A crash, and after `away_for` a new process of the same name.
  void restart_node(simulated_node& node, microseconds away_for);
  /// An orderly stop (a new release is rolled out): drained for at most `grace`, then ended, and a new process comes up.
  void replace_node(simulated_node& node, microseconds grace);
  /// The node that owns a shard and runs, or null.
  simulated_node* owner_of(storage::shard_id shard);
  std::vector<simulated_node*> running();
  /// Called when a node has lost a shard: it ends itself, and a new process comes up. Tests may turn that off.
  bool revive = true;

  // -- time ---
  /// One message, or one step forward in time. @returns false when nothing happens before `limit`.
  bool step(timestamp limit);
  void run_for(microseconds span);
  /// @returns whether it came true within `span`
  bool run_until(const std::function<bool()>& done, microseconds span = std::chrono::hours{1});
  std::uint64_t steps() const noexcept { return steps_; }

  /// Asks whoever owns the entity's shard; `lost` when nobody does, or nothing came within `patience`.
  template <class T, class Command>
  void ask(const runtime::entity_address& whom, runtime::delivery how, Command command, std::function<void(answer<T>)> then,
           microseconds patience = std::chrono::seconds{30}) {
    auto* node = owner_of(whom.shard());
    if (node == nullptr)
      return time.in(std::chrono::milliseconds{1}, [then] { then({}); });
    auto once = std::make_shared<std::function<void(answer<T>)>>(std::move(then));
    auto reply = [once](answer<T> a) {
      if (auto f = std::exchange(*once, nullptr))
        f(std::move(a));
    };
    node->ask<T>(whom, how, std::move(command), reply);
    time.in(patience, [reply] { reply({}); });
  }

  /// Asks and runs the world until the answer is there.
  template <class T, class Command>
  answer<T> ask_now(const runtime::entity_address& whom, runtime::delivery how, Command command) {
    auto out = std::make_shared<std::optional<answer<T>>>();
    ask<T>(whom, how, std::move(command), [out](answer<T> a) { *out = std::move(a); });
    run_until([&] { return out->has_value(); });
    return out->value_or(answer<T>{});
  }

  // -- for nodes ---
  microseconds draw_latency();
  void lost_shard(simulated_node& node, storage::shard_id shard);

private:
  void advance(timestamp to);

  std::vector<std::unique_ptr<simulated_node>> nodes_; ///< dead ones stay: somebody may still hold a handle to their actors
  int incarnations_ = 0;
  std::uint64_t steps_ = 0;
};

} // namespace souk::simulation
