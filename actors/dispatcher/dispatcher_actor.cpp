#include "actors/dispatcher/dispatcher_actor.hpp"

#include "actors/kinds.hpp"

#include <algorithm>
#include <atomic>

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::actors {

using runtime::delivery;

namespace {

/// From the beginning of one batch to that of the next: under load a round trip per event costs too much.
constexpr std::chrono::milliseconds pace{20};
constexpr std::size_t batch_max = 256;
constexpr std::size_t backlog_max = 20'000;
constexpr int read_max = 2'000;
constexpr int failures_before_parking = 8;
constexpr std::chrono::milliseconds flush_every{1000};

std::atomic<std::uint64_t> parked_events{0};

cursor_book::position position_of(const storage::outbox_event& e) {
  return {e.seq, e.n};
}

void flush(cursor_book& cursors, const runtime::clock& time) {
  try {
    cursors.flush(time.now(), flush_every);
  } catch (const std::exception& e) {
    spdlog::warn("the cursors of the events were not written: {}", e.what());
  }
}

struct outbox_found {
  std::vector<cursor_book::position> positions; ///< one per consumer
  std::vector<storage::outbox_event> events;
  bool more = false;
};

} // namespace

void dispatcher_state::read_outbox() {
  if (reading)
    return;
  reading = true;
  ready = false;
  std::vector<std::string> names;
  for (const auto& c : consumers)
    names.push_back(c.name);
  auto job = [me = caf::actor_cast<caf::actor>(self), names, shard = context.who.shard(), cursors = cursors,
              outbox = services->outbox] {
    runtime::loaded_entity out;
    try {
      outbox_found found;
      found.positions = cursors->read(names, shard);
      auto from = *std::min_element(found.positions.begin(), found.positions.end());
      found.events = outbox->read(shard, from.seq, from.n, read_max);
      found.more = found.events.size() == static_cast<std::size_t>(read_max);
      out.rows = std::move(found);
    } catch (const std::exception& e) {
      out.error = e.what();
    }
    caf::anon_send(me, std::move(out));
  };
  if (!services->event_workers->post(std::move(job))) {
    reading = false;
    self->delayed_send(self, std::chrono::seconds{1}, runtime::own_atom_v);
  }
}

void dispatcher_state::take_over(const runtime::loaded_entity& found) {
  reading = false;
  if (!found.rows.has_value()) {
    spdlog::warn("shard {}: the outbox was not read: {}", context.who.shard(), found.error);
    self->delayed_send(self, std::chrono::seconds{1}, runtime::own_atom_v);
    return;
  }
  const auto& rows = std::any_cast<const outbox_found&>(found.rows);
  ready = true;
  base += backlog.size();
  backlog.assign(rows.events.begin(), rows.events.end());
  for (std::size_t i = 0; i < consumers.size(); ++i) {
    auto first = std::find_if(backlog.begin(), backlog.end(),
                              [&](const auto& e) { return position_of(e) > rows.positions[i]; });
    consumers[i].done = base + static_cast<std::uint64_t>(first - backlog.begin());
  }
  overflowed = rows.more;
  auto waiting = std::move(early);
  early.clear();
  add(waiting);
  deliver();
}

void dispatcher_state::add(const std::vector<storage::outbox_event>& events) {
  if (!ready) {
    if (early.size() < backlog_max)
      early.insert(early.end(), events.begin(), events.end());
    else
      overflowed = true;
    return;
  }
  for (const auto& e : events) {
    if (overflowed || backlog.size() >= backlog_max) {
      overflowed = true; // it is in the outbox, and is read from there when the backlog is done
      return;
    }
    if (backlog.empty() || position_of(e) > position_of(backlog.back()))
      backlog.push_back(e);
  }
  deliver();
}

// A timer cannot be taken back: one that an earlier one has made superfluous fires in vain, and soon, so that few are on their way.
void dispatcher_state::arm(storage::timestamp due) {
  if (timer_runs && timer_due <= due)
    return;
  const auto now = context.time->now();
  timer_runs = true;
  timer_due = std::min(due, now + std::chrono::seconds{1});
  auto wait = std::max<std::chrono::microseconds>(timer_due - now, std::chrono::milliseconds{1});
  self->delayed_send(self, wait, runtime::sweep_atom_v, ++timer);
}

void dispatcher_state::deliver() {
  if (!ready)
    return;
  trim();
  auto now = context.time->now();
  auto end = base + backlog.size();
  auto next = storage::timestamp::max();
  for (std::size_t i = 0; i < consumers.size(); ++i) {
    auto& c = consumers[i];
    if (c.asked > 0 || c.done >= end)
      continue;
    if (c.not_before > now)
      next = std::min(next, c.not_before);
    else
      deliver_to(i);
  }
  if (next != storage::timestamp::max())
    arm(next);
  if (overflowed && backlog.empty())
    read_outbox();
}

// The last ones of a burst are written as well.
void dispatcher_state::write_cursors_later() {
  if (std::exchange(cursors_timer_runs, true))
    return;
  self->delayed_send(self, flush_every, runtime::keep_atom_v);
}

void dispatcher_state::write_cursors() {
  cursors_timer_runs = false;
  if (!cursors->dirty())
    return;
  services->event_workers->post([cursors = cursors, time = context.time] { flush(*cursors, *time); });
  write_cursors_later();
}

std::shared_ptr<const std::vector<storage::outbox_event>> dispatcher_state::batch_from(std::uint64_t first) {
  const auto begin = backlog.begin() + static_cast<std::ptrdiff_t>(first - base);
  const auto count = std::min<std::size_t>(batch_max, static_cast<std::size_t>(backlog.end() - begin));
  if (auto there = made.lock(); there && made_from == first && there->size() == count)
    return there;
  auto fresh = std::make_shared<const std::vector<storage::outbox_event>>(begin, begin + static_cast<std::ptrdiff_t>(count));
  made = fresh;
  made_from = first;
  return fresh;
}

void dispatcher_state::deliver_to(std::size_t which) {
  auto& c = consumers[which];
  if (keeps_failing(c))
    return park(which, backlog[static_cast<std::size_t>(c.done - base)]);
  auto batch = batch_from(c.done);
  const auto count = batch->size();
  c.asked = count;
  if (count < batch_max) // else there is enough to do at once
    c.not_before = context.time->now() + pace;
  if (!c.target)
    return index_orders(which, std::move(batch));
  auto job = [me = caf::actor_cast<caf::actor>(self), which, target = c.target, name = c.name, cursors = cursors,
              batch = std::move(batch), time = context.time, services = services] {
    const auto& events = *batch;
    std::size_t n = 0;
    try {
      n = std::min(target->deliver(events), events.size());
      if (n > 0)
        cursors->advance(name, events[n - 1].shard, position_of(events[n - 1]));
    } catch (const std::exception& e) {
      spdlog::warn("events for {} were not delivered: {}", name, e.what());
    }
    if (services->events_done)
      services->events_done(name, n, time->now() - events.front().event.at);
    caf::anon_send(me, runtime::retry_atom_v, std::uint64_t{which}, std::uint64_t{n});
  };
  if (!services->workers_of_consumer(c.name)->post(std::move(job)))
    done(which, 0);
}

bool dispatcher_state::keeps_failing(const consumer& c) const {
  return c.failures >= failures_before_parking && c.target && c.target->parks_what_fails(context.who.shard());
}

// Only what is written down for the operator is passed over.
void dispatcher_state::park(std::size_t which, const storage::outbox_event& poison) {
  auto& c = consumers[which];
  c.asked = 1;
  auto job = [me = caf::actor_cast<caf::actor>(self), which, poison, name = c.name, cursors = cursors,
              outbox = services->outbox] {
    std::size_t n = 0;
    try {
      outbox->park(name, poison, "delivery failed " + std::to_string(failures_before_parking) + " times");
      cursors->advance(name, poison.shard, position_of(poison));
      n = 1;
      ++parked_events;
      spdlog::error("an event ({}, {}, {}) keeps failing for {}: parked", poison.shard, poison.seq, poison.n, name);
    } catch (const std::exception& e) {
      spdlog::error("an event of {} that keeps failing was not parked: {}", name, e.what());
    }
    caf::anon_send(me, runtime::retry_atom_v, std::uint64_t{which}, std::uint64_t{n});
  };
  if (!services->event_workers->post(std::move(job)))
    done(which, 0);
}

// The users' index of their orders: a user's orders lie in the shards of the stores he bought from, so his own shard keeps the list.
void dispatcher_state::index_orders(std::size_t which, std::shared_ptr<const std::vector<storage::outbox_event>> shared) {
  struct progress {
    std::size_t waiting = 1; ///< one for the loop below
    std::size_t first_failed;
    cursor_book::position last;
  };
  auto p = std::make_shared<progress>();
  p->first_failed = shared->size();
  auto finish = [this, which, p, shard = context.who.shard()](const std::vector<storage::outbox_event>& all) {
    if (--p->waiting > 0)
      return;
    if (p->first_failed > 0)
      cursors->advance(consumers[which].name, shard, position_of(all[p->first_failed - 1]));
    if (services->events_done)
      services->events_done(consumers[which].name, p->first_failed, context.time->now() - all.front().event.at);
    done(which, p->first_failed);
  };
  for (std::size_t i = 0; i < shared->size(); ++i) {
    const auto& e = (*shared)[i].event;
    if (e.topic != "order.created")
      continue;
    auto field = std::find_if(e.fields.begin(), e.fields.end(), [](const auto& f) { return f.first == "user_id"; });
    auto user = field == e.fields.end() ? std::nullopt : storage::ulid::parse(field->second);
    if (!user)
      continue;
    ++p->waiting;
    runtime::ask(self, *context.routes, user_at(*user), delivery::activate, note_order{e.subject, e.store_id, e.at})
      .then([finish, shared](bool) { finish(*shared); },
            [finish, shared, p, i](const caf::error& why) {
              // A user who is gone (a purged guest) needs no index; anything else is tried again.
              if (!(why == errc::not_found))
                p->first_failed = std::min(p->first_failed, i);
              finish(*shared);
            });
  }
  finish(*shared);
}

void dispatcher_state::done(std::size_t which, std::size_t count) {
  auto& c = consumers[which];
  auto asked = std::exchange(c.asked, 0);
  c.done += count;
  if (count == asked) {
    c.failures = 0;
  } else if (count > 0) {
    c.failures = 1;
    c.not_before = context.time->now() + std::chrono::milliseconds{200};
  } else {
    ++c.failures;
    auto wait = std::chrono::milliseconds{200} * (1 << std::min(c.failures - 1, 8));
    c.not_before = context.time->now() + std::min<std::chrono::milliseconds>(wait, std::chrono::seconds{60});
  }
  if (count > 0)
    write_cursors_later();
  deliver();
}

void dispatcher_state::trim() {
  auto slowest = base + backlog.size();
  for (const auto& c : consumers)
    slowest = std::min(slowest, c.done);
  for (; base < slowest; ++base)
    backlog.pop_front();
}

namespace {

dispatcher_actor::behavior_type dispatcher(dispatcher_actor::stateful_pointer<dispatcher_state> self,
                                           runtime::entity_context context, std::shared_ptr<const shop_services> services,
                                           std::shared_ptr<cursor_book> cursors) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.services = std::move(services);
  state.cursors = std::move(cursors);
  state.consumers.push_back({user_index_consumer, nullptr, 0, 0, 0, {}});
  for (const auto& c : state.services->consumers)
    state.consumers.push_back({c->name(), c, 0, 0, 0, {}});
  state.read_outbox();
  return {
    [](runtime::begin_atom) {
      // nop: being there is all it takes
    },
    [self](runtime::events_atom, const std::vector<storage::outbox_event>& events) { self->state.add(events); },
    [self](const runtime::loaded_entity& found) { self->state.take_over(found); },
    [self](runtime::retry_atom, std::uint64_t which, std::uint64_t count) {
      self->state.done(static_cast<std::size_t>(which), static_cast<std::size_t>(count));
    },
    [self](runtime::sweep_atom, std::uint64_t generation) {
      if (generation != self->state.timer)
        return;
      self->state.timer_runs = false;
      self->state.deliver();
    },
    [self](runtime::keep_atom) { self->state.write_cursors(); },
    [self](runtime::own_atom) { self->state.read_outbox(); },
    [self](runtime::stop_atom) { self->quit(); }, // what is not delivered is in the outbox
  };
}

} // namespace

std::uint64_t events_parked() noexcept {
  return parked_events;
}

runtime::entity_kind dispatcher_kind(std::shared_ptr<const shop_services> services) {
  auto cursors = std::make_shared<cursor_book>(services->outbox);
  runtime::entity_kind k;
  k.name = "event_dispatcher";
  k.stays = true;
  k.load = [](storage::entity_reader&, const runtime::entity_address&) -> std::any {
    return {}; // it reads the outbox itself, on the event workers
  };
  k.spawn = [services, cursors](caf::actor_system& system, runtime::entity_context context, std::any) {
    return caf::actor_cast<caf::actor>(system.spawn(dispatcher, std::move(context), services, cursors));
  };
  return k;
}

} // namespace souk::actors
