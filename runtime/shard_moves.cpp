#include "runtime/shard_actor.hpp"

#include <algorithm>

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

// How a shard goes to another owner, and what becomes of its messages meanwhile.
namespace souk::runtime {

namespace {

constexpr std::chrono::milliseconds give_every{15};

} // namespace

// -- messages for a shard that is not ours ----------------------------------------------------------------------------------

void shard_state::elsewhere(arrival from, const entity_address& whom, delivery how, caf::message& command) {
  const bool serves_shard = stays(whom) && whom == shard_address(whom.kind, id); // and is spoken to by the shard only
  if (services.map == nullptr || serves_shard)
    return from.promise.deliver(caf::make_error(errc::moved));
  const auto now = services.map->at(id);
  if (now.owner.is_nil() || now.owner == services.map->self())
    return wait_for_owner(std::move(from), whom, how, command);
  if (from.only_here)
    return from.promise.deliver(caf::make_error(errc::moved));
  from.promise.delegate(services.peers, forward_atom_v, whom, how, std::move(command),
                        static_cast<std::int32_t>(from.attempt), from.asked);
}

void shard_state::wait_for_owner(arrival from, const entity_address& whom, delivery how, caf::message& command) {
  if (intake.size() >= services.options.intake_max)
    return from.promise.deliver(caf::make_error(errc::overloaded));
  // Whoever asked may have given up by then and have asked somebody else: what is to be created may be there.
  if (how == delivery::create)
    how = delivery::activate;
  intake.push_back({std::move(from.promise), whom, how, std::move(command), from.attempt, from.only_here, from.asked,
                    services.time->now()});
  sweep_later();
}

// Somebody owns the shard now, or another one than before: what waits is looked at again, in order.
void shard_state::look() {
  if (intake.empty() || (owned && giving))
    return;
  auto all = std::exchange(intake, {});
  for (auto& w : all) {
    arrival from;
    from.promise = std::move(w.promise);
    from.attempt = w.attempt;
    from.only_here = w.only_here;
    from.asked = w.asked;
    const auto since = w.since;
    const auto before = intake.size();
    deliver(std::move(from), w.whom, w.how, w.command);
    if (intake.size() > before)
      intake.back().since = since; // it has waited since then
  }
}

void shard_state::expire_intake() {
  const auto limit = services.time->now() - services.options.intake_patience;
  auto late = std::stable_partition(intake.begin(), intake.end(), [&](const waiting& w) { return w.since > limit; });
  std::vector<waiting> gone(std::make_move_iterator(late), std::make_move_iterator(intake.end()));
  intake.erase(late, intake.end());
  for (auto& w : gone)
    w.promise.deliver(caf::make_error(w.only_here ? errc::moved : errc::unavailable));
}

// -- giving it away -----------------------------------------------------------------------------------------------------------

void shard_state::give(caf::response_promise promise) {
  if (!owned)
    return promise.deliver(caf::make_error(errc::moved));
  if (give_promise.pending())
    give_promise.deliver(caf::make_error(errc::moved)); // asked twice: the later one is answered
  give_promise = std::move(promise);
  keep_later = false;
  if (giving && left_lane) { // or is answered as soon as the lane has answered
    if (held.epoch > 0)
      give_promise.deliver(held);
    return;
  }
  giving = true;
  give_until = services.time->now() + services.options.drain;
  give_tick(++give_round);
}

// Every entity that has nothing under way stops; the others are asked again in a moment. What is still under way after the grace
// period is cut off: the rows are the truth, and the next owner resumes from them.
void shard_state::give_tick(std::uint64_t round) {
  if (!giving || left_lane || round != give_round)
    return;
  if (services.options.give_without_drain)
    return given_away();
  const bool late = services.time->now() >= give_until;
  for (auto& [who, e] : entities) {
    cut_off = cut_off || (late && e.actor);
    if (late && e.actor) {
      fail_parked(e, errc::moved);
      self->send_exit(e.actor, caf::exit_reason::user_shutdown);
    } else if (e.now == phase::active) {
      stop(e);
    }
  }
  given_away();
  if (!left_lane)
    self->delayed_send(self, give_every, give_atom_v, round);
}

// No entity is left, so nothing of the shard is in the journal: the lane lets go of its fence, which is the last word.
void shard_state::given_away() {
  if (!giving || left_lane || (!entities.empty() && !services.options.give_without_drain))
    return;
  left_lane = true;
  const auto round = give_round;
  self->request(lane, caf::infinite, leave_atom_v, id)
    .then(
      [this, round](const storage::fence& last) {
        if (!giving || round != give_round)
          return;
        held = last;
        if (give_promise.pending())
          give_promise.deliver(last);
        if (keep_later)
          keep();
      },
      [this, round](const caf::error& why) { // the lane has lost it: it tells, and then so do we
        if (giving && round == give_round && give_promise.pending())
          give_promise.deliver(why);
      });
}

// Whatever was asked of the shard on its way out is over.
void shard_state::stop_giving() {
  giving = false;
  left_lane = false;
  keep_later = false;
  cut_off = false;
  held = {};
  ++give_round;
  if (give_promise.pending())
    give_promise.deliver(caf::make_error(errc::moved));
}

// While the lane is about to answer with the shard's last fence nobody has it: without it nothing could be written. And once something
// was cut off, whoever read its rows before its last write lands would never hear of it: first all that live must have gone.
void shard_state::keep() {
  if (!owned || !giving)
    return;
  if (held.epoch == 0 && (left_lane || cut_off)) {
    keep_later = true;
    return;
  }
  const auto last = held;
  stop_giving();
  if (last.epoch > 0)
    caf::anon_send(lane, own_atom_v, last, caf::actor_cast<caf::actor>(self));
  for (auto kind : services.catalog->on_begin)
    tell(*services.routes, shard_address(kind, id), delivery::activate, begin_atom_v);
  look();
}

// Nothing should be left of it here; should something be all the same, it goes as with a loss.
void shard_state::given(std::int64_t next_epoch) {
  if (!owned || epoch >= next_epoch)
    return look();
  if (services.options.serve_after_given)
    return keep();
  owned = false;
  if (!left_lane)
    caf::anon_send(lane, leave_atom_v, id);
  stop_giving();
  if (!services.options.give_without_drain)
    drop_entities();
  look();
}

} // namespace souk::runtime
