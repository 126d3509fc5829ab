#include "runtime/lane_actor.hpp"

#include "storage/error.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

namespace souk::runtime {

void lane_state::submit(journal_entry entry, caf::response_promise promise) {
  pending p{std::move(entry), std::move(promise), 0};
  auto held = rights.find(p.entry.writes->shard);
  if (held == rights.end())
    return refuse(p, errc::moved);
  p.tenure = held->second.tenure;
  if (queue.size() >= options.queue_max)
    return refuse(p, errc::overloaded);
  if (options.answer_before_commit)
    p.promise.deliver(receipt{});
  queue.push_back(std::move(p));
  next();
}

bool lane_state::valid(const pending& p) const {
  auto held = rights.find(p.entry.writes->shard);
  return held != rights.end() && held->second.tenure == p.tenure;
}

void lane_state::drop_invalid() {
  auto drop = [&](auto& from) {
    for (auto it = from.begin(); it != from.end();) {
      if (valid(*it)) {
        ++it;
      } else {
        refuse(*it, errc::moved);
        it = from.erase(it);
      }
    }
  };
  if (!working && !must_settle)
    drop(in_flight);
  for (auto& g : again)
    drop(g);
  std::erase_if(again, [](const group& g) { return g.empty(); });
  drop(queue);
}

void lane_state::own(const storage::fence& f, const caf::actor& shard) {
  shards[f.shard] = shard;
  rights[f.shard] = {f, ++tenures};
  outdated = true;
  drop_invalid();
}

// Whatever of the shard should still be queued is refused: nobody may write in the name of an owner that has let go.
caf::result<storage::fence> lane_state::leave(storage::shard_id shard) {
  auto held = rights.find(shard);
  if (held == rights.end())
    return caf::make_error(errc::moved);
  auto last = held->second.fence;
  rights.erase(held);
  outdated = true;
  drop_invalid();
  return last;
}

storage::batch lane_state::batch_of(const group& g) const {
  storage::batch b;
  std::set<storage::shard_id> named;
  for (const auto& p : g) {
    named.insert(p.entry.writes->shard);
    b.write_sets.push_back(p.entry.writes.get());
  }
  for (auto shard : named) // a set: shards are locked in id order, everywhere
    b.fences.push_back(sent.at(shard).fence);
  return b;
}

void lane_state::next() {
  if (working || waiting)
    return;
  if (outdated && !must_settle) {
    outdated = false;
    drop_invalid();
  }
  if (in_flight.empty()) {
    if (!again.empty()) {
      in_flight = std::move(again.front());
      again.pop_front();
    } else {
      while (!queue.empty() && in_flight.size() < options.batch_max) {
        in_flight.push_back(std::move(queue.front()));
        queue.pop_front();
      }
    }
  }
  if (in_flight.empty())
    return finished();
  work(must_settle);
}

// The batch points to write sets that the job keeps alive: a lane may be killed while its worker is at it.
void lane_state::work(bool settle) {
  working = true;
  if (!settle) { // a settlement asks about what was sent
    sent.clear();
    for (const auto& p : in_flight)
      sent.insert_or_assign(p.entry.writes->shard, rights.at(p.entry.writes->shard));
  }
  std::vector<std::shared_ptr<const storage::write_set>> alive;
  alive.reserve(in_flight.size());
  for (const auto& p : in_flight)
    alive.push_back(p.entry.writes);
  auto job = [store = store, b = batch_of(in_flight), alive = std::move(alive), settle,
              me = caf::actor_cast<caf::actor>(self)] {
    lane_result r;
    r.settled = settle;
    try {
      if (settle)
        r.settlement = std::make_shared<storage::settlement>(store->settle(b));
      else
        r.outcome = std::make_shared<storage::commit_outcome>(store->commit(b));
    } catch (const std::exception& e) { // the port answers with values; what it throws all the same says nothing
      if (settle) {
        r.settlement = std::make_shared<storage::settlement>();
      } else {
        r.outcome = std::make_shared<storage::commit_outcome>();
        r.outcome->what = storage::commit_outcome::kind::unknown;
        r.outcome->error = e.what();
      }
    }
    caf::anon_send(me, std::move(r));
  };
  if (!worker->post(std::move(job))) { // its queue holds one job and we post one at a time: the process is stopping
    working = false;
    for (auto& p : in_flight)
      refuse(p, errc::shutting_down);
    in_flight.clear();
  }
}

void lane_state::committed(const std::vector<storage::write_result>& results) {
  backoff = std::chrono::milliseconds{0};
  ++stats.batches;
  stats.write_sets += in_flight.size();
  tell_shards(in_flight, results);
  for (std::size_t i = 0; i < in_flight.size(); ++i) {
    const auto& r = results[i];
    auto shard = in_flight[i].entry.writes->shard;
    if (!options.answer_before_commit)
      in_flight[i].promise.deliver(receipt{r.refused, r.detail, r.drawn_number, sent.at(shard).fence.seq});
  }
  in_flight.clear();
}

// The shards hear of it before the writers do, so that a writer's next command finds its pins gone.
void lane_state::tell_shards(const group& g, const std::vector<storage::write_result>& results) {
  std::map<storage::shard_id, settled_batch> per_shard;
  std::map<storage::shard_id, std::int32_t> n;
  for (std::size_t i = 0; i < g.size(); ++i) {
    const auto& entry = g[i].entry;
    auto shard = entry.writes->shard;
    auto& out = per_shard[shard];
    out.shard = shard;
    out.touches.insert(out.touches.end(), entry.touches.begin(), entry.touches.end());
    if (results.empty()) {
      out.failed.insert(out.failed.end(), entry.touches.begin(), entry.touches.end());
      continue;
    }
    if (results[i].refused != storage::refusal::none)
      continue;
    for (const auto& m : entry.writes->mutations)
      if (const auto* e = std::get_if<storage::emit_event>(&m))
        out.events.push_back({shard, sent.at(shard).fence.seq, n[shard]++, *e});
  }
  for (auto& [shard, settled] : per_shard)
    if (auto at = shards.find(shard); at != shards.end())
      caf::anon_send(at->second, std::move(settled));
}

void lane_state::refuse(pending& p, caf::error why) {
  if (auto at = shards.find(p.entry.writes->shard); at != shards.end()) {
    settled_batch out;
    out.shard = p.entry.writes->shard;
    out.touches = out.failed = p.entry.touches;
    caf::anon_send(at->second, std::move(out));
  }
  p.promise.deliver(std::move(why));
}

// The bad one stands alone. What its writer queued behind it was computed from memory that is now known to be wrong.
void lane_state::fail_alone(pending& p, const std::string& why) {
  spdlog::error("a write set was refused by the database: {}", why);
  auto writer = p.entry.touches.front();
  refuse(p, caf::make_error(errc::write_failed, why));
  auto behind = [&](pending& q) {
    return q.entry.touches.front().who == writer.who && q.entry.touches.front().activation == writer.activation;
  };
  auto drop = [&](auto& from) {
    for (auto it = from.begin(); it != from.end();) {
      if (behind(*it)) {
        refuse(*it, caf::make_error(errc::restarted));
        it = from.erase(it);
      } else {
        ++it;
      }
    }
  };
  for (auto& g : again) // the other parts of a halved batch all came after it
    drop(g);
  std::erase_if(again, [](const group& g) { return g.empty(); });
  drop(queue);
}

void lane_state::answered(const storage::commit_outcome& outcome) {
  using kind = storage::commit_outcome::kind;
  working = false;
  switch (outcome.what) {
    case kind::committed: {
      for (auto& [shard, with] : sent) {
        ++with.fence.seq;
        if (auto held = rights.find(shard); held != rights.end() && held->second.tenure == with.tenure)
          held->second.fence = with.fence;
      }
      committed(outcome.results);
      return next();
    }
    case kind::fenced:
      lose(outcome.lost);
      return next();
    case kind::failed:
      if (in_flight.size() == 1) {
        fail_alone(in_flight.front(), outcome.error);
        in_flight.clear();
      } else {
        ++stats.halvings;
        auto middle = in_flight.begin() + static_cast<std::ptrdiff_t>(in_flight.size() / 2);
        group second(std::make_move_iterator(middle), std::make_move_iterator(in_flight.end()));
        in_flight.erase(middle, in_flight.end());
        again.push_front(std::move(second));
      }
      return next();
    case kind::unavailable:
      spdlog::warn("the journal cannot reach its database: {}", outcome.error);
      return try_later();
    case kind::unknown:
      spdlog::warn("the answer of a commit was lost: {}", outcome.error);
      ++stats.settlements;
      must_settle = true;
      return next();
  }
}

void lane_state::settled(const storage::settlement& found) {
  working = false;
  if (!found.reachable)
    return try_later();
  must_settle = false;
  for (const auto& f : found.fences) {
    auto& with = sent.at(f.shard);
    with.fence = f;
    if (auto held = rights.find(f.shard); held != rights.end() && held->second.tenure == with.tenure)
      held->second.fence = f;
  }
  if (found.landed) {
    // It landed, so its answers are due, whoever owns the shards now.
    for (auto shard : found.lost)
      ++sent.at(shard).fence.seq;
    committed(found.results);
  } else if (found.fences.empty()) {
    // All of it is somebody else's now, who may have taken it before or after it landed: nobody here can tell.
    for (auto& p : std::exchange(in_flight, {}))
      refuse(p, caf::make_error(errc::in_doubt));
  }
  lose(found.lost);
  next();
}

void lane_state::lose(const std::vector<storage::shard_id>& lost) {
  for (auto shard : lost) {
    auto held = rights.find(shard);
    // Taken again meanwhile: then only what was sent in the tenure before is lost.
    if (held == rights.end() || held->second.tenure != sent.at(shard).tenure)
      continue;
    if (auto at = shards.find(shard); at != shards.end())
      caf::anon_send(at->second, lost_atom_v, sent.at(shard).fence);
    rights.erase(held);
  }
  drop_invalid();
}

void lane_state::try_later() {
  backoff = std::clamp(backoff * 2, options.retry_min, options.retry_max);
  waiting = true;
  self->delayed_send(self, backoff, retry_atom_v);
}

void lane_state::finished() {
  for (auto& p : drains)
    p.deliver(caf::unit);
  drains.clear();
}

caf::behavior journal_lane(caf::stateful_actor<lane_state>* self, lane_options options,
                           std::shared_ptr<storage::journal_store> store, std::shared_ptr<executor> worker) {
  auto& state = self->state;
  state.self = self;
  state.options = options;
  state.store = std::move(store);
  state.worker = std::move(worker);
  return {
    [self](own_atom, const storage::fence& f, const caf::actor& shard) { self->state.own(f, shard); },
    [self](write_atom, journal_entry& entry) {
      auto promise = self->make_response_promise();
      self->state.submit(std::move(entry), promise);
      return promise;
    },
    [self](const lane_result& r) {
      if (r.settled)
        self->state.settled(*r.settlement);
      else
        self->state.answered(*r.outcome);
    },
    [self](leave_atom, storage::shard_id shard) { return self->state.leave(shard); },
    [self](retry_atom) {
      self->state.waiting = false;
      self->state.next();
    },
    [self](drain_atom) {
      auto promise = self->make_response_promise();
      self->state.drains.push_back(promise);
      self->state.next();
      return promise;
    },
    [self](stats_atom) {
      auto s = self->state.stats;
      s.queued = self->state.queue.size() + self->state.in_flight.size();
      return s;
    },
  };
}

} // namespace souk::runtime
