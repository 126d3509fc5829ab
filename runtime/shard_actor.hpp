#pragma once

#include "runtime/entity.hpp"
#include "runtime/executor.hpp"

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

namespace souk::runtime {

struct shard_options {
  std::chrono::seconds idle{300};        ///< an entity untouched for so long is passivated
  std::size_t entities_max = 800;        ///< beyond: the least recently used go, idle or not
  std::size_t parked_max = 1000;         ///< messages that wait for one entity; beyond: errc::overloaded
  std::chrono::seconds sweep_every{1};
  int restarts_max = 3;                  ///< in a minute; beyond: errc::unavailable until the minute is over
};

/// What the shard actors of a node share.
struct shard_services {
  shard_options options;
  std::shared_ptr<const entity_catalog> catalog;
  std::shared_ptr<reader_pool> readers;
  const router* routes = nullptr;
  const clock* time = nullptr;
  id_source* ids = nullptr;
  std::function<void(storage::shard_id)> on_lost; ///< somebody else owns the shard now
};

/// The life of one entity, as its shard sees it:
///
///       first message             rows are here            idle, retired or crowded out
///   ─────────────────▶ loading ─────────────────▶ active ─────────────────────────────▶ stopping
///                       ▲  (messages park)          │  ◀──────────── busy ────────────── (messages park)
///                       │                           │ crash                                   │ DOWN
///                       └──── DOWN, nothing of it ──┴───────── DOWN ──▶ gone ◀────────────────┘
///                             under way in the journal         (parked messages start it again)
struct shard_state {
  enum class phase { loading, active, stopping, waiting }; ///< waiting: crashed, until the journal has settled what names it

  struct parked {
    caf::response_promise promise;
    caf::message command;
  };
  struct entity {
    phase now = phase::loading;
    std::uint64_t activation = 0;
    caf::actor actor;
    std::uint32_t pins = 0; ///< write sets under way that name it
    std::vector<parked> queue; ///< no deque: an empty one allocates 600 bytes, for every entity there is
    std::list<entity_address>::iterator place; ///< in `recent`
    storage::timestamp used{};
  };
  struct crash_record {
    int count = 0;
    storage::timestamp since{};
  };

  static inline const char* name = "shard";

  caf::event_based_actor* self = nullptr;
  storage::shard_id id = 0;
  shard_services services;
  caf::actor lane;
  bool owned = false;
  bool draining = false;
  std::int64_t epoch = 0;
  std::uint64_t next_activation = 0;
  std::unordered_map<entity_address, entity> entities;
  std::unordered_map<caf::actor_addr, entity_address> by_actor;
  std::list<entity_address> recent; ///< least recently used first
  std::unordered_map<entity_address, crash_record> crashes;
  std::vector<caf::response_promise> drains;
  bool sweeping = false; ///< the timer runs: it does while the shard is ours
  shard_stats stats;

  ~shard_state();

  void take(const storage::fence& f);
  void deliver(const entity_address& whom, delivery how, caf::message& command);
  void loaded(loaded_entity& rows);
  caf::result<receipt> write(journal_entry& entry);
  void settled(const settled_batch& batch);
  void down(const caf::actor_addr& who, const caf::error& why);
  void busy(const entity_address& who, std::uint64_t activation);
  void retire(const entity_address& who, std::uint64_t activation);
  void sweep();
  void sweep_later();
  void lost();
  void drain(caf::response_promise promise);

private:
  using iterator = std::unordered_map<entity_address, entity>::iterator;
  iterator start(const entity_address& whom, delivery how);
  void load(entity& e, const entity_address& whom);
  void spawn(entity& e, const entity_address& whom, std::any rows);
  void park(entity& e, caf::message& command);
  void release(entity& e);
  void fail_parked(entity& e, const caf::error& why);
  void begin_later(const entity_address& whom, std::chrono::seconds wait);
  void forsake(const std::vector<touch>& failed);
  void stop(entity& e);
  void forget(iterator at);
  bool crashes_too_often(const entity_address& whom);
  void drained();
};

/// Messages:
///   (own, fence)                                     the shard is ours from this epoch on
///   (deliver, entity_address, delivery, message)     → whatever the entity answers
///   (write, journal_entry)                           → receipt
///   settled_batch · loaded_entity · (busy|retire, entity_address, activation) · (lost) · (sweep)
///   (drain)                                          → unit when every entity has stopped
///   (stats)                                          → shard_stats
caf::behavior shard(caf::stateful_actor<shard_state>* self, storage::shard_id id, shard_services services, caf::actor lane);

} // namespace souk::runtime
