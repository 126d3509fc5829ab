#include "runtime/peers_actor.hpp"

#include "runtime/error.hpp"
#include "runtime/type_ids.hpp"

#include <algorithm>

#include <caf/actor_companion.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

namespace souk::runtime {

namespace {

constexpr std::size_t remembered_calls = 8192;
constexpr std::size_t remembered_nodes = 256;

template <class T>
std::string framed(frame_kind kind, const T& x) {
  std::string out(1, static_cast<char>(kind));
  out += to_bytes(x);
  return out;
}

} // namespace

peers_state::~peers_state() {
  for (auto& [id, c] : calls)
    c.promise.deliver(caf::make_error(c.sent ? errc::in_doubt : errc::moved));
  caf::anon_send_exit(ear, caf::exit_reason::kill);
}

// -- our calls to others ------------------------------------------------------------------------------------------------------

void peers_state::forward(const entity_address& whom, delivery how, caf::message& command, std::int32_t attempt, question asked) {
  const bool awaited = self->current_sender() != nullptr;
  call c;
  c.promise = self->make_response_promise();
  c.whom = whom;
  c.how = how;
  c.attempt = attempt;
  if (asked.asker.is_nil())
    asked = {services.self, ++next_question, 0};
  if (asked.asker == services.self)
    asked.attempt = attempt;
  c.asked = asked;
  if (attempt >= services.options.attempts_max) {
    ++stats.given_up;
    return c.promise.deliver(caf::make_error(errc::moved));
  }
  if (calls.size() >= services.options.calls_max)
    return c.promise.deliver(caf::make_error(errc::overloaded));
  call_frame f;
  f.whom = whom;
  f.how = how;
  f.asked = asked;
  if (!services.book->write(command, f.command)) {
    // Messages that are made for one process only end with it: the next owner knows from its rows what they would say.
    if (awaited)
      spdlog::error("a message for an entity of kind {} cannot travel to another node: {}", whom.kind, caf::to_string(command));
    return c.promise.deliver(caf::make_error(errc::moved));
  }
  if (f.command.size() > services.options.frame_max)
    return c.promise.deliver(caf::make_error(errc::too_large));
  if (bytes + f.command.size() > services.options.bytes_max)
    return c.promise.deliver(caf::make_error(errc::overloaded));
  c.repeatable = services.book->repeatable(command);
  c.command = std::move(command);
  c.since = services.time->now();
  const auto owner = services.map->at(whom.shard()).owner;
  if (owner == services.self)
    return back_to_shard(std::move(c), false); // it has become ours on the way
  auto at = peers.find(owner);
  if (at == peers.end()) { // a node that we have not heard of yet, or that is gone
    services.map->forget_owner(whom.shard(), owner);
    return back_to_shard(std::move(c), false);
  }
  const auto id = ++next_call;
  f.id = awaited ? id : 0;
  c.peer = owner;
  c.frame = framed(frame_kind::call, f);
  c.bytes = c.frame.size();
  ++stats.calls;
  if (!awaited) {
    services.wire->send(owner, std::move(c.frame)); // nobody hears whether it arrived
    return;
  }
  bytes += c.bytes;
  at->second.calls.insert(id);
  auto& kept = calls.emplace(id, std::move(c)).first->second;
  sweep_later();
  dispatch(id, kept);
}

// To its owner, or through somebody who can reach it. Without either it waits for a link, the owner's end or its own.
void peers_state::dispatch(std::uint64_t id, call& c) {
  auto& owner = peers.at(c.peer);
  if (owner.linked) {
    c.sent = services.wire->send(c.peer, std::move(c.frame));
    if (!c.sent)
      unlinked(storage::ulid{c.peer}, "the link is gone", false);
    return;
  }
  if (services.time->now() - owner.apart_since < services.options.cut_off_after / 2)
    return;
  if (c.attempt + 1 >= services.options.attempts_max)
    return; // it has been passed on already: two nodes that cannot reach the owner would send it to each other for ever
  for (auto& [other, p] : peers)
    if (other != c.peer && p.linked) {
      call_frame f{id, c.whom, c.how, 2, {}, c.asked};
      services.book->write(c.command, f.command);
      owner.calls.erase(id);
      p.calls.insert(id);
      c.peer = other;
      c.sent = services.wire->send(other, framed(frame_kind::call, f));
      return;
    }
}

void peers_state::back_to_shard(call c, bool counts) {
  if (counts && c.asked.asker == services.self)
    c.asked.attempt = static_cast<std::int32_t>(c.attempt + 1); // the shard may be ours by now, and the earlier one still come
  if (is_outdated(c.asked)) // it waited here for another node, and its asker has sent it on another road meanwhile
    return c.promise.deliver(caf::make_error(errc::in_doubt));
  if (counts)
    ++stats.repeated;
  c.promise.delegate(services.routes->shard(c.whom.shard()), forward_atom_v, c.whom, c.how, std::move(c.command),
                     static_cast<std::int32_t>(c.attempt + (counts ? 1 : 0)), c.asked);
}

// It may have been done: what it created may be there.
void peers_state::repeat(call c) {
  if (c.how == delivery::create)
    c.how = delivery::activate;
  back_to_shard(std::move(c), true);
}

peers_state::call peers_state::take(std::uint64_t id) {
  auto at = calls.find(id);
  auto c = std::move(at->second);
  calls.erase(at);
  bytes -= c.bytes;
  if (auto p = peers.find(c.peer); p != peers.end())
    p->second.calls.erase(id);
  return c;
}

void peers_state::take_answer(const storage::ulid& from, const answer_frame& f) {
  auto at = calls.find(f.id);
  if (at == calls.end() || at->second.peer != from)
    return; // too late, or answered already
  switch (f.what) {
    case outcome::value:
      if (auto value = services.book->read(f.body)) {
        take(f.id).promise.deliver(std::move(*value));
      } else {
        spdlog::error("another node's answer cannot be read: it is of a later release, or garbled");
        take(f.id).promise.deliver(caf::make_error(errc::unavailable));
      }
      return;
    case outcome::error: {
      auto why = services.book->read_error(f.body);
      if (why && *why == errc::in_doubt && may_repeat(at->second))
        return repeat(take(f.id));
      take(f.id).promise.deliver(why ? std::move(*why) : caf::make_error(errc::unavailable));
      return;
    }
    case outcome::moved: {
      const auto shard = at->second.whom.shard();
      const auto known = services.map->at(shard);
      if (known.owner == from && known.epoch > f.epoch) {
        // We know that it is the owner before it does. It hears of it in a moment, or finds it in the rows: the call has that long.
        auto& c = at->second;
        c.sent = false;
        call_frame again{f.id, c.whom, c.how, 1, {}, c.asked};
        services.book->write(c.command, again.command);
        again.id = ++next_call; // the old one would be taken for a frame that came twice
        c.frame = framed(frame_kind::call, again);
        auto node = calls.extract(f.id);
        auto& p = peers.at(from);
        p.calls.erase(f.id);
        p.calls.insert(again.id);
        node.key() = again.id;
        calls.insert(std::move(node));
        ++stats.repeated;
        return;
      }
      auto c = take(f.id);
      // What the other node believes counts only when it is newer; that the shard is not there is certain.
      if (!f.owner.is_nil() && f.owner != from && services.map->learn(shard, {f.owner, f.epoch}))
        look(shard);
      if (services.map->at(shard).owner == from)
        services.map->forget_owner(shard, from);
      return back_to_shard(std::move(c), true);
    }
  }
}

// Whoever changes the map says so: what waits for the shard's owner looks only then.
void peers_state::look(storage::shard_id shard) const {
  caf::anon_send(services.routes->shard(shard), look_atom_v);
}

// -- others' calls to us ------------------------------------------------------------------------------------------------------

void peers_state::serve(const storage::ulid& from, call_frame f) {
  auto refuse = [&](errc why) {
    if (f.id == 0)
      return;
    answer_frame no{f.id, outcome::error, {}, {}, 0};
    services.book->write_error(caf::make_error(why), no.body);
    answer(from, no);
  };
  if (f.id != 0) {
    auto& before = heard[from];
    if (!before.ids.insert(f.id).second)
      return; // came twice
    before.latest.push_back(f.id);
    if (before.latest.size() > remembered_calls) {
      before.ids.erase(before.latest.front());
      before.latest.pop_front();
    }
  }
  if (is_outdated(f.asked))
    return refuse(errc::in_doubt);
  if (serving.size() >= services.options.calls_max)
    return refuse(errc::overloaded);
  auto command = services.book->read(f.command);
  if (!command) {
    spdlog::error("another node's command cannot be read: it is of a later release, or garbled");
    return refuse(errc::unavailable);
  }
  ++stats.served;
  if (f.hops > 1 && f.how == delivery::create) // by the time it is passed on, its sender may have reached the owner in another way
    f.how = delivery::activate;
  const auto& shard = services.routes->shard_of(f.whom);
  auto content = f.hops > 1 ? caf::make_message(forward_atom_v, f.whom, f.how, std::move(*command),
                                                static_cast<std::int32_t>(services.options.attempts_max - 1), f.asked)
                            : caf::make_message(here_atom_v, f.whom, f.how, std::move(*command));
  if (f.id == 0) {
    shard->enqueue(nullptr, caf::make_message_id(), std::move(content), self->context());
    return;
  }
  // The answer comes to the ear under this number, whatever type it has: a request of an actor needs to know the type before.
  const auto number = ++next_served;
  serving.emplace(number, served_call{from, f.id, f.whom.shard(), services.time->now()});
  sweep_later();
  shard->enqueue(caf::actor_cast<caf::strong_actor_ptr>(ear), caf::make_message_id(number), std::move(content),
                 self->context());
}

/// A later attempt of it was here already.
bool peers_state::is_outdated(const question& asked) {
  if (asked.asker.is_nil())
    return false;
  auto& of = questions[asked.asker];
  auto [at, fresh] = of.attempts.try_emplace(asked.number, asked.attempt);
  if (!fresh)
    return asked.attempt < std::exchange(at->second, std::max(at->second, asked.attempt));
  of.latest.push_back(asked.number);
  if (of.latest.size() > remembered_calls) {
    of.attempts.erase(of.latest.front());
    of.latest.pop_front();
  }
  return false;
}

void peers_state::answered(std::uint64_t served, caf::message& what) {
  auto at = serving.find(served);
  if (at == serving.end())
    return;
  const auto to = at->second;
  serving.erase(at);
  answer_frame f;
  f.id = to.id;
  if (what.match_elements<caf::error>()) {
    const auto& why = what.get_as<caf::error>(0);
    if (why == errc::moved) {
      const auto now = services.map->at(to.shard);
      f.what = outcome::moved;
      f.owner = now.owner;
      f.epoch = now.epoch;
    } else {
      f.what = outcome::error;
      services.book->write_error(why, f.body);
    }
  } else if (!services.book->write(what, f.body)) {
    spdlog::error("an answer cannot travel to another node: {}", caf::to_string(what));
    f.what = outcome::error;
    services.book->write_error(caf::make_error(errc::unavailable), f.body);
  } else if (f.body.size() > services.options.frame_max) {
    spdlog::error("an answer of {} bytes is too large for another node", f.body.size());
    f.what = outcome::error;
    f.body.clear();
    services.book->write_error(caf::make_error(errc::too_large), f.body);
  }
  answer(to.peer, f);
}

void peers_state::answer(const storage::ulid& to, const answer_frame& f) {
  services.wire->send(to, framed(frame_kind::answer, f)); // without a link the caller has given up on us
}

void peers_state::frame(const storage::ulid& from, const std::string& bytes_in) {
  if (bytes_in.empty())
    return;
  const std::string_view body{bytes_in.data() + 1, bytes_in.size() - 1};
  bool readable = true;
  switch (static_cast<frame_kind>(bytes_in[0])) {
    case frame_kind::call:
      if (call_frame f; (readable = from_bytes(body, f)))
        serve(from, std::move(f));
      break;
    case frame_kind::answer:
      if (answer_frame f; (readable = from_bytes(body, f)))
        take_answer(from, f);
      break;
    case frame_kind::grant:
      if (grant_frame f; (readable = from_bytes(body, f)))
        services.granted(f.fences);
      break;
    case frame_kind::notice:
      if (notice_frame f; (readable = from_bytes(body, f)) && services.notice)
        services.notice(f.topic, f.body);
      break;
    default:
      spdlog::debug("a frame of unknown kind {} was ignored: it is of a later release", static_cast<int>(bytes_in[0]));
  }
  if (!readable)
    spdlog::warn("a frame of {} bytes from another node is garbled", bytes_in.size());
}

void peers_state::grant(const storage::ulid& next, const std::vector<storage::fence>& fences) {
  auto at = peers.find(next);
  if (at == peers.end())
    return; // it finds out by its rows
  auto& waiting = at->second.grants; // one that has just come may not be linked yet
  waiting.insert(waiting.end(), fences.begin(), fences.end());
  if (at->second.linked && services.wire->send(next, framed(frame_kind::grant, grant_frame{waiting})))
    waiting.clear();
}

void peers_state::notice(const std::string& topic, const std::string& body) {
  const auto bytes_out = framed(frame_kind::notice, notice_frame{topic, body});
  for (auto& [id, p] : peers)
    if (p.linked)
      services.wire->send(id, bytes_out);
}

// -- links --------------------------------------------------------------------------------------------------------------------

void peers_state::seen(const seen_nodes& now) {
  std::set<storage::ulid> there;
  for (const auto& row : now.alive) {
    if (row.incarnation == services.self || row.address.empty())
      continue;
    there.insert(row.incarnation);
    auto [at, fresh] = peers.try_emplace(row.incarnation);
    at->second.row = row;
    if (fresh) {
      at->second.apart_since = services.time->now();
      dial(at->second);
    }
  }
  for (auto at = peers.begin(); at != peers.end();) {
    if (there.contains(at->first)) {
      ++at;
      continue;
    }
    services.wire->hang_up(at->first);
    auto gone = std::move(at->second);
    const auto id = at->first;
    at = peers.erase(at);
    for (int shard = 0; shard < storage::shard_count; ++shard)
      services.map->forget_owner(static_cast<storage::shard_id>(shard), id);
    drop_calls(gone);
    heard.erase(id);
    questions.erase(id);
    std::erase_if(serving, [&](const auto& s) { return s.second.peer == id; });
  }
  if (heard.size() + questions.size() > remembered_nodes) { // callers that came and went between two looks
    std::erase_if(heard, [&](const auto& h) { return !peers.contains(h.first); });
    std::erase_if(questions, [&](const auto& q) { return q.first != services.self && !peers.contains(q.first); });
  }
  report();
  sweep_later();
}

void peers_state::dial(peer& p) {
  p.dialing = true;
  services.wire->dial(p.row);
}

void peers_state::linked(const storage::ulid& who) {
  auto at = peers.find(who);
  if (at == peers.end())
    return;
  auto& p = at->second;
  p.linked = true;
  p.dialing = false;
  p.refused = false;
  p.backoff = std::chrono::milliseconds{0};
  p.why.clear();
  if (!p.grants.empty() && services.wire->send(who, framed(frame_kind::grant, grant_frame{p.grants})))
    p.grants.clear(); // before the calls that were parked for them
  const std::vector<std::uint64_t> waiting{p.calls.begin(), p.calls.end()};
  for (auto id : waiting)
    if (auto c = calls.find(id); c != calls.end() && !c->second.sent)
      dispatch(id, c->second);
  report();
}

// Of what was sent nobody knows whether it was done.
void peers_state::drop_calls(peer& p) {
  auto all = std::exchange(p.calls, {});
  std::vector<std::uint64_t> in_order{all.begin(), all.end()};
  std::sort(in_order.begin(), in_order.end());
  for (auto id : in_order) {
    if (!calls.contains(id))
      continue;
    auto c = take(id);
    if (c.sent && !may_repeat(c)) {
      ++stats.given_up;
      c.promise.deliver(caf::make_error(errc::in_doubt));
    } else if (c.sent) {
      repeat(std::move(c));
    } else {
      back_to_shard(std::move(c), false);
    }
  }
}

void peers_state::unlinked(const storage::ulid& who, const std::string& why, bool refused) {
  auto at = peers.find(who);
  if (at == peers.end())
    return;
  auto& p = at->second;
  const auto now = services.time->now();
  const bool broke = std::exchange(p.linked, false);
  p.dialing = false;
  p.refused = refused;
  p.why = why;
  if (broke) {
    spdlog::warn("the link to node {} broke: {}", p.row.name, why);
    p.apart_since = now;
    p.backoff = std::chrono::milliseconds{0};
    services.wire->hang_up(who);
    std::erase_if(serving, [&](const auto& s) { return s.second.peer == who; });
  }
  if (refused) {
    // It is dead, or about to be: its shards have no owner until the database names one.
    for (int shard = 0; shard < storage::shard_count; ++shard)
      services.map->forget_owner(static_cast<storage::shard_id>(shard), who);
  }
  if (broke || refused)
    drop_calls(p);
  if (broke) { // at once: a refusal tells that it is dead
    dial(p);
  } else {
    p.backoff = std::clamp(p.backoff * 2, services.options.redial_min, services.options.redial_max);
    p.dial_at = now + p.backoff;
  }
  report();
  if (refused) // after it was reported: it is believed together with what others report
    services.suspect(who);
  sweep_later();
}

void peers_state::report() {
  const auto now = services.time->now();
  std::set<storage::ulid> apart;
  for (const auto& [id, p] : peers)
    if (!p.linked && (p.refused || now - p.apart_since >= services.options.cut_off_after))
      apart.insert(id);
  if (apart == reported)
    return;
  reported = apart;
  services.unreachable(reported);
}

void peers_state::sweep() {
  const auto now = services.time->now();
  for (auto& [id, p] : peers)
    if (!p.linked && !p.dialing && p.dial_at <= now)
      dial(p);
  std::vector<std::uint64_t> late, waiting;
  for (const auto& [id, c] : calls) {
    if (now - c.since >= services.options.timeout)
      late.push_back(id);
    else if (!c.sent)
      waiting.push_back(id);
  }
  std::sort(late.begin(), late.end());
  for (auto id : late) {
    auto c = take(id);
    ++stats.given_up;
    c.promise.deliver(caf::make_error(c.sent && !may_repeat(c) ? errc::in_doubt : errc::unavailable));
  }
  std::sort(waiting.begin(), waiting.end());
  for (auto id : waiting)
    if (auto c = calls.find(id); c != calls.end() && !c->second.sent && peers.contains(c->second.peer))
      dispatch(id, c->second);
  // An entity that answers so late answers nobody: its asker has given up.
  std::erase_if(serving, [&](const auto& s) { return now - s.second.since > 2 * services.options.timeout; });
  report();
  sweep_later();
}

void peers_state::sweep_later() {
  if (sweeping || (calls.empty() && serving.empty()
                   && std::all_of(peers.begin(), peers.end(), [](const auto& p) { return p.second.linked; })))
    return;
  sweeping = true;
  self->delayed_send(self, services.options.sweep_every, sweep_atom_v);
}

peers_stats peers_state::count() const {
  auto out = stats;
  for (const auto& [id, p] : peers)
    out.links.push_back({id, p.row.name, p.row.address, p.linked, p.why, p.calls.size()});
  return out;
}

caf::behavior peers(caf::stateful_actor<peers_state>* self, peers_services services) {
  auto& state = self->state;
  state.self = self;
  state.services = std::move(services);
  state.ear = self->system().spawn<caf::actor_companion, caf::hidden>();
  caf::actor_cast<caf::actor_companion*>(state.ear)->on_enqueue(
    [me = caf::actor_cast<caf::actor_addr>(self)](caf::mailbox_element_ptr got) {
      if (!got->mid.is_response())
        return;
      if (auto to = caf::actor_cast<caf::actor>(me))
        caf::anon_send(to, answer_atom_v, got->mid.request_id().integer_value(), got->move_content_to_message());
    });
  return {
    [self](forward_atom, const entity_address& whom, delivery how, caf::message& command, std::int32_t attempt,
           const question& asked) { self->state.forward(whom, how, command, attempt, asked); },
    [self](const seen_nodes& now) { self->state.seen(now); },
    [self](linked_atom, const storage::ulid& who) { self->state.linked(who); },
    [self](unlinked_atom, const storage::ulid& who, const std::string& why, bool refused) {
      self->state.unlinked(who, why, refused);
    },
    [self](frame_atom, const storage::ulid& from, const std::string& bytes) { self->state.frame(from, bytes); },
    [self](answer_atom, std::uint64_t served, caf::message& what) { self->state.answered(served, what); },
    [self](grant_atom, const storage::ulid& next, const std::vector<storage::fence>& fences) {
      self->state.grant(next, fences);
    },
    [self](notice_atom, const std::string& topic, const std::string& body) { self->state.notice(topic, body); },
    [self](sweep_atom) {
      self->state.sweeping = false;
      self->state.sweep();
    },
    [self](stats_atom) { return self->state.count(); },
  };
}

} // namespace souk::runtime
