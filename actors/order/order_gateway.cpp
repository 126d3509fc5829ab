#include "actors/order/order_actor.hpp"

#include "actors/kinds.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace souk::actors {

using runtime::delivery;

// The store's terms: who owns it, its accounts at providers. Read anew by each life of an order.
void order_state::with_terms(std::function<void(const caf::error&)> f) {
  if (store)
    return f({});
  ++asking;
  auto id = exists ? machine.rows().order.store_id : command.store_id;
  runtime::ask(self, *context.routes, store_at(id), delivery::activate, get_terms{id})
    .then(
      [this, f](const store_terms& terms) {
        --asking;
        store = terms.store;
        f({});
      },
      [this, f](caf::error& why) {
        --asking;
        f(why);
      });
}

// Goes on with whatever the order waits for: what came meanwhile, a call of the gateway, or nothing.
void order_state::drive() {
  while (!later.empty() && !busy()) {
    auto next = std::move(later.front());
    later.pop_front();
    next();
  }
  if (busy())
    return;
  const auto* p = machine.attempt();
  auto next = machine.pending_call();
  if (next.what == gateway_call::none && p != nullptr && p->state == storage::attempt_state::refunding)
    if (auto v = machine.resume_refund(context.time->now()); !std::get<decision>(v).nothing)
      return apply(std::move(v));
  if (next.what == gateway_call::authorize && next.payment.amount == 0) {
    gateway_answer free;
    free.status = gateway_status::succeeded; // nothing to pay, nobody to ask
    return apply(machine.payment_answered(p->id, free, context.time->now()));
  }
  if (!told.empty() && !calling && p != nullptr) {
    // What is in flight may have been answered before the event happened: it is asked anew. The event is no more than a hint.
    asked = std::move(told);
    told.clear();
    bool refund = next.what == gateway_call::refund || next.what == gateway_call::query_refund;
    next.what = refund ? gateway_call::query_refund : next.what == gateway_call::none ? gateway_call::query : next.what;
    if (!refund)
      next.payment = *p;
    call_gateway(next);
  } else if (next.what != gateway_call::none && !calling && !retry_due) {
    call_gateway(next);
  }
  if (next.what != gateway_call::none) {
    bool refunds = next.what == gateway_call::refund || next.what == gateway_call::query_refund;
    if (refunds && failed_calls > 0) // whoever asked for it sees it under way
      answer_waiters();
    if (!waiters.empty() && wait_timer == 0) {
      wait_timer = ++wait_timers;
      self->delayed_send(self, services->options.checkout_wait, runtime::sweep_atom_v, wait_timer);
    }
    return;
  }
  answer_waiters();
  rest();
}

charge order_state::charge_of(const next_call& call) const {
  const auto& o = machine.rows().order;
  const auto& p = call.payment;
  charge c;
  c.attempt_id = p.id;
  c.order_id = p.order_id;
  c.amount = p.amount;
  c.currency = p.currency;
  c.method_token = p.method_token;
  c.reference = p.provider_reference;
  c.store_id = p.store_id;
  c.order_number = o.number;
  c.email = o.email;
  c.address = o.address;
  c.created_at = p.created_at;
  c.return_url = services->options.public_url + "/orders/" + o.id.str();
  if (store) {
    c.store_name = store->name;
    for (const auto& account : store->settings.payments)
      if (account.provider == p.provider)
        c.account = account;
  }
  c.captures = p.captured;
  if (!call.refund.id.is_nil()) {
    c.refund_id = call.refund.id;
    c.refunds = call.refund.amount;
    c.refund_reference = call.refund.provider_reference;
    c.refund_reason = call.refund.reason;
    c.refund_created_at = call.refund.created_at;
  }
  return c;
}

void order_state::call_gateway(const next_call& call) {
  calling = true;
  bool refund = call.what == gateway_call::refund || call.what == gateway_call::query_refund;
  auto id = refund ? call.refund.id : call.payment.id;
  auto report = [me = caf::actor_cast<caf::actor>(self), id, refund](gateway_answer a) {
    caf::anon_send(me, payment_answered{id, std::move(a), refund});
  };
  with_terms([this, call, report](const caf::error& why) {
    auto at = services->gateways.find(call.payment.provider);
    bool posted = !why && at != services->gateways.end()
                  && services->workers_of(call.payment.provider)
                       ->post([gate = at->second, c = charge_of(call), what = call.what, report] {
                         switch (what) {
                           case gateway_call::authorize: return report(gate->authorize(c));
                           case gateway_call::query: return report(gate->query(c));
                           case gateway_call::capture: return report(gate->capture(c));
                           case gateway_call::cancel: return report(gate->cancel(c));
                           case gateway_call::refund: return report(gate->refund(c));
                           case gateway_call::query_refund: return report(gate->query_refund(c));
                           case gateway_call::none: return;
                         }
                       });
    if (!posted)
      report({}); // unknown: it is tried again
  });
}

void order_state::gateway_answered(const payment_answered& a) {
  calling = false;
  when_idle([this, a] {
    auto now = context.time->now();
    auto v = a.refund ? machine.refund_answered(a.attempt_id, a.answer, now) : machine.payment_answered(a.attempt_id, a.answer, now);
    auto& d = std::get<decision>(v); // an answer is never refused
    auto open = a.answer.status == gateway_status::unknown || a.answer.status == gateway_status::not_now;
    if (d.nothing && open)
      answer_told(asked, caf::make_error(runtime::errc::unavailable)); // the provider sends its event again
    if (d.nothing && machine.pending_call().what != gateway_call::none) {
      try_again_later();
      if (!asked.empty())
        apply(std::move(v), std::exchange(asked, {})); // the event is dealt with, though it is no news
      else if (!told.empty())
        drive(); // one that came while the provider was being asked does not wait for the next try
      return;
    }
    failed_calls = 0;
    if (d.wants_goods) {
      late_money = a.answer;
      regaining = true;
      return regain(0);
    }
    apply(std::move(v), std::exchange(asked, {}));
  });
}

void order_state::try_again_later() {
  if (++failed_calls % 10 == 0)
    spdlog::error("order {}: the gateway has not answered {} times", context.who.id.str(), failed_calls);
  if (failed_calls == 1 && !waiters.empty()) {
    const auto what = machine.pending_call().what;
    if (what == gateway_call::refund || what == gateway_call::query_refund)
      answer_waiters();
  }
  if (retry_due)
    return;
  retry_due = true;
  auto wait = std::min(services->options.payment_retry * (1 << std::min(failed_calls - 1, 6)), std::chrono::seconds{300});
  self->delayed_send(self, wait, runtime::retry_atom_v, ++retry_timer);
}

// Money came after the goods were let go: if all of them can still be had, the shopper gets what he paid for.
void order_state::regain(std::size_t at) {
  const auto& rows = machine.rows();
  if (at == rows.reservations.size())
    return apply(machine.honour(late_money, context.time->now()), std::exchange(asked, {}));
  const auto& r = rows.reservations[at];
  runtime::ask(self, *context.routes, inventory_at(r.variant_id), delivery::activate,
               reserve_stock{r.store_id, {}, context.who.id, r.quantity})
    .then(
      [this, at](const reserved& got) {
        holds.push_back({inventory_at(machine.rows().reservations[at].variant_id), got.activation});
        regain(at + 1);
      },
      [this](caf::error& why) {
        let_go_of_holds();
        regaining = false;
        if (why.category() == caf::atom("soukshop"))
          return apply(machine.refund_late(late_money, context.time->now()), std::exchange(asked, {}));
        reload(why); // nobody knows whether they can be had; the provider tells again, or is asked
      });
}

// An event that a provider sends is believed only as far as asking: what happened the provider says when it is asked.
caf::result<bool> order_state::hear(const provider_told& c) {
  runtime::owed_answer answer{self->make_response_promise()};
  when_idle([this, c, answer]() mutable {
    const auto& o = machine.rows().order;
    const auto* p = machine.attempt();
    if (!exists || o.store_id != c.store_id || p == nullptr || p->provider != c.provider) {
      answer.deliver(refuse(errc::not_found, "there is no such order", "order_id"));
      return rest();
    }
    if (machine.has_heard(c.provider, c.event.id)) {
      answer.deliver(false);
      return rest();
    }
    // A twin waits as the first does: it may be answered only when what it says is committed.
    told.push_back({{c.provider, c.event.id, context.time->now()}, answer});
    drive();
  });
  return caf::delegated<bool>{};
}

void order_state::answer_told(std::vector<told_event>& events, const caf::error& why) {
  auto all = std::exchange(events, {});
  for (auto& t : all) {
    if (why)
      t.answer.deliver(why);
    else
      t.answer.deliver(true);
  }
}

caf::result<bool> order_state::parcel_news(const parcel_left& c) {
  runtime::owed_answer answer{self->make_response_promise()};
  when_idle([this, c, answer]() mutable {
    if (!exists || machine.rows().order.store_id != c.store_id) {
      answer.deliver(refuse(errc::not_found, "there is no such order", "order_id"));
      return rest();
    }
    auto v = machine.parcel_left(c, context.ids->fresh_beside(context.who.id), context.time->now());
    if (auto* no = std::get_if<caf::error>(&v)) {
      answer.deliver(*no);
      return rest();
    }
    if (std::get<decision>(v).nothing) {
      answer.deliver(false);
      return rest();
    }
    apply(std::move(v), {{{c.service, c.external_id + (c.voided ? "/voided" : ""), context.time->now()}, answer}});
  });
  return caf::delegated<bool>{};
}

} // namespace souk::actors
