#include "actors/order/order_actor.hpp"

#include "actors/kinds.hpp"

#include <caf/stateful_actor.hpp>

namespace souk::actors {

using runtime::delivery;

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
  auto for_person = [self](const caller& by, bool merchant_only, auto decide) -> caf::result<order_view> {
    runtime::owed_answer answer{self->make_response_promise()};
    auto& s = self->state;
    if (!s.exists && !s.placing) {
      answer.deliver(refuse(errc::not_found, "there is no such order", "order_id"));
      runtime::retire(s.context);
      return caf::delegated<order_view>{};
    }
    auto go = [self, by, merchant_only, decide, answer]() mutable {
      auto& st = self->state;
      const auto& o = st.machine.rows().order;
      auto merchant = st.store && by.manages(o.store_id, st.store->owner_id);
      if (!st.exists || (!by.is(o.user_id) && !merchant))
        return answer.deliver(refuse(errc::not_found, "there is no such order", "order_id")), st.rest();
      if (merchant_only && !merchant)
        return answer.deliver(refuse(errc::forbidden, "only the store's merchant may do this")), st.rest();
      decide(answer, whom{merchant ? "merchant" : "customer", by.user});
    };
    // The shopper needs no look at the store, except for what only a merchant may do.
    if (s.placing || s.store || (by.is(s.machine.rows().order.user_id) && !merchant_only))
      s.when_idle(go);
    else
      s.with_terms([self, go, answer](const caf::error& why) mutable {
        if (why)
          answer.deliver(why), self->state.rest();
        else
          self->state.when_idle(go);
      });
    return caf::delegated<order_view>{};
  };
  // Applies a verdict for somebody: the answer goes out when what it started has come to rest, or the wait is over.
  auto applying = [self](auto make_verdict) {
    return [self, make_verdict](runtime::owed_answer answer, const whom& by) {
      auto v = make_verdict(self->state, by);
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
      return for_person(c.by, false, [self](runtime::owed_answer answer, const whom&) {
        answer.deliver(view_of(self->state.machine.rows()));
        self->state.rest();
      });
    },
    [for_person, applying](const cancel_order& c) {
      return for_person(c.by, false, applying([c](order_state& s, const whom& by) {
                          return s.machine.cancel(c.reason.empty() ? "cancelled_by_" + by.who : c.reason.substr(0, 200),
                                                  s.context.time->now(), by);
                        }));
    },
    [self, for_person](const confirm_payment& c) {
      return for_person(c.by, false, [self](runtime::owed_answer answer, const whom& by) {
        auto& s = self->state;
        const auto* p = s.machine.attempt();
        if (p != nullptr && p->provider == "manual") {
          if (by.who != "merchant")
            return answer.deliver(refuse(errc::forbidden, "the merchant confirms a manual payment")), s.rest();
          auto v = s.machine.confirm_manual(s.context.time->now(), by);
          if (auto* no = std::get_if<caf::error>(&v))
            return answer.deliver(*no), s.rest();
          s.waiters.push_back({answer, false});
          return s.apply(std::move(v));
        }
        s.waiters.push_back({answer, false});
        if (p != nullptr && p->state == storage::attempt_state::requires_action && !s.calling)
          s.call_gateway({gateway_call::query, *p, {}}); // the shopper says he acted: the gateway knows
        else
          s.drive();
      });
    },
    [for_person, applying](const capture_payment& c) {
      return for_person(c.by, true, applying([c](order_state& s, const whom& by) {
                          return s.machine.capture(c.amount, s.context.time->now(), by);
                        }));
    },
    [for_person, applying](const refund_order& c) {
      return for_person(c.by, true, applying([c](order_state& s, const whom& by) {
                          return s.machine.refund(c, s.context.time->now(), by);
                        }));
    },
    [for_person, applying](const mark_shipped& c) {
      return for_person(c.by, true, applying([c](order_state& s, const whom& by) {
                          return s.machine.ship(c, s.context.ids->fresh_beside(s.context.who.id), s.context.time->now(), by);
                        }));
    },
    [for_person, applying](const mark_delivered& c) {
      return for_person(c.by, true, applying([c](order_state& s, const whom& by) {
                          return s.machine.deliver(c.fulfilment_id, s.context.time->now(), by);
                        }));
    },
    [for_person, applying](const request_return& c) {
      return for_person(c.by, false, applying([c](order_state& s, const whom& by) {
                          return s.machine.request_return(c, s.context.time->now(), by);
                        }));
    },
    [for_person, applying](const step_return& c) {
      return for_person(c.by, c.step != return_step::cancel, applying([c](order_state& s, const whom& by) {
                          return s.machine.step_return(c, s.context.time->now(), by);
                        }));
    },
    [for_person, applying](const receive_return& c) {
      return for_person(c.by, true, applying([c](order_state& s, const whom& by) {
                          return s.machine.receive_return(c, s.context.ids->fresh_beside(s.context.who.id),
                                                          s.context.time->now(), by);
                        }));
    },
    [self](const provider_told& c) { return self->state.hear(c); },
    [self](const parcel_left& c) { return self->state.parcel_news(c); },
    [self](reservation_expired) {
      self->state.when_idle([self] {
        auto& s = self->state;
        if (!s.exists || s.machine.settled())
          s.unwatch();
        else if (s.machine.promise_ends())
          s.keep_watch(false);
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
      if (generation == self->state.wait_timer && !self->state.busy())
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
