#pragma once

#include "actors/services.hpp"
#include "runtime/cluster_member.hpp"
#include "simulation/world/node_storage.hpp"
#include "simulation/world/timeline.hpp"

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

/// One process: an actor system of its own, whose scheduler the world drives message by message, the real member of the cluster with
/// its shards, lanes and peers, the real shop actors, and workers that run at a later virtual time instead of on threads.
class simulated_node {
public:
  /// @param number no other process of the run has it
  simulated_node(world& in, std::string name, int number);
  ~simulated_node();
  simulated_node(const simulated_node&) = delete;

  /// Makes itself known and takes what it is due; again at every heartbeat while the database does not answer.
  void start();

  bool alive() const noexcept { return alive_; }
  bool paused() const noexcept { return paused_; }
  bool leaving() const noexcept { return leaving_; } ///< it drains and then ends
  const std::string& name() const noexcept { return self_.name; }
  /// For people: the name, and which process of that name.
  std::string label() const;
  const storage::node_row& row() const noexcept { return self_; }
  const storage::ulid& incarnation() const noexcept { return self_.incarnation; }
  /// As its membership believes.
  bool owns(storage::shard_id shard) const { return alive_ && member_->at(0).owns(shard); }
  std::size_t gave() const { return rows_->gave; } ///< shards, to other nodes
  std::size_t owned() const { return alive_ ? member_->owned() : 0; }
  const runtime::router& routes() const noexcept { return *routes_; }
  const runtime::cluster_map& map() const noexcept { return *map_; }
  runtime::cluster_member& member() noexcept { return *member_; }
  runtime::shard_host& host() noexcept { return member_->host(); }
  caf::actor_system& system() noexcept { return *system_; }
  caf::scheduler::test_coordinator& scheduler() noexcept { return *scheduler_; }

  /// Kill -9: all memory is gone. What its workers had sent may still arrive where it was sent to.
  void crash();
  /// An orderly end as runtime::node does it: gives its shards to others while it answers, finishes what is under way, signs off, all
  /// of it within `grace`; then the process ends and `done` is called.
  void stop(microseconds grace, std::function<void()> done);
  /// Stops and goes on: neither messages nor timers nor workers nor looks move in between.
  void pause();
  void resume();
  /// The database is away for this process only.
  void cut_from_database(bool cut) { road_->cut = cut; }
  /// It no longer looks at the rows by itself.
  void close_its_eyes() { blind_ = true; }
  /// The next look comes after that time, instead of when it was due.
  void look_in(microseconds wait);
  /// One look at once. @returns false when the database did not answer.
  bool look();

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
  /// Asks one of the runtime's own actors for what it counts. Drives this process alone, in no time at all.
  template <class Stats>
  std::optional<Stats> stats_of(const caf::actor& whom) {
    auto out = std::make_shared<std::optional<Stats>>();
    if (!alive_ || paused_)
      return std::nullopt;
    system_->spawn([out, whom](caf::event_based_actor* self) {
      self->request(whom, caf::infinite, runtime::stats_atom_v).then([out](const Stats& s) { *out = s; }, [](const caf::error&) {});
    });
    while (!*out && scheduler_->try_run_once())
      ;
    return *out;
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
  /// Runs something that came from outside: now, or in order when a stopped process goes on.
  void when_running(std::function<void()> what);
  /// The actor does nothing until then: its answer is on the way.
  void hold(const caf::actor& who, timestamp until);
  microseconds database_latency();

private:
  struct config;

  std::shared_ptr<actors::shop_services> make_shop();
  void make_member();
  void begin_look(std::uint64_t number);
  void finish_look();
  void give_away(timestamp until, std::function<void()> then);
  void drain(std::function<void()> then);
  caf::resumable* job_of(const caf::actor& who) const;

  world& world_;
  int number_;
  storage::node_row self_;
  std::unique_ptr<config> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  timestamp clock_at_; ///< what the actor clock has seen of virtual time
  std::shared_ptr<database_road> road_ = std::make_shared<database_road>();
  std::shared_ptr<ownership_over> rows_;
  std::unique_ptr<runtime::router> routes_;
  std::unique_ptr<runtime::cluster_map> map_;
  std::unique_ptr<runtime::id_source> ids_;
  std::unique_ptr<runtime::cluster_member> member_;
  std::map<caf::resumable*, timestamp> held_;
  std::map<std::uint64_t, std::function<void()>> asked_;
  std::uint64_t questions_ = 0;
  std::vector<std::function<void()>> frozen_;  ///< jobs of a paused node
  std::vector<std::function<void()>> arrived_; ///< what came from outside while it was paused, in order
  std::uint64_t looks_ = 0;   ///< number of the look that is due next; earlier ones are void
  bool looking_ = false;      ///< a look is under way
  bool look_again_ = false;
  bool joined_ = false;
  bool alive_ = true;
  bool paused_ = false;
  bool leaving_ = false;
  bool condemned_ = false;
  bool blind_ = false;
};

} // namespace souk::simulation
