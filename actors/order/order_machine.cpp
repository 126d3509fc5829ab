#include "actors/order/order_machine.hpp"

#include <algorithm>

namespace souk::actors {

using storage::attempt_state;
using storage::order_status;
using storage::payment_status;
using storage::reservation_state;

namespace {

constexpr const char* expired = "reservation_expired"; ///< the note of an order whose deadline has passed

bool open(const storage::reservation_row& r) noexcept {
  return r.state == reservation_state::held || r.state == reservation_state::pinned;
}

bool final(attempt_state s) noexcept {
  return s == attempt_state::succeeded || s == attempt_state::declined || s == attempt_state::cancelled
         || s == attempt_state::refunded;
}

storage::emit_event event(const storage::order_row& o, std::string topic, storage::timestamp now) {
  return {o.store_id,
          std::move(topic),
          o.id,
          {{"order_id", o.id.str()},
           {"user_id", o.user_id.str()},
           {"total", std::to_string(o.total)},
           {"currency", o.currency},
           {"email", o.email},
           {"note", o.note}},
          now};
}

/// The order's row as it becomes, with the version the database must find.
void change_order(decision& d, storage::timestamp now) {
  auto expected = d.next.order.version++;
  d.next.order.updated_at = now;
  d.rows.push_back(storage::update_order{d.next.order, expected});
}

void set_reservations(decision& d, reservation_state to, storage::timestamp deadline) {
  bool any = false;
  for (auto& r : d.next.reservations)
    if (open(r)) {
      r.state = to;
      if (to == reservation_state::held)
        r.deadline = deadline;
      any = true;
    }
  if (any)
    d.rows.push_back(storage::set_reservations{d.next.order.id, d.next.order.store_id, to, deadline});
}

void move_reserved(decision& d, const storage::order_snapshot& before, std::int64_t on_hand_sign, const char* reason,
                   storage::timestamp now) {
  for (const auto& r : before.reservations)
    if (open(r))
      d.rows.push_back(storage::move_stock{r.variant_id, r.store_id, on_hand_sign * r.quantity, -r.quantity, reason, r.order_id,
                                           before.order.user_id, "", now});
}

} // namespace

gateway_call call_for(attempt_state state) noexcept {
  switch (state) {
    case attempt_state::started: return gateway_call::authorize;
    case attempt_state::pending: return gateway_call::query;
    case attempt_state::cancelling: return gateway_call::cancel;
    case attempt_state::refunding: return gateway_call::refund;
    default: return gateway_call::none;
  }
}

const storage::payment_row* order_machine::attempt() const noexcept {
  return now_.payments.empty() ? nullptr : &now_.payments.back();
}

bool order_machine::holds_goods() const noexcept {
  return std::any_of(now_.reservations.begin(), now_.reservations.end(), open);
}

bool order_machine::settled() const noexcept {
  return !holds_goods() && (attempt() == nullptr || final(attempt()->state));
}

decision order_machine::place(const place_order& command, const storage::ulid& order_id, const storage::ulid& attempt_id,
                              const storage::store_row& store, const quote& q, storage::timestamp now,
                              std::chrono::seconds reservation) {
  decision d;
  auto& o = d.next.order;
  o.id = order_id;
  o.store_id = store.id;
  o.user_id = command.by.user;
  o.currency = store.currency;
  o.subtotal = q.subtotal;
  o.shipping = q.shipping;
  o.tax = q.tax;
  o.total = q.total;
  o.address = command.address;
  o.shipping_method = q.shipping_method;
  o.email = command.email;
  o.created_at = o.updated_at = now;
  d.next.items = q.items;
  for (auto& item : d.next.items) {
    item.order_id = order_id;
    item.store_id = store.id;
  }
  storage::payment_row p;
  p.id = attempt_id;
  p.order_id = order_id;
  p.store_id = store.id;
  p.provider = command.payment.type;
  p.method_token = command.payment.token;
  p.amount = q.total;
  p.currency = store.currency;
  p.state = command.payment.type == "manual" ? attempt_state::requires_action : attempt_state::started;
  p.created_at = p.updated_at = now;
  d.next.payments.push_back(p);
  d.rows.push_back(storage::insert_order{o, d.next.items});
  for (const auto& item : d.next.items) {
    storage::reservation_row r;
    r.order_id = order_id;
    r.variant_id = item.variant_id;
    r.store_id = store.id;
    r.quantity = item.quantity;
    r.state = p.state == attempt_state::started ? reservation_state::pinned : reservation_state::held;
    r.deadline = now + reservation;
    d.next.reservations.push_back(r);
    d.rows.push_back(storage::insert_reservation{r});
    d.rows.push_back(
      storage::move_stock{item.variant_id, store.id, 0, item.quantity, "reserved", order_id, command.by.user, "", now});
  }
  d.rows.push_back(storage::insert_payment{p});
  if (command.key)
    d.rows.push_back(
      storage::insert_idempotency_key{store.id, command.by.user, command.key->key, command.key->body_hash, order_id, now});
  d.rows.push_back(event(o, "order.created", now));
  return d;
}

decision order_machine::with_attempt(attempt_state state, const gateway_answer& answer, storage::timestamp now) const {
  decision d;
  d.next = now_;
  auto& p = d.next.payments.back();
  p.state = state;
  p.updated_at = now;
  if (!answer.reference.empty())
    p.provider_reference = answer.reference;
  p.error_code = answer.code;
  p.action_url = answer.action_url;
  d.rows.push_back(storage::update_payment{p});
  return d;
}

// Claimed: on_hand and reserved fall together, and the ledger says why.
decision order_machine::paid(storage::timestamp now) const {
  decision d;
  d.next = now_;
  move_reserved(d, now_, -1, "sold", now);
  set_reservations(d, reservation_state::claimed, {});
  d.next.order.status = order_status::paid;
  d.next.order.payment = payment_status::completed;
  if (now_.order.note == expired) // the gateway had taken the money before it could be told to stop
    d.next.order.note.clear();
  change_order(d, now);
  d.rows.push_back(event(d.next.order, "order.paid", now));
  d.settles = reservation_state::claimed;
  return d;
}

decision order_machine::released(const std::string& note, payment_status payment, storage::timestamp now) const {
  decision d;
  d.next = now_;
  move_reserved(d, now_, 0, "released", now);
  set_reservations(d, reservation_state::released, {});
  d.next.order.status = order_status::cancelled;
  d.next.order.payment = payment;
  d.next.order.note = note;
  change_order(d, now);
  d.rows.push_back(event(d.next.order, "order.cancelled", now));
  d.settles = reservation_state::released;
  return d;
}

namespace {

/// Two decisions about the same order that are written together.
decision both(decision first, decision second, const storage::payment_row& attempt) {
  second.next.payments.back() = attempt;
  second.rows.insert(second.rows.begin(), first.rows.begin(), first.rows.end());
  return second;
}

decision no_change() {
  decision d;
  d.nothing = true;
  return d;
}

} // namespace

verdict order_machine::payment_answered(const storage::ulid& id, const gateway_answer& answer, storage::timestamp now) const {
  const auto* p = attempt();
  if (p == nullptr || p->id != id)
    return no_change(); // an attempt of long ago
  switch (answer.status) {
    case gateway_status::succeeded: {
      if (p->state == attempt_state::succeeded || p->state == attempt_state::refunding || p->state == attempt_state::refunded)
        return no_change();
      if (now_.order.status == order_status::pending && holds_goods()) {
        // Cancelled by a person while the gateway took the money: sold and on its way back, in one write.
        bool unwanted = !now_.order.note.empty() && now_.order.note != expired;
        auto d = with_attempt(unwanted ? attempt_state::refunding : attempt_state::succeeded, answer, now);
        auto row = d.next.payments.back();
        return both(std::move(d), paid(now), row);
      }
      // Money for an order whose goods are free again: it goes back at once.
      return with_attempt(attempt_state::refunding, answer, now);
    }
    case gateway_status::declined:
    case gateway_status::rejected:
    case gateway_status::cancelled: {
      if (final(p->state) || p->state == attempt_state::refunding)
        return no_change();
      bool asked_for = p->state == attempt_state::cancelling || answer.status == gateway_status::cancelled;
      auto d = with_attempt(asked_for ? attempt_state::cancelled : attempt_state::declined, answer, now);
      if (!holds_goods())
        return d;
      auto row = d.next.payments.back();
      auto note = !asked_for ? "payment_declined" : now_.order.note.empty() ? "payment_cancelled" : now_.order.note;
      return both(std::move(d), released(note, payment_status::failed, now), row);
    }
    case gateway_status::requires_action: {
      if (p->state != attempt_state::started && p->state != attempt_state::pending)
        return no_change();
      auto d = with_attempt(attempt_state::requires_action, answer, now);
      // A person must act now, and people walk away: the deadline counts again.
      auto deadline = now_.reservations.empty() ? now : now_.reservations.front().deadline;
      set_reservations(d, reservation_state::held, deadline);
      return d;
    }
    case gateway_status::processing:
      if (p->state != attempt_state::started)
        return no_change();
      return with_attempt(attempt_state::pending, answer, now);
    case gateway_status::refunded: {
      if (p->state != attempt_state::refunding) {
        if (!holds_goods())
          return no_change();
        // Taken and given back by somebody at the provider before we heard of it: there is no money for the goods.
        auto d = with_attempt(attempt_state::refunded, answer, now);
        auto row = d.next.payments.back();
        return both(std::move(d), released("payment_refunded", payment_status::refunded, now), row);
      }
      auto d = with_attempt(attempt_state::refunded, answer, now);
      d.next.order.payment = payment_status::refunded;
      if (now_.order.status == order_status::paid) {
        // Cancelled before shipment: the goods never left, so they can be sold again.
        d.next.order.status = order_status::refunded;
        for (const auto& item : now_.items)
          d.rows.push_back(storage::move_stock{item.variant_id, item.store_id, item.quantity, 0, "returned", now_.order.id,
                                               now_.order.user_id, now_.order.note, now});
      }
      change_order(d, now);
      d.rows.push_back(event(d.next.order, "order.refunded", now));
      return d;
    }
    case gateway_status::not_found:
      // It never heard of it: a cancel has nothing to do, an authorisation is simply sent again.
      if (p->state == attempt_state::cancelling) {
        gateway_answer gone = answer;
        gone.status = gateway_status::cancelled;
        return payment_answered(id, gone, now);
      }
      return no_change();
    case gateway_status::unknown: return no_change();
  }
  return no_change();
}

verdict order_machine::reservation_expired(storage::timestamp now) const {
  if (now_.order.status != order_status::pending || !holds_goods())
    return no_change();
  return cancel(expired, now);
}

verdict order_machine::cancel(const std::string& reason, storage::timestamp now) const {
  const auto* p = attempt();
  switch (now_.order.status) {
    case order_status::pending: {
      if (p != nullptr && p->provider != "manual" && !final(p->state)) {
        if (p->state == attempt_state::cancelling) {
          // A person's wish outlives the deadline's: should the gateway have taken the money already, it goes back.
          if (reason == expired || now_.order.note != expired)
            return no_change();
          decision d;
          d.next = now_;
          d.next.order.note = reason;
          change_order(d, now);
          return d;
        }
        // Still held until the gateway confirms that it will not take the money.
        auto d = with_attempt(attempt_state::cancelling, {}, now);
        d.next.payments.back().provider_reference = p->provider_reference;
        set_reservations(d, reservation_state::pinned, {});
        d.next.order.note = reason;
        change_order(d, now);
        return d;
      }
      auto end = released(reason, payment_status::failed, now);
      if (p == nullptr || final(p->state))
        return end;
      auto d = with_attempt(attempt_state::cancelled, {}, now);
      auto row = d.next.payments.back();
      return both(std::move(d), std::move(end), row);
    }
    case order_status::paid: {
      if (p != nullptr && p->state == attempt_state::refunding)
        return no_change();
      auto manual = p == nullptr || p->provider == "manual" || p->amount == 0;
      auto d = with_attempt(attempt_state::refunding, {}, now);
      d.next.payments.back().provider_reference = p == nullptr ? "" : p->provider_reference;
      d.next.order.note = reason;
      change_order(d, now);
      if (!manual)
        return d;
      // Nobody to ask: the merchant gives the money back by hand.
      order_machine next{d.next};
      gateway_answer done;
      done.status = gateway_status::refunded;
      auto end = std::get<decision>(next.payment_answered(p->id, done, now));
      end.rows.insert(end.rows.begin(), d.rows.begin(), d.rows.end());
      return end;
    }
    case order_status::cancelled:
    case order_status::refunded: return no_change();
    default: return refuse(errc::illegal_transition, "an order that has been shipped cannot be cancelled");
  }
}

verdict order_machine::confirm_manual(storage::timestamp now) const {
  const auto* p = attempt();
  if (now_.order.status == order_status::paid)
    return no_change();
  if (now_.order.status != order_status::pending || p == nullptr || p->provider != "manual")
    return refuse(errc::illegal_transition, "the order does not wait for a manual payment");
  gateway_answer yes;
  yes.status = gateway_status::succeeded;
  return payment_answered(p->id, yes, now);
}

verdict order_machine::ship(const mark_shipped& command, storage::timestamp now) const {
  if (now_.order.status != order_status::paid || (attempt() != nullptr && attempt()->state == attempt_state::refunding))
    return refuse(errc::illegal_transition, "only a paid order can be shipped");
  decision d;
  d.next = now_;
  d.next.order.status = order_status::shipped;
  d.next.order.carrier = command.carrier;
  d.next.order.tracking_number = command.tracking_number;
  d.next.order.tracking_url = command.tracking_url;
  change_order(d, now);
  d.rows.push_back(event(d.next.order, "order.shipped", now));
  return d;
}

verdict order_machine::deliver(storage::timestamp now) const {
  if (now_.order.status == order_status::delivered)
    return no_change();
  if (now_.order.status != order_status::shipped)
    return refuse(errc::illegal_transition, "only a shipped order can be delivered");
  decision d;
  d.next = now_;
  d.next.order.status = order_status::delivered;
  change_order(d, now);
  d.rows.push_back(event(d.next.order, "order.delivered", now));
  return d;
}

order_view view_of(const storage::order_snapshot& rows) {
  order_view v;
  v.order = rows.order;
  v.items = rows.items;
  if (!rows.payments.empty()) {
    const auto& p = rows.payments.back();
    if (p.state == attempt_state::requires_action)
      v.next_action_url = p.action_url;
    v.payment_error = p.error_code;
  }
  for (const auto& r : rows.reservations)
    if (r.state == reservation_state::held)
      v.held_until = r.deadline;
  return v;
}

} // namespace souk::actors
