#include "actors/order/order_actor.hpp"

#include "actors/kinds.hpp"
#include "actors/order/place_rules.hpp"

#include <algorithm>

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace souk::actors {

using runtime::delivery;

// Holds that never reached the rows die with this life of the order. What the journal has got already may still be written: if
// it is not, the shard restarts those whose memory it changed.
order_state::~order_state() {
  if (writing)
    return;
  for (const auto& h : holds)
    runtime::tell(*context.routes, inventory_at(h.variant), delivery::if_active, unreserve{context.who.id});
}

// -- placing --------------------------------------------------------------------------------------------------------------

caf::result<order_view> order_state::place(place_order& c) {
  runtime::owed_answer answer{self->make_response_promise()};
  if (exists) {
    if (machine.rows().order.user_id != c.by.user) {
      answer.deliver(refuse(errc::not_found, "there is no such order"));
    } else {
      waiters.push_back({answer, true});
      when_idle([this] { drive(); });
    }
    return caf::delegated<order_view>{};
  }
  if (placing) {
    waiters.push_back({answer, true});
    return caf::delegated<order_view>{};
  }
  if (auto no = check_place(c)) {
    answer.deliver(std::move(no));
    runtime::retire(context);
    return caf::delegated<order_view>{};
  }
  if (!services->gateways.contains(c.payment.type) && c.payment.type != "manual") {
    answer.deliver(refuse(errc::invalid, "the store takes no payments of type " + c.payment.type, "payment_method.type"));
    runtime::retire(context);
    return caf::delegated<order_view>{};
  }
  placing = true;
  command = std::move(c);
  waiters.push_back({answer, false});
  start_saga();
  return caf::delegated<order_view>{};
}

void order_state::start_saga() {
  runtime::ask(self, *context.routes, store_at(command.store_id), delivery::activate, get_terms{command.store_id})
    .then(
      [this](const store_terms& terms) {
        store = terms.store;
        owner = store->owner_id;
        if (store->status != storage::store_status::open)
          return give_up(refuse(errc::store_closed, "the store is closed"));
        merge_lines(command.lines);
        reserve_next(0);
      },
      [this](caf::error& why) { give_up(std::move(why)); });
}

// One after the other, by variant_id: two carts that share variants cannot refuse each other crosswise.
void order_state::reserve_next(std::size_t at) {
  if (at == command.lines.size())
    return write_order();
  const auto& line = command.lines[at];
  runtime::ask(self, *context.routes, inventory_at(line.variant_id), delivery::activate,
               reserve_stock{command.store_id, line.product_id, context.who.id, line.quantity})
    .then(
      [this, at](const reserved& r) {
        const auto& wanted = command.lines[at];
        holds.push_back({wanted.variant_id, r.activation});
        lines.push_back({r.variant, r.product_title, wanted.quantity});
        reserve_next(at + 1);
      },
      [this](caf::error& why) { give_up(std::move(why)); });
}

void order_state::write_order() {
  basket b;
  b.lines = lines;
  b.country = command.address.country;
  b.region = command.address.region;
  b.shipping_method = command.shipping_method;
  b.now = context.time->now();
  auto priced = price(*store, b);
  if (auto* no = std::get_if<caf::error>(&priced))
    return give_up(std::move(*no));
  auto& q = std::get<quote>(priced);
  if (command.expected_total && *command.expected_total != q.total)
    return give_up(refuse(errc::amount_changed, "the order now costs " + std::to_string(q.total), "expected_total"));
  if (q.shipping_method.empty())
    q.shipping_method = command.shipping_method;
  auto d = order_machine::place(command, context.who.id, context.ids->fresh_beside(context.who.id), *store, q,
                                context.time->now(), services->options.reservation);
  if (services->options.skip_idempotency_row)
    std::erase_if(d.rows, [](const auto& m) { return std::holds_alternative<storage::insert_idempotency_key>(m); });
  std::vector<runtime::touch> touched;
  for (const auto& h : holds)
    touched.push_back({inventory_at(h.variant), h.activation});
  writing = true;
  runtime::commit(self, context, storage::write_set{0, d.rows}, std::move(touched))
    .then(
      [this, d](const runtime::receipt& r) mutable {
        writing = false;
        if (r.refused != storage::refusal::none)
          return give_up(caf::make_error(runtime::errc::restarted)); // the id or the key is in the rows: load them
        placing = false;
        exists = true;
        holds.clear();
        d.next.order.number = r.drawn_number;
        if (command.from_cart) {
          lines_ordered gone{context.who.id, {}};
          for (const auto& line : command.lines) {
            storage::cart_line l;
            l.product_id = line.product_id;
            l.variant_id = line.variant_id;
            l.quantity = line.quantity;
            gone.lines.push_back(l);
          }
          runtime::tell(*context.routes, cart_at(command.store_id, command.by.user), delivery::activate, std::move(gone));
        }
        written(d);
      },
      [this](caf::error& why) {
        writing = false;
        give_up(std::move(why));
      });
}

// Nothing was written: the holds go back, and the order never was.
void order_state::give_up(caf::error why) {
  for (const auto& h : holds)
    runtime::tell(*context.routes, inventory_at(h.variant), delivery::if_active, unreserve{context.who.id});
  holds.clear();
  lines.clear();
  placing = false;
  for (auto& w : waiters)
    w.answer.deliver(why);
  waiters.clear();
  for (auto& f : std::exchange(later, {})) // they hear that there is no such order
    f();
  runtime::retire(context);
}

// -- afterwards -----------------------------------------------------------------------------------------------------------

bool order_state::idle() const noexcept {
  return !placing && !writing && !calling && !retry_due;
}

void order_state::when_idle(std::function<void()> f) {
  if (writing || placing)
    later.push_back(std::move(f));
  else
    f();
}

// Writes what a verdict says and then becomes it. An error of the journal means that memory and rows may differ: the order is
// thrown away and loaded again by whoever asks next.
void order_state::apply(verdict v, std::function<void(const caf::error&)> failed) {
  if (auto* no = std::get_if<caf::error>(&v)) {
    if (failed)
      failed(*no);
    return rest();
  }
  auto& d = std::get<decision>(v);
  if (d.nothing)
    return drive();
  writing = true;
  std::vector<returned_goods> back;
  for (const auto& row : d.rows)
    if (const auto* m = std::get_if<storage::move_stock>(&row); m != nullptr && m->on_hand_delta > 0)
      back.push_back({m->variant_id, m->on_hand_delta, 0});
  find_lives(std::make_shared<decision>(std::move(d)), std::move(back), 0, std::move(failed));
}

// Goods come back exactly once, in the rows and in memory: the write set names the lives whose memory it will change, so that
// none of them can read the rows before they are told.
void order_state::find_lives(std::shared_ptr<decision> d, std::vector<returned_goods> back, std::size_t at,
                             std::function<void(const caf::error&)> failed) {
  if (at == back.size())
    return write(std::move(d), std::move(back), std::move(failed));
  auto variant = back[at].variant;
  runtime::ask(self, *context.routes, inventory_at(variant), delivery::activate, expect_return{d->next.order.store_id})
    .then(
      [this, d, back, at, failed](std::uint64_t activation) mutable {
        back[at].activation = activation;
        find_lives(std::move(d), std::move(back), at + 1, std::move(failed));
      },
      [this, failed](caf::error& why) {
        writing = false;
        if (failed)
          failed(why);
        reload(why);
      });
}

void order_state::write(std::shared_ptr<decision> d, std::vector<returned_goods> back,
                        std::function<void(const caf::error&)> failed) {
  std::vector<runtime::touch> touched;
  for (const auto& b : back)
    touched.push_back({inventory_at(b.variant), b.activation});
  runtime::commit(self, context, storage::write_set{0, std::move(d->rows)}, std::move(touched))
    .then(
      [this, d, back](const runtime::receipt&) {
        writing = false;
        for (const auto& b : back)
          runtime::tell(*context.routes, inventory_at(b.variant), delivery::if_active, goods_returned{b.quantity, b.activation});
        written(*d);
      },
      [this, failed](caf::error& why) {
        writing = false;
        if (failed)
          failed(why);
        reload(why);
      });
}

void order_state::written(decision& d) {
  auto placed = machine.rows().order.id.is_nil();
  machine.become(std::move(d.next));
  if (d.settles)
    for (const auto& r : machine.rows().reservations)
      runtime::tell(*context.routes, inventory_at(r.variant_id), delivery::if_active, settle_hold{context.who.id, *d.settles});
  keep_watch(placed);
  drive();
}

// Whatever the order waits for, somebody must remember it should this actor go: the supervisor does, until all is settled.
void order_state::keep_watch(bool placed) {
  if (machine.settled())
    return unwatch();
  auto now = context.time->now();
  if (placed)
    runtime::tell(*context.routes, supervisor_at(context.who.shard()), delivery::activate,
                  watch_order{context.who.id, machine.rows().reservations.front().deadline});
  else if (!machine.holds_goods()) // only the gateway is waited for
    runtime::tell(*context.routes, supervisor_at(context.who.shard()), delivery::activate,
                  watch_order{context.who.id, now + services->options.payment_retry * 6});
}

void order_state::unwatch() {
  runtime::tell(*context.routes, supervisor_at(context.who.shard()), delivery::activate, unwatch_order{context.who.id});
}

// Goes on with whatever the order waits for: what came meanwhile, a call of the gateway, or nothing.
void order_state::drive() {
  while (!later.empty() && !writing && !placing) {
    auto next = std::move(later.front());
    later.pop_front();
    next();
  }
  if (writing || placing)
    return;
  const auto* p = machine.attempt();
  auto what = p == nullptr ? gateway_call::none : call_for(p->state);
  if (what != gateway_call::none && p->provider != "manual") {
    if (p->amount == 0 && what == gateway_call::authorize) {
      gateway_answer free;
      free.status = gateway_status::succeeded; // nothing to pay, nobody to ask
      return apply(machine.payment_answered(p->id, free, context.time->now()));
    }
    if (!calling && !retry_due)
      call_gateway(what);
    if (!waiters.empty() && wait_timer == 0) {
      wait_timer = ++wait_timers;
      self->delayed_send(self, services->options.checkout_wait, runtime::sweep_atom_v, wait_timer);
    }
    return;
  }
  answer_waiters();
  rest();
}

void order_state::call_gateway(gateway_call what) {
  const auto& p = *machine.attempt();
  charge c{p.id, p.order_id, p.amount, p.currency, p.method_token, p.provider_reference};
  auto at = services->gateways.find(p.provider);
  calling = true;
  auto report = [me = caf::actor_cast<caf::actor>(self), id = p.id](gateway_answer a) {
    caf::anon_send(me, payment_answered{id, std::move(a)});
  };
  bool posted = at != services->gateways.end() && services->gateway_workers->post([gate = at->second, c, what, report] {
    switch (what) {
      case gateway_call::authorize: return report(gate->authorize(c));
      case gateway_call::query: return report(gate->query(c));
      case gateway_call::cancel: return report(gate->cancel(c));
      case gateway_call::refund: return report(gate->refund(c));
      case gateway_call::none: return;
    }
  });
  if (!posted)
    report({}); // unknown: it is tried again
}

void order_state::gateway_answered(const payment_answered& a) {
  calling = false;
  when_idle([this, a] {
    const auto* p = machine.attempt();
    if (p == nullptr || p->id != a.attempt_id)
      return drive();
    auto v = machine.payment_answered(a.attempt_id, a.answer, context.time->now());
    auto* d = std::get_if<decision>(&v);
    bool no_news = d != nullptr && d->nothing && call_for(p->state) != gateway_call::none;
    if (!no_news) {
      failed_calls = 0;
      return apply(std::move(v));
    }
    if (++failed_calls % 10 == 0)
      spdlog::error("order {}: the gateway has not answered {} times", context.who.id.str(), failed_calls);
    retry_due = true;
    auto wait = std::min(services->options.payment_retry * (1 << std::min(failed_calls - 1, 6)), std::chrono::seconds{300});
    self->delayed_send(self, wait, runtime::retry_atom_v, ++retry_timer);
  });
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
  self->quit(why);
}

namespace {

order_actor::behavior_type order(order_actor::stateful_pointer<order_state> self, runtime::entity_context context,
                                 std::shared_ptr<const shop_services> services,
                                 std::optional<storage::order_snapshot> rows) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.services = std::move(services);
  if (rows) {
    state.exists = true;
    state.machine = order_machine{std::move(*rows)};
  }

  // Runs a person's command: the order must exist and be the caller's, or his store's.
  auto for_person = [self](const caller& by, bool merchant_only, bool waits, auto decide) -> caf::result<order_view> {
    runtime::owed_answer answer{self->make_response_promise()};
    auto& s = self->state;
    auto go = [self, by, merchant_only, waits, decide, answer]() mutable {
      auto& st = self->state;
      const auto& o = st.machine.rows().order;
      auto merchant = by.manages(o.store_id, st.owner);
      if (!st.exists || (!by.is(o.user_id) && !merchant))
        return answer.deliver(refuse(errc::not_found, "there is no such order", "order_id")), st.rest();
      if (merchant_only && !merchant)
        return answer.deliver(refuse(errc::forbidden, "only the store's merchant may do this")), st.rest();
      decide(answer, waits);
    };
    auto when_known = [self, go]() mutable { self->state.when_idle(go); };
    if (!s.exists && !s.placing) {
      answer.deliver(refuse(errc::not_found, "there is no such order", "order_id"));
      runtime::retire(s.context);
    } else if (!s.owner.is_nil() || s.placing || by.is(s.machine.rows().order.user_id)) {
      // The shopper needs no look at the store, except for what only a merchant may do.
      if (merchant_only && s.owner.is_nil())
        answer.deliver(refuse(errc::forbidden, "only the store's merchant may do this"));
      else
        when_known();
    } else {
      auto store = s.machine.rows().order.store_id;
      runtime::ask(self, *s.context.routes, store_at(store), delivery::activate, get_terms{store})
        .then(
          [self, when_known](const store_terms& terms) mutable {
            self->state.owner = terms.store->owner_id;
            when_known();
          },
          [answer](caf::error& why) mutable { answer.deliver(std::move(why)); });
    }
    return caf::delegated<order_view>{};
  };
  // Applies a verdict for somebody: the answer goes out when what it started has come to rest, or the wait is over.
  auto applying = [self](auto make_verdict) {
    return [self, make_verdict](runtime::owed_answer answer, bool) {
      auto v = make_verdict();
      if (auto* no = std::get_if<caf::error>(&v)) {
        answer.deliver(*no);
        return self->state.rest();
      }
      self->state.waiters.push_back({answer, false});
      self->state.apply(std::move(v));
    };
  };

  return {
    [self](place_order& c) { return self->state.place(c); },
    [self, for_person](const get_order& c) {
      return for_person(c.by, false, false, [self](runtime::owed_answer answer, bool) {
        answer.deliver(view_of(self->state.machine.rows()));
        self->state.rest();
      });
    },
    [self, for_person, applying](const cancel_order& c) {
      return for_person(c.by, false, true, applying([self, c] {
                          auto& s = self->state;
                          auto reason = !c.reason.empty()                                ? c.reason.substr(0, 200)
                                        : c.by.is(s.machine.rows().order.user_id) ? "cancelled_by_customer"
                                                                                         : "cancelled_by_merchant";
                          return s.machine.cancel(reason, s.context.time->now());
                        }));
    },
    [self, for_person](const confirm_payment& c) {
      return for_person(c.by, false, true, [self, by = c.by](runtime::owed_answer answer, bool) {
        auto& s = self->state;
        const auto& current = s.machine.rows();
        const auto* p = s.machine.attempt();
        if (p != nullptr && p->provider == "manual") {
          if (!by.manages(current.order.store_id, s.owner))
            return answer.deliver(refuse(errc::forbidden, "the merchant confirms a manual payment")), s.rest();
          auto v = s.machine.confirm_manual(s.context.time->now());
          if (auto* no = std::get_if<caf::error>(&v))
            return answer.deliver(*no), s.rest();
          s.waiters.push_back({answer, false});
          return s.apply(std::move(v));
        }
        s.waiters.push_back({answer, false});
        if (p != nullptr && p->state == storage::attempt_state::requires_action && !s.calling)
          s.call_gateway(gateway_call::query); // the shopper says he acted: the gateway knows
        else
          s.drive();
      });
    },
    [self, for_person, applying](const mark_shipped& c) {
      return for_person(c.by, true, true,
                        applying([self, c] { return self->state.machine.ship(c, self->state.context.time->now()); }));
    },
    [self, for_person, applying](const mark_delivered& c) {
      return for_person(c.by, true, true,
                        applying([self] { return self->state.machine.deliver(self->state.context.time->now()); }));
    },
    [self](reservation_expired) {
      self->state.when_idle([self] {
        auto& s = self->state;
        if (!s.exists || s.machine.settled())
          s.unwatch();
        if (s.exists)
          s.apply(s.machine.reservation_expired(s.context.time->now()));
        else
          s.rest();
      });
    },
    [self](resume_payment) {
      self->state.when_idle([self] {
        if (self->state.exists)
          self->state.drive();
        else
          self->state.rest();
      });
    },
    [self](const payment_answered& a) { self->state.gateway_answered(a); },
    [self](runtime::retry_atom, std::uint64_t generation) {
      if (generation != self->state.retry_timer)
        return;
      self->state.retry_due = false;
      self->state.when_idle([self] { self->state.drive(); });
    },
    [self](runtime::sweep_atom, std::uint64_t generation) {
      if (generation == self->state.wait_timer && !self->state.writing && !self->state.placing)
        self->state.answer_waiters(); // "pending": the gateway takes its time
      else if (generation == self->state.wait_timer)
        self->state.wait_timer = 0; // the rows on their way bring the answer
    },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind order_kind(std::shared_ptr<const shop_services> services) {
  runtime::entity_kind k;
  k.name = "order";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_order(who.id);
  };
  k.spawn = [services](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    auto snapshot = rows.has_value() ? std::any_cast<std::optional<storage::order_snapshot>>(std::move(rows)) : std::nullopt;
    return caf::actor_cast<caf::actor>(system.spawn(order, std::move(context), services, std::move(snapshot)));
  };
  return k;
}

} // namespace souk::actors
