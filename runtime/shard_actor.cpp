#include "runtime/shard_actor.hpp"

#include "storage/error.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

namespace souk::runtime {

// An entity never outlives its shard: nobody could reach it any more, and it would keep its process from ending.
shard_state::~shard_state() {
  for (auto& [who, e] : entities) {
    fail_parked(e, errc::moved);
    if (e.actor)
      caf::anon_send_exit(e.actor, caf::exit_reason::kill);
  }
  for (auto& w : intake)
    w.promise.deliver(caf::make_error(errc::moved));
}

void shard_state::take(const storage::fence& f, const caf::actor& its_lane) {
  if (owned && f.epoch < epoch)
    return;
  // A later epoch while it is still ours: somebody else may have had it in between, and what is in memory is old.
  const bool anew = !owned || f.epoch > epoch;
  if (owned && anew)
    drop_entities();
  owned = true;
  stop_giving();
  epoch = f.epoch;
  lane = its_lane;
  sweep_later();
  caf::anon_send(lane, own_atom_v, f, caf::actor_cast<caf::actor>(self));
  if (anew) {
    lives_before = next_activation;
    for (auto kind : services.catalog->on_begin)
      tell(*services.routes, shard_address(kind, id), delivery::activate, begin_atom_v);
  }
  look();
}

bool shard_state::stays(const entity_address& whom) const {
  auto kind = services.catalog->kinds.find(whom.kind);
  return kind != services.catalog->kinds.end() && kind->second.stays;
}

// -- messages to entities -------------------------------------------------------------------------------------------------

shard_state::arrival shard_state::arriving() {
  arrival from;
  const auto& sender = self->current_sender(); // before the promise takes it along
  from.awaited = sender != nullptr;
  from.outside = !sender || !by_actor.contains(caf::actor_cast<caf::actor_addr>(sender));
  from.promise = self->make_response_promise();
  return from;
}

void shard_state::deliver(arrival from, const entity_address& whom, delivery how, caf::message& command) {
  if (!owned)
    return elsewhere(std::move(from), whom, how, command);
  auto at = entities.find(whom);
  if (giving && from.outside) {
    // What nobody waits for may be what something under way is waiting for (a gateway's answer): it ends work that has begun.
    const bool ends_work = !from.awaited && at != entities.end();
    if (!ends_work) {
      if (how != delivery::if_active && !(stays(whom) && !from.awaited))
        wait_for_owner(std::move(from), whom, how, command);
      return;
    }
  }
  if (at == entities.end()) {
    if (how == delivery::if_active)
      return;
    if (draining)
      return from.promise.deliver(caf::make_error(errc::shutting_down));
    if (crashes_too_often(whom))
      return from.promise.deliver(caf::make_error(errc::unavailable));
    at = start(whom, how);
    if (at == entities.end())
      return from.promise.deliver(caf::make_error(errc::unavailable));
  }
  auto& e = at->second;
  e.used = services.time->now();
  recent.splice(recent.end(), recent, e.place);
  if (e.now == phase::active)
    from.promise.delegate(e.actor, std::move(command));
  else
    park(e, std::move(from.promise), command);
}

shard_state::iterator shard_state::start(const entity_address& whom, delivery how) {
  auto kind = services.catalog->kinds.find(whom.kind);
  if (kind == services.catalog->kinds.end()) {
    spdlog::error("shard {}: a message for an entity of unknown kind {}", id, whom.kind);
    return entities.end();
  }
  if (entities.size() >= services.options.entities_max)
    for (const auto& oldest : recent)
      if (auto& e = entities.at(oldest); e.now == phase::active && !services.catalog->kinds.at(oldest.kind).stays) {
        stop(e);
        break;
      }
  auto [at, fresh] = entities.try_emplace(whom);
  auto& e = at->second;
  e.place = recent.insert(recent.end(), whom);
  if (how == delivery::create)
    spawn(e, whom, {});
  else
    load(e, whom);
  return at;
}

void shard_state::load(entity& e, const entity_address& whom) {
  e.now = phase::loading;
  e.activation = ++next_activation;
  auto job = [whom, activation = e.activation, me = caf::actor_cast<caf::actor>(self),
              catalog = services.catalog](storage::entity_reader& reader) {
    loaded_entity out;
    out.who = whom;
    out.activation = activation;
    try {
      out.rows = catalog->kinds.at(whom.kind).load(reader, whom);
    } catch (const std::exception& error) {
      out.error = error.what();
      if (out.error.empty())
        out.error = "the rows could not be read";
    }
    caf::anon_send(me, std::move(out));
  };
  if (!services.readers->post(id, std::move(job))) {
    loaded_entity none;
    none.who = whom;
    none.activation = e.activation;
    none.error = "the readers' queue is full";
    caf::anon_send(caf::actor_cast<caf::actor>(self), std::move(none));
  }
}

void shard_state::loaded(loaded_entity& rows) {
  auto at = entities.find(rows.who);
  if (at == entities.end() || at->second.now != phase::loading || at->second.activation != rows.activation)
    return;
  if (!rows.error.empty()) {
    spdlog::warn("shard {}: {} {} was not loaded: {}", id, services.catalog->kinds.at(rows.who.kind).name,
                 rows.who.id.str(), rows.error);
    fail_parked(at->second, errc::unavailable);
    if (services.catalog->kinds.at(rows.who.kind).stays)
      begin_later(rows.who, std::chrono::seconds{1});
    return forget(at);
  }
  auto who = rows.who;
  spawn(at->second, who, std::move(rows.rows));
  release(at->second);
}

void shard_state::spawn(entity& e, const entity_address& whom, std::any rows) {
  e.activation = ++next_activation;
  e.now = phase::active;
  e.used = services.time->now();
  entity_context context{whom,         e.activation,  caf::actor_cast<caf::actor>(self), services.routes, services.time,
                         services.ids};
  e.actor = services.catalog->kinds.at(whom.kind).spawn(self->system(), std::move(context), std::move(rows));
  self->monitor(e.actor);
  by_actor.emplace(e.actor.address(), whom);
  ++stats.activations;
}

// What serves the shard (its supervisor, its dispatcher) must come back by itself: nobody else may ever ask for it.
void shard_state::begin_later(const entity_address& whom, std::chrono::seconds wait) {
  // Without a sender: an error sent back would be one that the shard itself dies of.
  caf::delayed_anon_send(caf::actor_cast<caf::actor>(self), wait, deliver_atom_v, whom, delivery::activate,
                         caf::make_message(begin_atom_v));
}

void shard_state::park(entity& e, caf::response_promise promise, caf::message& command) {
  if (e.queue.size() >= services.options.parked_max)
    return promise.deliver(caf::make_error(errc::overloaded));
  e.queue.push_back({std::move(promise), std::move(command)});
}

void shard_state::release(entity& e) {
  auto queue = std::move(e.queue);
  e.queue.clear();
  for (auto& p : queue)
    p.promise.delegate(e.actor, std::move(p.command));
}

void shard_state::fail_parked(entity& e, const caf::error& why) {
  for (auto& p : e.queue)
    p.promise.deliver(why);
  e.queue.clear();
}

// -- the journal ----------------------------------------------------------------------------------------------------------

caf::result<receipt> shard_state::write(journal_entry& entry) {
  if (!owned)
    return caf::make_error(errc::moved);
  for (const auto& t : entry.touches) {
    auto at = entities.find(t.who);
    if (at == entities.end() || at->second.activation != t.activation || at->second.now == phase::waiting
        || at->second.now == phase::loading) {
      forsake(entry.touches);
      return caf::make_error(errc::restarted);
    }
  }
  for (const auto& t : entry.touches)
    ++entities.at(t.who).pins;
  auto promise = self->make_response_promise();
  promise.delegate(lane, write_atom_v, std::move(entry));
  return promise;
}

void shard_state::settled(const settled_batch& batch) {
  for (const auto& t : batch.touches) {
    auto at = entities.find(t.who);
    if (at == entities.end() || at->second.pins == 0 || t.activation <= lives_before)
      continue;
    auto& e = at->second;
    if (--e.pins == 0 && e.now == phase::waiting) {
      if (e.queue.empty())
        forget(at);
      else
        load(e, at->first);
    }
  }
  if (!batch.failed.empty())
    forsake(batch.failed);
  // A sink that has gone reads them from the outbox when it comes back, here or with the next owner.
  if (!batch.events.empty() && services.catalog->event_sink != 0 && owned)
    tell(*services.routes, shard_address(services.catalog->event_sink, id),
         giving ? delivery::if_active : delivery::activate, events_atom_v, batch.events);
  if (draining)
    drained();
}

// The writer of rows that were not written has memory that is wrong. If it lives it learns from its error answer; if it has
// crashed meanwhile, those whose memory it changed cannot learn it from anybody: they start again from their rows.
void shard_state::forsake(const std::vector<touch>& failed) {
  auto alive = [this](const touch& t) {
    auto at = entities.find(t.who);
    return at != entities.end() && at->second.activation == t.activation && at->second.actor ? &at->second : nullptr;
  };
  if (alive(failed.front()))
    return;
  for (const auto& t : failed)
    if (auto* e = alive(t))
      self->send_exit(e->actor, caf::exit_reason::kill);
}

// -- passivation, crashes, loss -------------------------------------------------------------------------------------------

void shard_state::stop(entity& e) {
  e.now = phase::stopping;
  caf::anon_send(e.actor, stop_atom_v);
}

void shard_state::busy(const entity_address& who, std::uint64_t activation) {
  auto at = entities.find(who);
  if (at == entities.end() || at->second.activation != activation || at->second.now != phase::stopping)
    return;
  at->second.now = phase::active;
  at->second.used = services.time->now();
  recent.splice(recent.end(), recent, at->second.place);
  release(at->second);
}

void shard_state::retire(const entity_address& who, std::uint64_t activation) {
  auto at = entities.find(who);
  if (at != entities.end() && at->second.activation == activation && at->second.now == phase::active)
    stop(at->second);
}

void shard_state::down(const caf::actor_addr& who, const caf::error& why) {
  auto known = by_actor.find(who);
  if (known == by_actor.end())
    return;
  auto address = known->second;
  by_actor.erase(known);
  auto at = entities.find(address);
  auto& e = at->second;
  e.actor = nullptr;
  // One that went with its shard has not crashed.
  const bool crashed = why && owned && e.activation != 0 && !giving;
  if (crashed) {
    ++stats.restarts;
    auto& record = crashes[address];
    auto now = services.time->now();
    if (now - record.since > std::chrono::minutes{1})
      record = {0, now};
    if (++record.count == services.options.restarts_max)
      spdlog::error("shard {}: {} {} crashed {} times in a minute, answering 503 for a while: {}", id,
                    services.catalog->kinds.at(address.kind).name, address.id.str(), record.count,
                    caf::to_string(why));
    else
      spdlog::warn("shard {}: {} {} stopped: {}", id, services.catalog->kinds.at(address.kind).name, address.id.str(),
                   caf::to_string(why));
  }
  if (!owned) {
    fail_parked(e, errc::moved);
    forget(at);
  } else if (e.pins > 0) {
    e.now = phase::waiting;
    e.activation = 0; // nothing more may be written in the name of that life
  } else if ((!e.queue.empty() || (why && stays(address) && !draining && !giving)) && !crashes_too_often(address)) {
    load(e, address);
  } else {
    if (stays(address) && !draining && !giving)
      begin_later(address, std::chrono::seconds{61}); // crashed too often: not before it is forgiven
    fail_parked(e, errc::unavailable);
    forget(at);
  }
}

void shard_state::forget(iterator at) {
  recent.erase(at->second.place);
  entities.erase(at);
  if (draining)
    drained();
  if (giving)
    given_away();
}

bool shard_state::crashes_too_often(const entity_address& whom) {
  auto at = crashes.find(whom);
  if (at == crashes.end())
    return false;
  if (services.time->now() - at->second.since > std::chrono::minutes{1}) {
    crashes.erase(at);
    return false;
  }
  return at->second.count >= services.options.restarts_max;
}

void shard_state::sweep() {
  auto now = services.time->now();
  for (auto at = recent.begin(); at != recent.end(); ++at) {
    auto& e = entities.at(*at);
    if (now - e.used < services.options.idle && !draining)
      break; // the rest was used later
    if (e.now == phase::active && (draining || (e.pins == 0 && !services.catalog->kinds.at(at->kind).stays)))
      stop(e);
  }
  expire_intake();
  std::erase_if(crashes, [&](const auto& c) { return now - c.second.since > std::chrono::minutes{1}; });
}

// A stale owner's memory is worth nothing: everything goes, and the next owner loads it from the rows. What was lost may have been
// taken again before the news came.
void shard_state::lost(const storage::fence& believed) {
  if (!owned || believed.epoch < epoch)
    return;
  owned = false;
  stop_giving();
  spdlog::warn("shard {} is owned by somebody else now", id);
  caf::anon_send(lane, leave_atom_v, id);
  drop_entities();
  drained();
  if (services.on_lost)
    services.on_lost(believed);
  look();
}

void shard_state::drop_entities() {
  for (auto it = entities.begin(); it != entities.end();) {
    auto& e = it->second;
    fail_parked(e, errc::moved);
    if (e.actor) {
      // It is on its way out; should the shard come back before it is gone, its messages wait for that.
      self->send_exit(e.actor, caf::exit_reason::kill);
      e.now = phase::stopping;
      e.activation = 0;
      e.pins = 0;
      ++it;
    } else {
      recent.erase(e.place);
      it = entities.erase(it);
    }
  }
}

void shard_state::sweep_later() {
  if (sweeping || (!owned && intake.empty()))
    return;
  sweeping = true;
  self->delayed_send(self, services.options.sweep_every, sweep_atom_v);
}

void shard_state::drain(caf::response_promise promise) {
  draining = true;
  drains.push_back(std::move(promise));
  sweep();
  drained();
}

void shard_state::drained() {
  if (drains.empty() || !entities.empty())
    return;
  for (auto& p : drains)
    p.deliver(caf::unit);
  drains.clear();
}

caf::behavior shard(caf::stateful_actor<shard_state>* self, storage::shard_id id, shard_services services) {
  auto& state = self->state;
  state.self = self;
  state.id = id;
  state.services = std::move(services);
  state.stats.shard = id;
  self->set_down_handler([self](const caf::down_msg& d) { self->state.down(d.source, d.reason); });
  return {
    [self](own_atom, const storage::fence& f, const caf::actor& lane) { self->state.take(f, lane); },
    [self](deliver_atom, const entity_address& whom, delivery how, caf::message& command) {
      auto from = self->state.arriving();
      self->state.deliver(std::move(from), whom, how, command);
    },
    [self](forward_atom, const entity_address& whom, delivery how, caf::message& command, std::int32_t attempt,
           const question& asked) {
      auto from = self->state.arriving();
      from.attempt = attempt;
      from.asked = asked;
      self->state.deliver(std::move(from), whom, how, command);
    },
    [self](here_atom, const entity_address& whom, delivery how, caf::message& command) {
      auto from = self->state.arriving();
      from.only_here = true;
      self->state.deliver(std::move(from), whom, how, command);
    },
    [self](give_atom) {
      auto promise = self->make_response_promise();
      self->state.give(promise);
      return promise;
    },
    [self](give_atom, std::uint64_t round) { self->state.give_tick(round); },
    [self](keep_atom) { self->state.keep(); },
    [self](given_atom, std::int64_t next_epoch) { self->state.given(next_epoch); },
    [self](look_atom) { self->state.look(); },
    [self](write_atom, journal_entry& entry) { return self->state.write(entry); },
    [self](const settled_batch& batch) { self->state.settled(batch); },
    [self](loaded_entity& rows) { self->state.loaded(rows); },
    [self](busy_atom, const entity_address& who, std::uint64_t activation) { self->state.busy(who, activation); },
    [self](retire_atom, const entity_address& who, std::uint64_t activation) { self->state.retire(who, activation); },
    [self](sweep_atom) {
      self->state.sweeping = false;
      self->state.sweep();
      self->state.sweep_later();
    },
    [self](lost_atom, const storage::fence& believed) { self->state.lost(believed); },
    [self](drain_atom) {
      auto promise = self->make_response_promise();
      self->state.drain(promise);
      return promise;
    },
    [self](stats_atom) {
      auto s = self->state.stats;
      s.epoch = self->state.epoch;
      s.owned = self->state.owned;
      s.giving = self->state.giving;
      s.active = self->state.entities.size();
      s.parked = self->state.intake.size();
      return s;
    },
  };
}

} // namespace souk::runtime
