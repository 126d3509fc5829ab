#include "actors/lookup.hpp"
#include "actors/webhooks/webhooks_actor.hpp"

#include <algorithm>

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::actors {

using storage::delivery_state;
using storage::webhook_state;

namespace {

constexpr std::size_t waiting_max = 1000; ///< deliveries in memory, per store
constexpr std::size_t share_min = 50;     ///< of each webhook
constexpr std::size_t events_max = 1000;  ///< that wait to be written

} // namespace

// -- what happened ------------------------------------------------------------------------------------------------------------

caf::result<bool> webhooks_state::hear(webhook_event& e) {
  auto at = event_position::parse(e.event_id);
  if (!at || e.store_id != context.who.id)
    return refuse(errc::invalid, "is not an event of this store", "event_id");
  if (std::none_of(webhooks.begin(), webhooks.end(), [](const auto& w) { return w.state == webhook_state::active; })) {
    arm();
    return false;
  }
  if (std::none_of(webhooks.begin(), webhooks.end(), [&](const auto& w) { return webhook_rules::wants(w, e.topic); })) {
    arm();
    return true;
  }
  if (events.size() >= events_max)
    return caf::make_error(runtime::errc::overloaded);
  runtime::owed_answer answer{self->make_response_promise()};
  events.push_back({std::move(e), *at, answer});
  write_soon();
  return caf::delegated<bool>{};
}

void webhooks_state::answered(const delivery_answered& a) {
  auto at = waiting.find(a.delivery_id);
  if (at == waiting.end() || !at->second.under_way)
    return; // its webhook was removed
  at->second.under_way = false;
  at->second.written = false;
  endings.push_back({a.delivery_id, webhook_answer{a.status, a.error, a.took_ms}});
  write_soon();
  send_due();
}

// -- the rows -----------------------------------------------------------------------------------------------------------------

// One write set at a time; what comes meanwhile goes into the next one, all of it together.
void webhooks_state::write_soon() {
  if (write_queued || (events.empty() && endings.empty()))
    return;
  write_queued = true; // begun at once it is false again
  if (!edits.enter([this] { begin_write(); })) {
    write_queued = false;
    arm();
  }
}

// An event comes again when its consumer crashed before it had written down how far it was. What has come up to `newest`, or
// in this life at all when nothing is known to be new, is looked for in the rows.
void webhooks_state::begin_write() {
  write_queued = false;
  auto b = std::make_shared<batch>();
  b->events = std::exchange(events, {});
  b->endings = std::exchange(endings, {});
  std::vector<storage::ulid> doubtful;
  for (const auto& t : b->events)
    if (!newest || t.at <= *newest)
      for (const auto& w : webhooks)
        if (webhook_rules::wants(w, t.event.topic))
          doubtful.push_back(webhook_rules::delivery_id(t.at, w.id));
  if (doubtful.empty())
    return write(b);
  auto find_rows = [doubtful](storage::entity_reader& reader) {
    std::set<storage::ulid> there;
    for (const auto& id : doubtful)
      if (reader.load_delivery(id))
        there.insert(id);
    return std::any{std::move(there)};
  };
  const bool asked = look(find_rows, [this, b, asked_for = doubtful.size()](const looked_up& l) {
    if (!l.error.empty())
      return not_written(*b, caf::make_error(runtime::errc::unavailable, l.error), true);
    b->there = std::any_cast<const std::set<storage::ulid>&>(l.rows);
    b->sure = b->there.size() < asked_for;
    write(b);
  });
  if (!asked)
    not_written(*b, caf::make_error(runtime::errc::overloaded), true);
}

void webhooks_state::write(const std::shared_ptr<batch>& b) {
  const auto now = context.time->now();
  storage::write_set rows;
  b->webhooks = webhooks;
  b->heard = true;
  for (const auto& t : b->events)
    for (const auto& w : b->webhooks)
      if (webhook_rules::wants(w, t.event.topic)) {
        auto d = webhook_rules::delivery_of(w, t.event, t.at, now);
        if (b->there.contains(d.id) || waiting.contains(d.id))
          continue;
        rows.mutations.push_back(storage::put_webhook_delivery{d, true});
        b->fresh.push_back(std::move(d));
      }
  std::set<storage::ulid> changed;
  for (const auto& e : b->endings) {
    auto at = waiting.find(e.delivery);
    if (at == waiting.end())
      continue;
    auto w = std::find_if(b->webhooks.begin(), b->webhooks.end(), [&](const auto& x) { return x.id == at->second.row.webhook_id; });
    if (w == b->webhooks.end())
      continue;
    auto d = at->second.row;
    if (!e.answer)
      webhook_rules::given_up(d, *w, now);
    else if (webhook_rules::attempted(d, *w, *e.answer, now))
      changed.insert(w->id);
    rows.mutations.push_back(storage::put_webhook_delivery{d, false});
    b->moved.push_back(std::move(d));
  }
  for (auto& w : b->webhooks) {
    if (!changed.contains(w.id))
      continue;
    const auto& before = *find(w.id);
    w.version = before.version + 1; // however many attempts changed it
    rows.mutations.push_back(storage::put_webhook{w, before.version});
    if (w.state != before.state) {
      spdlog::warn("the webhook {} of store {} has failed for days: it is switched off", w.id.str(), w.store_id.str());
      auto e = about(w, "webhook.disabled");
      e.fields.emplace_back("address", w.address); // its merchant is told which one it was
      rows.mutations.push_back(std::move(e));
    }
  }
  if (rows.mutations.empty())
    return written(*b);
  runtime::commit(self, context, std::move(rows))
    .then(
      [this, b](const runtime::receipt& r) {
        if (r.refused != storage::refusal::none)
          return not_written(*b, caf::make_error(runtime::errc::restarted), false);
        written(*b);
      },
      [this, b](caf::error& why) {
        const bool untouched = why == runtime::errc::overloaded;
        not_written(*b, std::move(why), untouched);
      });
}

void webhooks_state::written(batch& b) {
  const auto now = context.time->now();
  std::set<storage::ulid> recovered;
  for (const auto& w : b.webhooks)
    if (auto* mine = find(w.id)) {
      if (mine->failing_since != storage::timestamp{} && w.failing_since == storage::timestamp{})
        recovered.insert(w.id);
      *mine = w;
    }
  for (const auto& d : b.moved) {
    if (d.state != delivery_state::waiting) {
      waiting.erase(d.id);
      if (reading)
        ended.insert(d.id);
    } else {
      waiting[d.id] = {d, d.next_at, false, true};
    }
  }
  // What waits for a webhook that is there again need not wait out its time, and for one that is off it has no use.
  for (auto& [id, d] : waiting) {
    const auto* w = find(d.row.webhook_id);
    if (recovered.contains(d.row.webhook_id) || (w != nullptr && w->state != webhook_state::active))
      d.due = std::min(d.due, now);
  }
  for (auto& d : b.fresh)
    keep(std::move(d));
  for (auto& t : b.events) {
    if ((newest || b.sure) && (!newest || t.at > *newest))
      newest = t.at;
    t.answer.deliver(true);
  }
  leave();
  send_due();
}

// A full journal or busy readers have changed nothing. After anything else the rows may not be what is remembered here: the next
// life reads them, and sends once more what was sent and not written.
void webhooks_state::not_written(batch& b, caf::error why, bool untouched) {
  for (auto& t : b.events)
    t.answer.deliver(why);
  if (!untouched)
    return self->quit(std::move(why));
  endings.insert(endings.begin(), b.endings.begin(), b.endings.end());
  leave();
}

std::size_t webhooks_state::share() const {
  return std::max(share_min, waiting_max / std::max<std::size_t>(1, webhooks.size()));
}

void webhooks_state::keep(storage::webhook_delivery_row row) {
  const auto mine = std::count_if(waiting.begin(), waiting.end(),
                                  [&](const auto& d) { return d.second.row.webhook_id == row.webhook_id; });
  if (spilled.contains(row.webhook_id) || static_cast<std::size_t>(mine) >= share()) {
    spilled.insert(row.webhook_id);
    if (reading)
      spilled_since.insert(row.webhook_id); // the rows under way may be without it
    return;
  }
  const auto id = row.id;
  const auto due = row.next_at;
  waiting.emplace(id, waiting_delivery{std::move(row), due, false, true});
}

void webhooks_state::read_more() {
  if (reading || spilled.empty())
    return;
  std::map<storage::ulid, std::size_t> held;
  for (const auto& [id, d] : waiting)
    ++held[d.row.webhook_id];
  if (std::none_of(spilled.begin(), spilled.end(), [&](const auto& w) { return held[w] <= share() / 2; }))
    return;
  ended.clear();
  spilled_since.clear();
  reading = look([store = context.who.id](storage::entity_reader& reader) { return std::any{reader.load_webhooks(store)}; },
                 [this](const looked_up& l) {
                   reading = false;
                   if (l.error.empty())
                     take(std::any_cast<const storage::webhooks_snapshot&>(l.rows).waiting);
                   send_due();
                 });
}

// Rows that were read while others were written may be older than what is known here: what is known stays.
void webhooks_state::take(const std::vector<storage::webhook_delivery_row>& rows) {
  spilled.clear();
  auto by_time = rows;
  std::stable_sort(by_time.begin(), by_time.end(), [](const auto& a, const auto& b) { return a.next_at < b.next_at; });
  for (auto& row : by_time)
    if (!waiting.contains(row.id) && !ended.contains(row.id) && find(row.webhook_id) != nullptr)
      keep(std::move(row));
  spilled.merge(spilled_since);
  spilled_since.clear();
}

} // namespace souk::actors
