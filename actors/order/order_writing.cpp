#include "actors/order/order_actor.hpp"

#include "actors/kinds.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace souk::actors {

using runtime::delivery;

bool order_state::idle() const noexcept {
  return !busy() && asking == 0 && !calling && !retry_due && told.empty() && asked.empty();
}

void order_state::when_idle(std::function<void()> f) {
  if (busy())
    later.push_back(std::move(f));
  else
    f();
}

// Writes what a verdict says and then becomes it. An error of the journal means that memory and rows may differ: the order is
// thrown away and loaded again by whoever asks next.
void order_state::apply(verdict v, std::vector<told_event> about) {
  if (std::holds_alternative<caf::error>(v)) {
    answer_told(about, caf::none);
    return rest();
  }
  std::vector<storage::heard_event> heard;
  for (const auto& t : about)
    heard.push_back(t.event);
  auto d = machine.sealed(std::get<decision>(std::move(v)), heard);
  if (d.nothing) {
    answer_told(about, caf::none);
    return drive();
  }
  telling = std::move(about);
  writing = true;
  std::vector<given_back> back;
  for (const auto& row : d.rows) {
    if (const auto* m = std::get_if<storage::move_stock>(&row); m != nullptr && m->on_hand_delta > 0)
      back.push_back({inventory_at(m->variant_id), m->on_hand_delta, 0});
    if (const auto* m = std::get_if<storage::move_gift_card>(&row); m != nullptr && m->entry.delta > 0)
      for (const auto& p : d.next.payments)
        if (p.method_token == m->entry.card_id.str())
          back.push_back({gift_card_at(p.store_id, p.provider_reference), m->entry.delta, 0});
    if (const auto* m = std::get_if<storage::put_discount_use>(&row); m != nullptr && m->row.given_back)
      back.push_back({discount_at(m->row.store_id, m->row.code), 1, 0});
  }
  find_lives(std::make_shared<decision>(std::move(d)), std::move(back), 0);
}

// What comes back does so exactly once, in the rows and in memory: the write set names the lives whose memory it will change, so
// that none of them can read the rows before they are told.
void order_state::find_lives(std::shared_ptr<decision> d, std::vector<given_back> back, std::size_t at) {
  if (at == back.size())
    return write(std::move(d), std::move(back));
  auto where = back[at].where;
  auto expect = [&](auto question) {
    runtime::ask(self, *context.routes, where, delivery::activate, question)
      .then(
        [this, d, back, at](std::uint64_t activation) mutable {
          back[at].activation = activation;
          find_lives(std::move(d), std::move(back), at + 1);
        },
        [this](caf::error& why) {
          writing = false;
          reload(why);
        });
  };
  const auto& of = d->next.order.store_id;
  if (where.kind == kind::discount)
    expect(expect_discount_return{of});
  else if (where.kind == kind::gift_card)
    expect(expect_gift_card_return{of});
  else
    expect(expect_return{of});
}

void order_state::write(std::shared_ptr<decision> d, std::vector<given_back> back) {
  std::vector<runtime::touch> touched;
  for (const auto& b : back)
    touched.push_back({b.where, b.activation});
  for (const auto& h : holds)
    touched.push_back({h.where, h.activation});
  runtime::commit(self, context, storage::write_set{0, std::move(d->rows)}, std::move(touched))
    .then(
      [this, d, back](const runtime::receipt& r) {
        writing = false;
        if (r.refused != storage::refusal::none) { // nothing that an order writes later can be refused, but by a bug
          spdlog::error("order {}: its rows were refused: {}", context.who.id.str(), r.detail);
          return reload(caf::make_error(runtime::errc::restarted));
        }
        for (const auto& b : back)
          tell_returned(b);
        holds.clear();
        regaining = false;
        written(*d);
      },
      [this](caf::error& why) {
        writing = false;
        reload(why);
      });
}

void order_state::written(decision& d) {
  auto placed = machine.rows().order.id.is_nil();
  machine.become(std::move(d.next));
  if (d.settles)
    for (const auto& r : machine.rows().reservations)
      runtime::tell(*context.routes, inventory_at(r.variant_id), delivery::if_active, settle_hold{context.who.id, *d.settles});
  answer_told(telling, caf::none);
  keep_watch(placed);
  drive();
}

void order_state::tell_returned(const given_back& b) {
  if (b.where.kind == kind::discount)
    runtime::tell(*context.routes, b.where, delivery::if_active,
                  settle_discount{context.who.id, discount_end::given_back, b.activation});
  else if (b.where.kind == kind::gift_card)
    runtime::tell(*context.routes, b.where, delivery::if_active, gift_card_returned{b.amount, b.activation});
  else
    runtime::tell(*context.routes, b.where, delivery::if_active, goods_returned{b.amount, b.activation});
}

// Whatever the order waits for, somebody must remember it should this actor go: the supervisor does, until all is settled.
void order_state::keep_watch(bool placed) {
  if (machine.settled())
    return unwatch();
  auto now = context.time->now();
  auto due = [&]() -> std::optional<storage::timestamp> {
    if (placed)
      return machine.rows().reservations.front().deadline;
    if (auto ends = machine.promise_ends())
      return ends;
    if (!machine.holds_goods()) // only the gateway is waited for
      return now + services->options.payment_retry * 6;
    return std::nullopt;
  }();
  if (due)
    runtime::tell(*context.routes, supervisor_at(context.who.shard()), delivery::activate, watch_order{context.who.id, *due});
}

void order_state::unwatch() {
  runtime::tell(*context.routes, supervisor_at(context.who.shard()), delivery::activate, unwatch_order{context.who.id});
}

void order_state::answer_waiters() {
  wait_timer = 0;
  auto all = std::move(waiters);
  waiters.clear();
  for (auto& w : all) {
    auto v = view_of(machine.rows());
    v.replayed = w.replay;
    w.answer.deliver(std::move(v));
  }
}

// An order with nothing under way is stopped at once: there are many of them, and the rows know it all.
void order_state::rest() {
  if (idle() && later.empty() && waiters.empty())
    runtime::retire(context);
}

void order_state::stop() {
  if (idle() && later.empty() && waiters.empty())
    self->quit();
  else
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
}

void order_state::reload(const caf::error& why) {
  for (auto& w : waiters)
    w.answer.deliver(why);
  waiters.clear();
  for (auto* list : {&told, &asked, &telling})
    answer_told(*list, why);
  self->quit(why);
}

} // namespace souk::actors
