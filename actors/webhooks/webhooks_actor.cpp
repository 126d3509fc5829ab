#include "actors/webhooks/webhooks_actor.hpp"

#include "actors/kinds.hpp"
#include "actors/lookup.hpp"

#include <algorithm>

#include <caf/stateful_actor.hpp>

namespace souk::actors {

// Asks the store whether the caller manages it, then goes on; changes one after the other.
void webhooks_state::as_merchant(const caller& by, const storage::ulid& store, bool changes, runtime::owed_answer answer,
                                 std::function<void(runtime::owed_answer)> then) {
  if (store != context.who.id)
    return answer.deliver(refuse(errc::not_found, "there is no such webhook", "webhook_id"));
  if (by.anonymous())
    return answer.deliver(refuse(errc::forbidden, "only the store's merchant may see and change its webhooks"));
  auto go = [this, by, store, changes, then = std::move(then), answer]() mutable {
    runtime::ask(self, *context.routes, store_at(store), runtime::delivery::activate, get_terms{store})
      .then(
        [this, by, store, changes, then, answer](const store_terms& terms) mutable {
          if (by.manages(store, terms.store->owner_id))
            return then(answer);
          answer.deliver(refuse(errc::forbidden, "only the store's merchant may see and change its webhooks"));
          if (changes)
            leave();
        },
        [this, changes, answer](caf::error& why) mutable {
          answer.deliver(std::move(why));
          if (changes)
            leave();
        });
  };
  if (!changes)
    go();
  else if (!edits.enter(std::move(go)))
    answer.deliver(caf::make_error(runtime::errc::overloaded));
}

storage::webhook_row* webhooks_state::find(const storage::ulid& id) {
  auto at = std::find_if(webhooks.begin(), webhooks.end(), [&](const auto& w) { return w.id == id; });
  return at == webhooks.end() ? nullptr : &*at;
}

// Whoever keeps in mind that a store has no webhooks learns from these, in the order of all events, that it has. Without the
// address: it may hold what only its receiver should know.
storage::emit_event webhooks_state::about(const storage::webhook_row& w, const char* topic) const {
  return {w.store_id, topic, w.id, {{"webhook_id", w.id.str()}}, context.time->now()};
}

void webhooks_state::create(const create_webhook& c, runtime::owed_answer answer) {
  if (const auto* there = find(c.draft.id)) { // asked again: it is done once
    answer.deliver(*there);
    return leave();
  }
  auto next = webhook_rules::create(c.draft, webhooks, context.time->now());
  if (!next) {
    answer.deliver(refuse(next.why()));
    return leave();
  }
  storage::write_set rows;
  rows.mutations.push_back(storage::put_webhook{*next, 0});
  rows.mutations.push_back(about(*next, "webhook.created"));
  write_one(std::move(rows), answer, [this, next = *next, answer]() mutable {
    webhooks.push_back(next);
    answer.deliver(next);
  });
}

void webhooks_state::change(const change_webhook& c, runtime::owed_answer answer) {
  auto* row = find(c.webhook_id);
  if (row == nullptr) {
    answer.deliver(refuse(errc::not_found, "there is no such webhook", "webhook_id"));
    return leave();
  }
  auto next = webhook_rules::change(*row, c, context.time->now());
  if (!next || *next == *row) {
    if (next)
      answer.deliver(*row);
    else
      answer.deliver(refuse(next.why()));
    return leave();
  }
  storage::write_set rows;
  rows.mutations.push_back(storage::put_webhook{*next, row->version});
  rows.mutations.push_back(about(*next, "webhook.updated"));
  write_one(std::move(rows), answer, [this, next = *next, answer]() mutable {
    auto& now = *find(next.id);
    now = next;
    for (auto& [id, d] : waiting) // tried at once at its new address, and given up when it was switched off
      if (d.row.webhook_id == next.id)
        d.due = context.time->now();
    answer.deliver(next);
  });
}

void webhooks_state::remove(const remove_webhook& c, runtime::owed_answer answer) {
  auto* row = find(c.webhook_id);
  if (row == nullptr) {
    answer.deliver(refuse(errc::not_found, "there is no such webhook", "webhook_id"));
    return leave();
  }
  storage::write_set rows;
  rows.mutations.push_back(storage::delete_webhook{row->id, row->store_id});
  rows.mutations.push_back(about(*row, "webhook.deleted"));
  write_one(std::move(rows), answer, [this, id = row->id, answer]() mutable {
    std::erase_if(webhooks, [&](const auto& w) { return w.id == id; });
    std::erase_if(waiting, [&](const auto& d) { return d.second.row.webhook_id == id; });
    spilled.erase(id);
    answer.deliver(true);
  });
}

void webhooks_state::redeliver(const redeliver_webhook& c, runtime::owed_answer answer) {
  auto overloaded = [this, answer]() mutable {
    answer.deliver(caf::make_error(runtime::errc::overloaded));
    leave();
  };
  if (auto at = waiting.find(c.delivery_id); at != waiting.end()) {
    const auto* w = find(at->second.row.webhook_id);
    const bool off = w == nullptr || w->state != storage::webhook_state::active;
    if (off || (!at->second.under_way && at->second.written))
      return again(at->second.row, std::move(answer));
    answer.deliver(at->second.row); // it is being sent
    return leave();
  }
  const bool asked = look([id = c.delivery_id](storage::entity_reader& reader) { return std::any{reader.load_delivery(id)}; },
                          [this, answer](const looked_up& l) mutable {
                            if (!l.error.empty()) {
                              answer.deliver(caf::make_error(runtime::errc::unavailable, l.error));
                              return leave();
                            }
                            const auto& row = std::any_cast<const std::optional<storage::webhook_delivery_row>&>(l.rows);
                            if (!row || row->store_id != context.who.id) {
                              answer.deliver(refuse(errc::not_found, "there is no such delivery", "delivery_id"));
                              return leave();
                            }
                            again(*row, answer);
                          });
  if (!asked)
    overloaded();
}

void webhooks_state::again(storage::webhook_delivery_row row, runtime::owed_answer answer) {
  const auto* w = find(row.webhook_id);
  if (w == nullptr || w->state != storage::webhook_state::active) {
    answer.deliver(refuse(errc::illegal_transition, "the webhook is switched off", "webhook_id"));
    return leave();
  }
  webhook_rules::again(row, context.time->now());
  storage::write_set rows;
  rows.mutations.push_back(storage::put_webhook_delivery{row, false});
  write_one(std::move(rows), answer, [this, row, answer]() mutable {
    waiting[row.id] = {row, row.next_at, false, true};
    answer.deliver(row);
  });
}

void webhooks_state::write_one(storage::write_set rows, runtime::owed_answer answer, std::function<void()> landed) {
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, landed = std::move(landed), answer](const runtime::receipt& r) mutable {
        if (r.refused != storage::refusal::none) { // there is a row that this life has not read
          answer.deliver(caf::make_error(runtime::errc::restarted));
          return self->quit(caf::make_error(runtime::errc::restarted));
        }
        landed();
        leave();
        send_due();
      },
      [this, answer](caf::error& why) mutable {
        answer.deliver(why);
        if (why != runtime::errc::overloaded) // what holds is for the rows to say
          return self->quit(std::move(why));
        leave();
      });
}

bool webhooks_state::look(std::function<std::any(storage::entity_reader&)> find_rows, found_rows then) {
  const auto ticket = next_ticket++;
  if (!look_up(*services->readers, caf::actor_cast<caf::actor>(self), context.who.shard(), ticket, std::move(find_rows)))
    return false;
  questions.emplace(ticket, std::move(then));
  return true;
}

void webhooks_state::leave() {
  edits.leave();
  arm();
}

// The shard asks when the actor has said that it has nothing left to do, or when the shard itself goes. Then the next owner's
// supervisor resumes what waits; only what is half done is waited for.
void webhooks_state::stop() {
  const bool sending = std::any_of(waiting.begin(), waiting.end(), [](const auto& d) { return d.second.under_way; });
  const bool busy = edits.busy() || !events.empty() || !endings.empty() || sending;
  const bool wanted_to_go = std::exchange(retiring, false);
  if (!busy && !(wanted_to_go && anything_to_do()))
    return self->quit();
  if (!wanted_to_go)
    quiet_until = context.time->now() + std::chrono::seconds{5};
  caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  arm();
}

namespace {

webhooks_actor::behavior_type webhooks(webhooks_actor::stateful_pointer<webhooks_state> self, runtime::entity_context context,
                                       std::shared_ptr<const shop_services> services, storage::webhooks_snapshot rows) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.services = std::move(services);
  state.webhooks = std::move(rows.webhooks);
  state.idle_since = state.context.time->now();
  state.take(rows.waiting);
  state.send_due();
  return {
    [self](const create_webhook& c) -> caf::result<storage::webhook_row> {
      self->state.as_merchant(c.by, c.draft.store_id, true, runtime::owed_answer{self->make_response_promise()},
                              [self, c](runtime::owed_answer answer) { self->state.create(c, std::move(answer)); });
      return caf::delegated<storage::webhook_row>{};
    },
    [self](const change_webhook& c) -> caf::result<storage::webhook_row> {
      self->state.as_merchant(c.by, c.store_id, true, runtime::owed_answer{self->make_response_promise()},
                              [self, c](runtime::owed_answer answer) { self->state.change(c, std::move(answer)); });
      return caf::delegated<storage::webhook_row>{};
    },
    [self](const remove_webhook& c) -> caf::result<bool> {
      self->state.as_merchant(c.by, c.store_id, true, runtime::owed_answer{self->make_response_promise()},
                              [self, c](runtime::owed_answer answer) { self->state.remove(c, std::move(answer)); });
      return caf::delegated<bool>{};
    },
    [self](const get_webhooks& c) -> caf::result<std::vector<storage::webhook_row>> {
      self->state.as_merchant(c.by, c.store_id, false, runtime::owed_answer{self->make_response_promise()},
                              [self](runtime::owed_answer answer) { answer.deliver(self->state.webhooks); });
      return caf::delegated<std::vector<storage::webhook_row>>{};
    },
    [self](const redeliver_webhook& c) -> caf::result<storage::webhook_delivery_row> {
      self->state.as_merchant(c.by, c.store_id, true, runtime::owed_answer{self->make_response_promise()},
                              [self, c](runtime::owed_answer answer) { self->state.redeliver(c, std::move(answer)); });
      return caf::delegated<storage::webhook_delivery_row>{};
    },
    [self](webhook_event& e) { return self->state.hear(e); },
    [](const resume_deliveries&) {
      // nop: being there is all it takes
    },
    [](runtime::begin_atom) {
      // nop: likewise
    },
    [self](const delivery_answered& a) { self->state.answered(a); },
    [self](const looked_up& l) {
      auto question = self->state.questions.extract(l.ticket);
      if (!question.empty())
        question.mapped()(l);
    },
    [self](runtime::sweep_atom, std::uint64_t generation) {
      if (generation != self->state.timer)
        return;
      self->state.timer_runs = false;
      self->state.write_soon(); // what found the journal full
      self->state.send_due();
    },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind webhooks_kind(std::shared_ptr<const shop_services> services) {
  runtime::entity_kind k;
  k.name = "webhooks";
  k.stays = true; // it has timers; it leaves by itself when nothing waits
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_webhooks(who.id);
  };
  k.spawn = [services](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    auto snapshot = rows.has_value() ? std::any_cast<storage::webhooks_snapshot>(std::move(rows)) : storage::webhooks_snapshot{};
    return caf::actor_cast<caf::actor>(system.spawn(webhooks, std::move(context), services, std::move(snapshot)));
  };
  return k;
}

} // namespace souk::actors
