#include "actors/kinds.hpp"
#include "actors/webhooks/webhooks_actor.hpp"

#include <algorithm>

#include <caf/stateful_actor.hpp>

namespace souk::actors {

using storage::webhook_state;

namespace {

/// A webhook that keeps up gets one after the other, in the order of their events; one that falls behind gets several at once.
constexpr std::size_t in_order_max = 16;
constexpr std::size_t at_once_max = 4;
constexpr std::size_t store_at_once_max = 6; ///< of all its webhooks: dead receivers of one store must not take everybody's workers
constexpr std::chrono::seconds linger{30}; ///< before an actor with nothing to do leaves
constexpr std::chrono::seconds soon{1};
constexpr std::chrono::minutes look_again{1}; ///< at deliveries that wait in the rows only
constexpr std::chrono::minutes slug_life{1};

} // namespace

// -- sending ------------------------------------------------------------------------------------------------------------------

void webhooks_state::send_due() {
  const auto now = context.time->now();
  if (!services->webhooks || !services->webhook_workers || now < quiet_until)
    return arm();
  struct load {
    std::size_t under_way = 0, due = 0;
  };
  std::map<storage::ulid, load> loads;
  for (const auto& [id, d] : waiting) {
    auto& l = loads[d.row.webhook_id];
    l.under_way += d.under_way ? 1 : 0;
    l.due += !d.under_way && d.written && d.due <= now ? 1 : 0;
  }
  std::size_t mine = 0;
  for (const auto& [id, l] : loads)
    mine += l.under_way;
  for (auto& [id, d] : waiting) {
    if (mine >= store_at_once_max)
      break;
    if (d.under_way || !d.written || d.due > now)
      continue;
    const auto* w = find(d.row.webhook_id);
    if (w->state != webhook_state::active) {
      d.written = false;
      endings.push_back({id, std::nullopt});
      continue;
    }
    auto& l = loads[w->id];
    if (l.under_way >= (l.due > in_order_max ? at_once_max : 1))
      continue;
    if (slug.empty() || now - slug_at > slug_life) {
      learn_slug();
      if (slug.empty())
        break;
    }
    ++l.under_way;
    ++mine;
    send(d, *w);
  }
  write_soon();
  read_more();
  arm();
}

void webhooks_state::send(waiting_delivery& d, const storage::webhook_row& to) {
  auto job = [me = caf::actor_cast<caf::actor>(self), sender = services->webhooks, to, what = d.row, store = slug,
              now = context.time->now()] {
    auto how = sender->send(to, what, store, now);
    caf::anon_send(me, delivery_answered{what.id, how.status, std::move(how.error), how.took_ms});
  };
  d.under_way = services->webhook_workers->post(std::move(job));
  if (!d.under_way)
    d.due = context.time->now() + soon;
}

void webhooks_state::learn_slug() {
  if (std::exchange(asking, true))
    return;
  runtime::ask(self, *context.routes, store_at(context.who.id), runtime::delivery::activate, get_terms{context.who.id})
    .then(
      [this](const store_terms& terms) {
        asking = false;
        slug = terms.store->slug;
        slug_at = context.time->now();
        send_due();
      },
      [this](const caf::error&) {
        asking = false;
        arm(); // again with the next timer
      });
}

// -- time ---------------------------------------------------------------------------------------------------------------------

bool webhooks_state::anything_to_do() const {
  const bool sends = services->webhooks && (!waiting.empty() || !spilled.empty());
  return sends || edits.busy() || !events.empty() || !endings.empty() || asking || reading;
}

void webhooks_state::arm() {
  const auto now = context.time->now();
  auto due = now + look_again;
  if (!anything_to_do()) {
    if (idle_since == storage::timestamp{})
      idle_since = now;
    due = idle_since + linger;
    if (due <= now) {
      if (!std::exchange(retiring, true))
        runtime::retire(context);
      return;
    }
  } else {
    idle_since = {};
    for (const auto& [id, d] : waiting) {
      // One that is due already waits for another one to end, for the slug, or for a worker: whatever ends looks again.
      if (!d.under_way && d.written)
        due = std::min(due, std::max(d.due, now + soon));
    }
    if (!events.empty() || !endings.empty())
      due = std::min(due, now + soon);
  }
  if (timer_runs && timer_due <= due)
    return;
  timer_runs = true;
  timer_due = due;
  self->delayed_send(self, std::chrono::duration_cast<std::chrono::microseconds>(due - now), runtime::sweep_atom_v, ++timer);
}

} // namespace souk::actors
