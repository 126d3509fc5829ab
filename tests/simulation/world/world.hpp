#pragma once

#include "simulation/world/consumer.hpp"
#include "simulation/world/gateway.hpp"
#include "simulation/world/history.hpp"
#include "simulation/world/network.hpp"
#include "simulation/world/node.hpp"
#include "simulation/world/timeline.hpp"
#include "storage/checker/invariants.hpp"
#include "storage/simulated/database.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace souk::simulation {

/// The longest that an orderly stop may take; the server's is of that order.
inline constexpr std::chrono::seconds stop_grace_max{16};

struct world_options {
  std::uint64_t seed = 1;
  storage::simulated::fault_rates faults{};
  storage::simulated::mutants database_bugs{};
  gateway_rates gateway{};
  network_rates network{};
  runtime::lane_options lane{};
  runtime::shard_options shards{};
  runtime::membership_options membership{};
  runtime::peers_options peers{};
  std::chrono::milliseconds heartbeat{500};
  bool old_looks = true; ///< what a node reads of the others may have changed before it acts on it
  actors::shop_options shop{};
  std::size_t lanes = 2;
  /// The shards in use. Ids are drawn in them, so that a run needs few of the 256; the others live in a database that is not there.
  std::vector<storage::shard_id> used{3, 7, 11, 42};
  bool random_schedule = true; ///< which actor runs next is drawn; else first come, first served
  /// How long a worker takes at most before it does its work.
  microseconds worker_latency{std::chrono::milliseconds{3}};
  /// The entities of the nodes; unset = the whole shop.
  std::function<runtime::entity_catalog()> catalog = {};
  /// Share of calls to the gateway that take up to half a minute.
  double slow_gateway = 0;
};

/// A small universe on a seed: a database, a network, a payment provider, event consumers, and nodes that run the real runtime and the
/// real shop in one thread of virtual time. Nothing in it sleeps, and the same seed gives the same run.
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
  network net;
  std::shared_ptr<simulated_gateway> gateway;
  std::vector<std::shared_ptr<recording_consumer>> consumers;
  std::shared_ptr<actors::webhook_sender> webhooks; ///< of the nodes that start from now on; null: none are sent
  std::function<void(const std::string& consumer, std::size_t events, microseconds lag)> events_done; ///< likewise; may be empty
  history log;

  // -- ids ---
  /// An id for something that belongs nowhere yet, in one of the shards in use.
  storage::ulid fresh_id();
  storage::ulid fresh_id_beside(const storage::ulid& owner);

  // -- nodes ---
  /// Starts a process, which takes the shards that it is due.
  simulated_node& start_node(const std::string& name = "a");
  /// A crash, and after `away_for` a new process of the same name, unless there is one by then.
  void restart_node(simulated_node& node, microseconds away_for);
  /// An orderly stop (a new release is rolled out): it gives its shards away and finishes what is under way, within `grace`, and a new
  /// process of the name comes up.
  void replace_node(simulated_node& node, microseconds grace);
  /// The same without a new process.
  void remove_node(simulated_node& node, microseconds grace);
  /// The node that owns a shard and runs, as it believes itself, or null.
  simulated_node* owner_of(storage::shard_id shard);
  /// The process of that name that runs, or null.
  simulated_node* named(const std::string& name);
  std::vector<simulated_node*> running();
  /// Every shard in use has one owner, who runs and serves it, nobody else believes to own it, and no message waits for it.
  /// @returns what is not so, for people; empty when all is well
  std::string unsettled();
  /// A look at all shards and nodes, for the history.
  std::string owners();
  /// Every call of any node to the database takes so much longer, at most.
  microseconds database_is_slow{0};
  /// Nothing goes wrong from here on, and time is to pass quickly: nodes look at the rows every half minute only, as long as none comes
  /// or goes.
  void calm_down() { calm_ = true; }

  // -- time ---
  /// One message, or one step forward in time. @returns false when nothing happens before `limit`.
  bool step(timestamp limit);
  void run_for(microseconds span);
  /// @returns whether it came true within `span`
  bool run_until(const std::function<bool()>& done, microseconds span = std::chrono::hours{1});
  std::uint64_t steps() const noexcept { return steps_; }
  std::uint64_t processes() const noexcept { return nodes_.size(); }
  /// Shards that one node gave to another.
  std::uint64_t moves() const;

  /// Asks any node that runs, as a front end does that knows nothing of shards; `lost` when there is none, or when nothing came within
  /// `patience`.
  template <class T, class Command>
  void ask(const runtime::entity_address& whom, runtime::delivery how, Command command, std::function<void(answer<T>)> then,
           microseconds patience = std::chrono::seconds{30}) {
    auto* node = front_end();
    if (node == nullptr)
      return time.in(std::chrono::milliseconds{1}, [then] { then({}); });
    auto once = std::make_shared<std::function<void(answer<T>)>>(std::move(then));
    auto reply = [once](answer<T> a) {
      auto f = std::exchange(*once, nullptr);
      if (f)
        f(std::move(a));
      return f != nullptr;
    };
    node->ask<T>(whom, how, std::move(command), reply);
    time.in(patience, [this, reply, at = time.now(), name = node->label(), whom] {
      if (reply({}))
        out_of_patience(at, name, whom);
    });
  }

  /// Asks and runs the world until the answer is there.
  template <class T, class Command>
  answer<T> ask_now(const runtime::entity_address& whom, runtime::delivery how, Command command) {
    auto out = std::make_shared<std::optional<answer<T>>>();
    ask<T>(whom, how, std::move(command), [out](answer<T> a) { *out = std::move(a); });
    run_until([&] { return out->has_value(); });
    return out->value_or(answer<T>{});
  }

  /// From now on nobody must wait in vain: who does is written down.
  void expect_answers() { fair_since_ = time.now(); }
  const std::vector<std::string>& unanswered() const noexcept { return unanswered_; }

  // -- for nodes ---
  microseconds draw_latency();
  /// How long a node waits between two looks.
  microseconds heartbeat();
  /// A node was declared dead: its process ends, and another one comes up.
  void condemned(simulated_node& node);

private:
  void advance(timestamp to);
  void stir();
  simulated_node* front_end();
  void out_of_patience(timestamp asked, const std::string& node, const runtime::entity_address& whom);

  std::vector<std::unique_ptr<simulated_node>> nodes_; ///< dead ones stay: somebody may still hold a handle to their actors
  std::set<std::string> expected_;                     ///< names of nodes whose next process is on its way
  int incarnations_ = 0;
  std::uint64_t steps_ = 0;
  bool calm_ = false;
  timestamp stirred_{}; ///< when a process last came or went
  bool ended_ = false;
  timestamp fair_since_ = timestamp::max();
  std::vector<std::string> unanswered_;
};

} // namespace souk::simulation
