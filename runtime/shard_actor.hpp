#pragma once

#include "runtime/cluster_map.hpp"
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
  std::size_t intake_max = 2000;         ///< messages that wait for the shard to have an owner; beyond: errc::overloaded
  std::chrono::milliseconds intake_patience{4500}; ///< how long they wait; then: errc::unavailable
  std::chrono::milliseconds drain{3000}; ///< how long a shard that moves waits for what is under way before it cuts it off
  // Mutants for the simulation's self-test; nothing else sets them.
  bool give_without_drain = false; ///< what is under way stays under way when the shard goes
  bool serve_after_given = false;  ///< the shard is somebody else's, and served here all the same
};

/// What the shard actors of a node share.
struct shard_services {
  shard_options options;
  std::shared_ptr<const entity_catalog> catalog;
  std::shared_ptr<reader_pool> readers;
  const router* routes = nullptr;
  const clock* time = nullptr;
  id_source* ids = nullptr;
  /// Somebody else owns the shard now; the fence is the last one that was acknowledged.
  std::function<void(const storage::fence&)> on_lost;
  const cluster_map* map = nullptr; ///< who else owns it; null: there are no others
  caf::actor peers;                 ///< passes messages on to them; set by the host, see shard_host
};

/// The life of one entity, as its shard sees it:
///
///       first message             rows are here            idle, retired or crowded out
///   ─────────────────▶ loading ─────────────────▶ active ─────────────────────────────▶ stopping
///                       ▲  (messages park)          │  ◀──────────── busy ────────────── (messages park)
///                       │                           │ crash                                   │ DOWN
///                       └──── DOWN, nothing of it ──┴───────── DOWN ──▶ gone ◀────────────────┘
///                             under way in the journal         (parked messages start it again)
///
/// And of the shard itself: `elsewhere` (messages are passed on to the owner, or wait while there is none), `owned`, and `giving`:
/// it is drained for another owner. Then what its own entities say to each other still goes through, so that what is under way
/// ends, and what comes from outside waits and follows the shard to its next owner.
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
  struct waiting {
    caf::response_promise promise;
    entity_address whom;
    delivery how = delivery::activate;
    caf::message command;
    int attempt = 0;
    bool only_here = false;
    question asked;
    storage::timestamp since{};
  };
  /// Where a message comes from and what is owed for it.
  struct arrival {
    caf::response_promise promise;
    int attempt = 0;        ///< how often it was passed on already
    question asked;
    bool only_here = false; ///< another node sent it: not to be passed on again
    bool outside = true;    ///< not from one of the shard's own entities
    bool awaited = true;    ///< somebody waits for the answer
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
  std::vector<waiting> intake;      ///< messages without an owner to give them to
  bool giving = false;
  bool left_lane = false;           ///< drained and on its way out of the journal; once it is, `held` is its last fence
  storage::fence held;
  bool keep_later = false;          ///< to be kept as soon as the lane has answered
  bool cut_off = false;             ///< what was under way was ended half way: nothing that lives now may live on
  caf::response_promise give_promise;
  storage::timestamp give_until{};
  std::uint64_t give_round = 0;     ///< ticks of earlier rounds are ignored
  std::uint64_t lives_before = 0;   ///< activations up to this one belong to an earlier ownership
  bool sweeping = false; ///< the timer runs: it does while the shard is ours
  shard_stats stats;

  ~shard_state();

  void take(const storage::fence& f, const caf::actor& its_lane);
  arrival arriving();
  void deliver(arrival from, const entity_address& whom, delivery how, caf::message& command);
  void loaded(loaded_entity& rows);
  caf::result<receipt> write(journal_entry& entry);
  void settled(const settled_batch& batch);
  void down(const caf::actor_addr& who, const caf::error& why);
  void busy(const entity_address& who, std::uint64_t activation);
  void retire(const entity_address& who, std::uint64_t activation);
  void sweep();
  void sweep_later();
  void lost(const storage::fence& believed);
  void drain(caf::response_promise promise);

  // -- moving (shard_moves.cpp) ---
  void give(caf::response_promise promise);
  void give_tick(std::uint64_t round);
  void keep();
  void given(std::int64_t next_epoch);
  void look();
  void expire_intake();

private:
  using iterator = std::unordered_map<entity_address, entity>::iterator;
  iterator start(const entity_address& whom, delivery how);
  void load(entity& e, const entity_address& whom);
  void spawn(entity& e, const entity_address& whom, std::any rows);
  void park(entity& e, caf::response_promise promise, caf::message& command);
  void elsewhere(arrival from, const entity_address& whom, delivery how, caf::message& command);
  void wait_for_owner(arrival from, const entity_address& whom, delivery how, caf::message& command);
  void given_away();
  void stop_giving();
  void drop_entities();
  bool stays(const entity_address& whom) const;
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
///   (own, fence, lane)                               the shard is ours from this epoch on, and this lane writes for it
///   (deliver, entity_address, delivery, message)     → whatever the entity answers
///   (forward, entity_address, delivery, message, n, question)  the same, passed on n times already
///   (here, entity_address, delivery, message)        the same from another node: `moved` unless the shard is ours
///   (give) → fence when it has drained · (keep) · (given, the next owner's epoch) · (look)
///   (write, journal_entry)                           → receipt
///   settled_batch · loaded_entity · (busy|retire, entity_address, activation) · (lost, fence) · (sweep)
///   (drain)                                          → unit when every entity has stopped
///   (stats)                                          → shard_stats
caf::behavior shard(caf::stateful_actor<shard_state>* self, storage::shard_id id, shard_services services);

} // namespace souk::runtime
