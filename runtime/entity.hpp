#pragma once

#include "runtime/clock.hpp"
#include "runtime/id_source.hpp"
#include "runtime/router.hpp"
#include "runtime/type_ids.hpp"

#include <any>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/send.hpp>

namespace souk::runtime {

/// What an entity is born with.
struct entity_context {
  entity_address who;
  std::uint64_t activation = 0; ///< tells this life from the ones before
  caf::actor shard;             ///< the shard it lives in
  const router* routes = nullptr;
  const clock* time = nullptr;
  id_source* ids = nullptr;

  touch me() const { return {who, activation}; }
};

/// How the shard makes entities of one kind. `load` runs on a reader thread and gives the rows the entity starts from; it may
/// throw storage::unavailable. `spawn` gets them (empty for an entity that was created, not loaded).
struct entity_kind {
  std::string_view name;
  bool stays = false; ///< never passivated for being idle: it serves its shard, or has timers and retires by itself
  std::function<std::any(storage::entity_reader&, const entity_address&)> load;
  std::function<caf::actor(caf::actor_system&, entity_context, std::any)> spawn;
};

/// Everything the shards can activate, by kind. `on_begin`: activated when the shard is taken (they resume what the last owner
/// left); `event_sink`: gets the shard's committed events.
struct entity_catalog {
  std::unordered_map<kind_id, entity_kind> kinds;
  std::vector<kind_id> on_begin;
  kind_id event_sink = 0; ///< 0 = none
};

/// Sends a command to an entity and expects its answer. Use .then(answer, error): an error without a handler kills the asker.
template <class Self, class... Ts>
auto ask(Self* self, const router& routes, const entity_address& whom, delivery how, Ts&&... xs) {
  return self->request(routes.shard_of(whom), caf::infinite, deliver_atom_v, whom, how,
                       caf::make_message(std::forward<Ts>(xs)...));
}

/// Sends a command to an entity and expects nothing.
template <class... Ts>
void tell(const router& routes, const entity_address& whom, delivery how, Ts&&... xs) {
  caf::anon_send(routes.shard_of(whom), deliver_atom_v, whom, how, caf::make_message(std::forward<Ts>(xs)...));
}

/// Hands rows to the journal. The answer is a `receipt` once they are durable. `touched` names the other entities whose memory
/// the rows reflect.
template <class Self>
auto commit(Self* self, const entity_context& me, storage::write_set rows, std::vector<touch> touched = {}) {
  rows.shard = me.who.shard();
  touched.insert(touched.begin(), me.me());
  return self->request(me.shard, caf::infinite, write_atom_v,
                       journal_entry{std::make_shared<const storage::write_set>(std::move(rows)), std::move(touched)});
}

/// Tells the shard that this entity has nothing left to do: it is stopped at once instead of when it has been idle for long.
inline void retire(const entity_context& me) {
  caf::anon_send(me.shard, retire_atom_v, me.who, me.activation);
}

} // namespace souk::runtime
