#pragma once

#include "actors/services.hpp"
#include "runtime/shard_host.hpp"
#include "simulation/world/timeline.hpp"
#include "storage/simulated/database.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>

namespace souk::simulation {

class world;

/// What came back of a command, if anything did.
template <class T>
struct answer {
  enum class kind { yes, no, lost } what = kind::lost; ///< lost: the node died, or nothing came in time
  T value{};
  caf::error why;

  bool ok() const noexcept { return what == kind::yes; }
};

/// One process: an actor system of its own, whose scheduler the world drives message by message, the real shard host and shop
/// actors, and workers that run at a later virtual time instead of on threads.
class simulated_node {
public:
  /// @param hints a node of the same name takes its own shards back
  simulated_node(world& in, std::string name, int incarnation);
  ~simulated_node();
  simulated_node(const simulated_node&) = delete;

  /// Takes what it may of the shards. @returns false when the database did not answer.
  bool acquire(const std::vector<storage::shard_id>& wanted);

  bool alive() const noexcept { return alive_; }
  bool paused() const noexcept { return paused_; }
  bool doomed() const noexcept { return doomed_; }
  const std::string& name() const noexcept { return self_.name; }
  const storage::ulid& incarnation() const noexcept { return self_.incarnation; }
  const std::vector<storage::shard_id>& owned() const noexcept { return owned_; }
  bool owns(storage::shard_id shard) const;
  const runtime::router& routes() const noexcept { return *routes_; }
  runtime::shard_host& host() noexcept { return *host_; }
  caf::actor_system& system() noexcept { return *system_; }
  caf::scheduler::test_coordinator& scheduler() noexcept { return *scheduler_; }

  /// Kill -9: all memory is gone. What its workers had sent may still arrive where it was sent to.
  void crash();
  /// Finishes what is under way and takes nothing new; `done` is called when its shards and lanes are empty. The shards stay its
  /// own until release().
  void drain(std::function<void()> done);
  /// Gives its shards back. @returns false when the database did not answer.
  bool release();
  /// Stops and goes on: neither messages nor timers nor workers move in between.
  void pause();
  void resume();

  /// Sends a command to an entity; `then` is called exactly once, at the latest when the node dies.
  template <class T, class Command>
  void ask(const runtime::entity_address& whom, runtime::delivery how, Command command,
           std::function<void(answer<T>)> then) {
    auto id = ++questions_;
    asked_[id] = [then] { then({}); };
    auto reply = [this, id, then](answer<T> a) {
      if (asked_.erase(id) > 0)
        then(std::move(a));
    };
    system_->spawn([this, whom, how, command = std::move(command), reply](caf::event_based_actor* self) {
      runtime::ask(self, *routes_, whom, how, command)
        .then([reply](T& value) { reply({answer<T>::kind::yes, std::move(value), {}}); },
              [reply](caf::error& why) { reply({answer<T>::kind::no, {}, std::move(why)}); });
    });
  }

  // -- for the world ---
  /// Handles one message of an actor drawn by `random`. @returns false when there is nothing to do now.
  bool run_one(storage::simulated::random_source& random);
  bool has_work();
  std::optional<timestamp> next_timer() const;
  /// Fires timers that are due.
  void catch_up(timestamp now);
  /// Runs something on one of the node's workers after a while.
  bool post(microseconds wait, std::function<void()> job);
  /// The actor does nothing until then: its answer is on the way.
  void hold(const caf::actor& who, timestamp until);

private:
  struct config;

  void make_services();
  void lost_a_shard(storage::shard_id shard);
  caf::resumable* job_of(const caf::actor& who) const;

  world& world_;
  storage::node_row self_;
  std::unique_ptr<config> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  timestamp clock_at_; ///< what the actor clock has seen of virtual time
  std::unique_ptr<runtime::router> routes_;
  std::unique_ptr<runtime::shard_host> host_;
  std::unique_ptr<runtime::id_source> ids_;
  std::vector<storage::shard_id> owned_;
  std::map<caf::resumable*, timestamp> held_;
  std::map<std::uint64_t, std::function<void()>> asked_;
  std::uint64_t questions_ = 0;
  std::vector<std::function<void()>> frozen_; ///< jobs of a paused node
  bool alive_ = true;
  bool paused_ = false;
  bool doomed_ = false; ///< lost a shard: such a process ends itself
};

} // namespace souk::simulation
