#include "actors/order/order_machine.hpp"

#include "actors/order/order_steps.hpp"

#include <algorithm>

namespace souk::actors {

using namespace order_steps;
using storage::attempt_state;
using storage::order_status;
using storage::payment_status;
using storage::refund_state;
using storage::reservation_state;

namespace {

/// Providers let go of promised money by themselves (Stripe after 7 days): we do it before, so that both know.
constexpr std::chrono::hours promise_life{24 * 6};

gateway_call call_for(attempt_state state) noexcept {
  switch (state) {
    case attempt_state::started: return gateway_call::authorize;
    case attempt_state::pending: return gateway_call::query;
    case attempt_state::cancelling: return gateway_call::cancel;
    case attempt_state::capturing: return gateway_call::capture;
    default: return gateway_call::none;
  }
}

bool took_money(attempt_state s) noexcept {
  return s == attempt_state::succeeded || s == attempt_state::refunding || s == attempt_state::refunded;
}

// A refund of the whole attempt that nobody else asked for gets an id of its own: the attempt's, with another tail.
storage::ulid refund_of(storage::ulid attempt) {
  attempt.bytes[15] ^= 0xFF;
  attempt.bytes[14] ^= 0xFF;
  return attempt;
}

} // namespace

const storage::payment_row* order_machine::attempt() const noexcept {
  return attempt_of(const_cast<storage::order_snapshot&>(now_));
}

next_call order_machine::pending_call() const {
  const auto* p = attempt();
  if (p == nullptr || p->provider == "manual")
    return {};
  if (auto what = call_for(p->state); what != gateway_call::none)
    return {what, *p, {}};
  for (const auto& r : now_.refunds)
    if (under_way(r) && r.payment_id == p->id)
      return {r.state == refund_state::started ? gateway_call::refund : gateway_call::query_refund, *p, r};
  return {};
}

bool order_machine::holds_goods() const noexcept {
  return std::any_of(now_.reservations.begin(), now_.reservations.end(), open);
}

bool order_machine::settled() const noexcept {
  return !holds_goods() && (attempt() == nullptr || final(attempt()->state))
         && std::none_of(now_.refunds.begin(), now_.refunds.end(), under_way);
}

std::optional<storage::timestamp> order_machine::promise_ends() const noexcept {
  const auto* p = attempt();
  if (p == nullptr || p->state != attempt_state::authorized)
    return std::nullopt;
  return p->updated_at + promise_life;
}

decision order_machine::place(const place_order& command, const storage::ulid& order_id, const storage::ulid& attempt_id,
                              const storage::store_row& store, const quote& q, const funding& paid_with, storage::timestamp now,
                              std::chrono::seconds reservation) {
  decision d;
  auto& o = d.next.order;
  o.id = order_id;
  o.store_id = store.id;
  o.user_id = command.by.user;
  o.currency = store.currency;
  o.subtotal = q.subtotal;
  o.discount = q.discount;
  o.shipping = q.shipping;
  o.tax = q.tax;
  o.total = q.total;
  for (const auto& card : paid_with.cards)
    o.gift_card += card.amount;
  o.pricing = q.pricing;
  o.address = command.address;
  o.shipping_method = q.shipping_method;
  o.email = command.email;
  o.language = command.language;
  o.created_at = o.updated_at = now;
  d.next.items = q.items;
  for (auto& item : d.next.items) {
    item.order_id = order_id;
    item.store_id = store.id;
  }
  for (const auto& card : paid_with.cards) {
    storage::payment_row p;
    p.id = card.payment_id;
    p.order_id = order_id;
    p.store_id = store.id;
    p.provider = gift_card;
    p.method_token = card.card_id.str();
    p.provider_reference = card.code_hash;
    p.amount = p.captured = card.amount;
    p.currency = store.currency;
    p.state = attempt_state::authorized;
    p.created_at = p.updated_at = now;
    d.next.payments.push_back(p);
  }
  storage::payment_row p;
  p.id = attempt_id;
  p.order_id = order_id;
  p.store_id = store.id;
  p.provider = command.payment.type;
  p.method_token = command.payment.token;
  p.amount = q.total - o.gift_card;
  p.currency = store.currency;
  p.state = command.payment.type == "manual" && p.amount > 0 ? attempt_state::requires_action : attempt_state::started;
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
  for (const auto& row : d.next.payments)
    d.rows.push_back(storage::insert_payment{row});
  for (const auto& card : paid_with.cards)
    d.rows.push_back(storage::move_gift_card{{card.card_id, store.id, order_id, -card.amount, "spent", now}});
  for (const auto& use : paid_with.codes)
    d.rows.push_back(storage::put_discount_use{{store.id, use.code, order_id, customer_of(o), false, now}, use.once});
  if (command.key)
    d.rows.push_back(
      storage::insert_idempotency_key{store.id, command.by.user, command.key->key, command.key->body_hash, order_id, now});
  emit(d, "order.created", now, {{"provider", p.provider}});
  return d;
}

decision order_machine::with_attempt(attempt_state state, const gateway_answer& answer, storage::timestamp now) const {
  auto d = begin(now_);
  auto& p = *attempt_of(d.next);
  p.state = state;
  p.updated_at = now;
  if (!answer.reference.empty())
    p.provider_reference = answer.reference;
  p.error_code = answer.code;
  p.action_url = answer.action_url;
  if (took_money(state) && p.captured == 0)
    p.captured = answer.captured >= 0 ? std::min(answer.captured, p.amount) : p.amount;
  d.rows.push_back(storage::update_payment{p});
  return d;
}

// Claimed: on_hand and reserved fall together, and the ledger says why.
decision order_machine::paid(storage::timestamp now) const {
  auto d = begin(now_);
  move_reserved(d, now_, -1, "sold", now);
  set_reservations(d, reservation_state::claimed, {});
  for (auto& p : d.next.payments)
    if (p.provider == gift_card && p.state == attempt_state::authorized) {
      p.state = attempt_state::succeeded;
      p.updated_at = now;
      d.rows.push_back(storage::update_payment{p});
    }
  d.next.order.status = order_status::paid;
  d.next.order.payment = payment_status::completed;
  if (now_.order.note == expired) // the gateway had taken the money before it could be told to stop
    d.next.order.note.clear();
  change_order(d, now);
  emit(d, "order.paid", now);
  d.settles = reservation_state::claimed;
  return d;
}

decision order_machine::released(const std::string& note, payment_status payment, storage::timestamp now) const {
  auto d = begin(now_);
  move_reserved(d, now_, 0, "released", now);
  set_reservations(d, reservation_state::released, {});
  give_cards_back(d, now);
  give_codes_back(d, now);
  d.next.order.status = order_status::cancelled;
  d.next.order.payment = payment;
  d.next.order.note = note;
  change_order(d, now);
  emit(d, "order.cancelled", now);
  d.settles = reservation_state::released;
  return d;
}

verdict order_machine::payment_answered(const storage::ulid& id, const gateway_answer& answer, storage::timestamp now) const {
  const auto* p = attempt();
  if (p == nullptr || p->id != id)
    return no_change(); // an attempt of long ago
  if (p->provider == "manual" && answer.status != gateway_status::succeeded)
    return no_change(); // nobody but the merchant can say anything about it
  switch (answer.status) {
    case gateway_status::succeeded: {
      if (took_money(p->state)) {
        // Somebody gave some of it back at the provider: it is gone, whoever did it.
        std::int64_t known = 0;
        for (const auto& r : now_.refunds)
          if (r.payment_id == p->id && r.state != refund_state::failed)
            known += r.amount;
        if (answer.refunded <= known || p->state != attempt_state::succeeded)
          return no_change();
        auto d = begin(now_);
        storage::refund_row r;
        r.id = refund_of(p->id);
        r.id.bytes[13] ^= static_cast<std::uint8_t>(now_.refunds.size() + 1);
        r.order_id = now_.order.id;
        r.store_id = now_.order.store_id;
        r.payment_id = p->id;
        r.amount = std::min(answer.refunded - known, left_of(now_, *p));
        r.currency = p->currency;
        r.reason = "at_provider";
        r.created_at = now;
        if (r.amount <= 0)
          return no_change();
        d.next.refunds.push_back(r);
        refund_done(d, d.next.refunds.back(), now);
        d.rows.push_back(storage::insert_refund{d.next.refunds.back()});
        write_down(d, "refunded", {p->provider, {}}, std::to_string(r.amount), now);
        change_order(d, now);
        emit(d, "order.refunded", now, {{"refund_id", r.id.str()}, {"amount", std::to_string(r.amount)}});
        return d;
      }
      if (now_.order.status == order_status::pending && holds_goods()) {
        // Cancelled by a person while the gateway took the money: sold and on its way back, in one write.
        bool unwanted = p->state == attempt_state::cancelling && !now_.order.note.empty() && now_.order.note != expired;
        auto d = both(with_attempt(attempt_state::succeeded, answer, now), paid(now));
        if (!unwanted)
          return d;
        auto& taken = *attempt_of(d.next);
        taken.state = attempt_state::refunding;
        d.rows.push_back(storage::update_payment{taken});
        give_back(d, d.next.order.total, refund_of(p->id), {}, "cancelled", now_.order.note, {}, now);
        return d;
      }
      // Money for an order whose goods are free again. Only if all it needs is goods they may be had once more; what a person
      // cancelled, or what had other money and discounts, stays cancelled.
      bool only_goods = now_.order.gift_card == 0
                        && std::none_of(now_.order.pricing.discounts.begin(), now_.order.pricing.discounts.end(),
                                        [](const auto& given) { return !given.code.empty(); });
      if (only_goods && now_.order.status == order_status::cancelled
          && (now_.order.note == expired || now_.order.note == "payment_declined" || now_.order.note == "payment_cancelled")) {
        auto d = begin(now_);
        d.wants_goods = true;
        return d;
      }
      return refund_late(answer, now);
    }
    case gateway_status::authorized: {
      if (final(p->state) || p->state == attempt_state::refunding || p->state == attempt_state::authorized
          || p->state == attempt_state::capturing || p->state == attempt_state::cancelling)
        return no_change(); // a cancelling one is asked again to let go
      auto d = with_attempt(attempt_state::authorized, answer, now);
      set_reservations(d, reservation_state::pinned, {});
      d.next.order.payment = payment_status::authorized;
      change_order(d, now);
      emit(d, "order.authorized", now);
      return d;
    }
    case gateway_status::declined:
    case gateway_status::rejected:
    case gateway_status::cancelled: {
      if (final(p->state) || p->state == attempt_state::refunding)
        return no_change();
      if (p->state == attempt_state::capturing && answer.status == gateway_status::rejected) {
        auto d = with_attempt(attempt_state::authorized, answer, now); // this sum cannot be captured; it is still promised
        attempt_of(d.next)->captured = 0;
        std::get<storage::update_payment>(d.rows.back()).row.captured = 0;
        write_down(d, "capture_failed", {p->provider, {}}, answer.code, now);
        return d;
      }
      bool asked_for = p->state == attempt_state::cancelling || answer.status == gateway_status::cancelled;
      auto d = with_attempt(asked_for ? attempt_state::cancelled : attempt_state::declined, answer, now);
      attempt_of(d.next)->captured = 0;
      std::get<storage::update_payment>(d.rows.back()).row.captured = 0;
      if (!holds_goods())
        return d;
      auto note = !asked_for ? "payment_declined" : now_.order.note.empty() ? "payment_cancelled" : now_.order.note;
      return both(std::move(d), released(note, payment_status::failed, now));
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
      if (p->state != attempt_state::started && p->state != attempt_state::requires_action)
        return no_change();
      {
        auto d = with_attempt(attempt_state::pending, answer, now);
        set_reservations(d, reservation_state::pinned, {}); // the shopper has acted: the provider's word is waited for
        return d;
      }
    case gateway_status::refunded: {
      if (took_money(p->state)) {
        gateway_answer all = answer;
        all.status = gateway_status::succeeded;
        all.refunded = p->captured;
        for (const auto& r : now_.refunds)
          if (r.payment_id == p->id && under_way(r))
            return refund_answered(r.id, answer, now);
        return payment_answered(id, all, now);
      }
      if (!holds_goods())
        return no_change();
      // Taken and given back by somebody at the provider before we heard of it: there is no money for the goods.
      auto d = with_attempt(attempt_state::cancelled, answer, now);
      attempt_of(d.next)->captured = 0; // what was to be captured was not
      std::get<storage::update_payment>(d.rows.back()).row.captured = 0;
      return both(std::move(d), released("payment_refunded", payment_status::refunded, now));
    }
    case gateway_status::not_found:
      // It never heard of it: a cancel has nothing to do, an authorisation is simply sent again.
      if (p->state == attempt_state::cancelling) {
        gateway_answer gone = answer;
        gone.status = gateway_status::cancelled;
        return payment_answered(id, gone, now);
      }
      return no_change();
    case gateway_status::unknown:
    case gateway_status::not_now: return no_change();
  }
  return no_change();
}

decision order_machine::honour(const gateway_answer& answer, storage::timestamp now) const {
  auto got = with_attempt(attempt_state::succeeded, answer, now);
  auto d = begin(now_);
  for (auto& r : d.next.reservations) {
    r.state = reservation_state::claimed;
    d.rows.push_back(storage::insert_reservation{r});
    d.rows.push_back(storage::move_stock{r.variant_id, r.store_id, 0, r.quantity, "reserved", r.order_id, now_.order.user_id, "", now});
    d.rows.push_back(
      storage::move_stock{r.variant_id, r.store_id, -r.quantity, -r.quantity, "sold", r.order_id, now_.order.user_id, "", now});
  }
  d.next.order.status = order_status::paid;
  d.next.order.payment = payment_status::completed;
  write_down(d, "late_payment_honoured", {attempt()->provider, {}}, now_.order.note, now);
  d.next.order.note.clear();
  change_order(d, now);
  emit(d, "order.paid", now);
  d.settles = reservation_state::claimed;
  return both(std::move(got), std::move(d));
}

decision order_machine::refund_late(const gateway_answer& answer, storage::timestamp now) const {
  auto d = with_attempt(attempt_state::refunding, answer, now);
  give_back(d, attempt_of(d.next)->captured, refund_of(attempt()->id), {}, "late_payment", now_.order.note, {}, now);
  write_down(d, "late_payment_refunded", {attempt()->provider, {}}, now_.order.note, now);
  return d;
}

verdict order_machine::reservation_expired(storage::timestamp now) const {
  if (now_.order.status != order_status::pending || !holds_goods())
    return no_change();
  if (auto ends = promise_ends(); ends && now < *ends)
    return no_change();
  if (attempt() != nullptr && attempt()->state == attempt_state::capturing)
    return no_change();
  return cancel(expired, now);
}

// An attempt that goes back without a row that says how: an earlier release kept no rows of refunds.
verdict order_machine::resume_refund(storage::timestamp now) const {
  const auto* p = attempt();
  if (p == nullptr || p->state != attempt_state::refunding || left_of(now_, *p) == 0)
    return no_change();
  auto d = begin(now_);
  give_back(d, left_of(now_, *p), refund_of(p->id), {},
            now_.order.status == order_status::paid ? "cancelled" : "late_payment", now_.order.note, {}, now);
  return d;
}

verdict order_machine::cancel(const std::string& reason, storage::timestamp now, const whom& by) const {
  const auto* p = attempt();
  switch (now_.order.status) {
    case order_status::pending: {
      if (p != nullptr && p->provider != "manual" && !final(p->state)) {
        if (p->state == attempt_state::capturing)
          return refuse(errc::illegal_transition, "the payment is being captured: cancel the order when that is done");
        if (p->state == attempt_state::cancelling) {
          // A person's wish outlives the deadline's: should the gateway have taken the money already, it goes back.
          if (reason == expired || now_.order.note != expired)
            return no_change();
          auto d = begin(now_);
          d.next.order.note = reason;
          write_down(d, "cancelled", by, reason, now);
          change_order(d, now);
          return d;
        }
        // Still held until the gateway confirms that it will not take the money.
        auto d = with_attempt(attempt_state::cancelling, {}, now);
        set_reservations(d, reservation_state::pinned, {});
        d.next.order.note = reason;
        write_down(d, "cancelled", by, reason, now);
        change_order(d, now);
        return d;
      }
      auto end = released(reason, payment_status::failed, now);
      write_down(end, "cancelled", by, reason, now);
      if (p == nullptr || final(p->state))
        return end;
      return both(with_attempt(attempt_state::cancelled, {}, now), std::move(end));
    }
    case order_status::paid: {
      if (now_.order.fulfilment != storage::fulfilment_status::unfulfilled)
        return refuse(errc::illegal_transition, "a part of the order has left: refund the rest instead");
      if (p != nullptr && p->state == attempt_state::refunding)
        return no_change();
      auto d = begin(now_);
      d.next.order.note = reason;
      write_down(d, "cancelled", by, reason, now);
      auto left = refundable();
      if (p != nullptr && p->amount > 0 && p->provider != "manual" && left_of(now_, *p) > 0) {
        auto& going = *attempt_of(d.next);
        going.state = attempt_state::refunding;
        going.updated_at = now;
        d.rows.push_back(storage::update_payment{going});
      }
      if (left > 0) {
        give_back(d, left, refund_of(p == nullptr ? now_.order.id : p->id), {}, "cancelled", reason, by, now);
      } else if (std::none_of(now_.refunds.begin(), now_.refunds.end(), under_way)) {
        // It cost nothing, so nothing goes back but the goods.
        d.next.order.status = order_status::refunded;
        d.next.order.payment = payment_status::refunded;
        for (const auto& item : now_.items)
          if (auto pieces = pieces_out(now_, item); pieces > 0)
            d.rows.push_back(storage::move_stock{item.variant_id, item.store_id, pieces, 0, "returned", now_.order.id,
                                                 now_.order.user_id, reason, now});
        emit(d, "order.refunded", now);
      }
      change_order(d, now);
      return d;
    }
    case order_status::cancelled:
    case order_status::refunded: return no_change();
    default: return refuse(errc::illegal_transition, "an order that has been shipped cannot be cancelled");
  }
}

verdict order_machine::confirm_manual(storage::timestamp now, const whom& by) const {
  const auto* p = attempt();
  if (now_.order.status == order_status::paid)
    return no_change();
  if (now_.order.status != order_status::pending || p == nullptr || p->provider != "manual")
    return refuse(errc::illegal_transition, "the order does not wait for a manual payment");
  gateway_answer yes;
  yes.status = gateway_status::succeeded;
  auto v = payment_answered(p->id, yes, now);
  if (auto* d = std::get_if<decision>(&v))
    write_down(*d, "payment_confirmed", by, "", now);
  return v;
}

verdict order_machine::capture(std::optional<std::int64_t> amount, storage::timestamp now, const whom& by) const {
  const auto* p = attempt();
  if (p != nullptr && (p->state == attempt_state::capturing || p->state == attempt_state::succeeded))
    return no_change();
  if (p == nullptr || p->state != attempt_state::authorized)
    return refuse(errc::illegal_transition, "no money is promised that could be captured");
  auto sum = amount.value_or(p->amount);
  if (sum < 1 || sum > p->amount)
    return refuse(errc::invalid, "between the smallest unit and what was authorised can be captured", "amount");
  auto d = with_attempt(attempt_state::capturing, {}, now);
  auto& capturing = *attempt_of(d.next);
  capturing.captured = sum;
  d.rows.back() = storage::update_payment{capturing};
  write_down(d, "captured", by, std::to_string(sum), now);
  return d;
}

bool order_machine::has_heard(const std::string& provider, const std::string& event_id) const {
  return std::any_of(now_.life.heard.begin(), now_.life.heard.end(),
                     [&](const auto& h) { return h.provider == provider && h.event_id == event_id; });
}

decision order_machine::sealed(decision d, const std::vector<storage::heard_event>& heard) const {
  constexpr std::size_t heard_max = 200, timeline_max = 500;
  if (d.nothing) {
    d = begin(now_);
    d.nothing = true;
  }
  auto& life = d.next.life;
  for (const auto& h : heard)
    if (std::none_of(life.heard.begin(), life.heard.end(),
                     [&](const auto& known) { return known.provider == h.provider && known.event_id == h.event_id; }))
      life.heard.push_back(h);
  if (life.heard.size() > heard_max)
    life.heard.erase(life.heard.begin(), life.heard.end() - heard_max);
  if (life.timeline.size() > timeline_max) // nobody's order is that eventful: something calls in a loop, and the row stays small
    life.timeline.erase(life.timeline.begin(), life.timeline.end() - timeline_max);
  if (life == now_.life)
    return d;
  // The payment's row says when it was paid until something else happens to it: from then on the timeline does.
  const auto paid = [](const auto& entry) { return entry.what == "paid"; };
  if (const auto* after = attempt_of(d.next); after != nullptr && took_money(after->state)
                                              && std::none_of(life.timeline.begin(), life.timeline.end(), paid)) {
    const auto* before = attempt();
    const auto at = before != nullptr && took_money(before->state) ? before->updated_at : after->updated_at;
    const auto later = std::find_if(life.timeline.begin(), life.timeline.end(), [&](const auto& entry) { return entry.at > at; });
    life.timeline.insert(later, {at, "paid", after->provider, {}, ""});
  }
  life.order_id = d.next.order.id;
  life.store_id = d.next.order.store_id;
  life.version = now_.life.version + 1;
  d.rows.push_back(storage::put_order_life{life, now_.life.version});
  d.nothing = false;
  return d;
}

order_view view_of(const storage::order_snapshot& rows) {
  order_view v;
  v.order = rows.order;
  v.items = rows.items;
  v.payments = rows.payments;
  v.refunds = rows.refunds;
  v.life = rows.life;
  if (const auto* p = attempt_of(const_cast<storage::order_snapshot&>(rows))) {
    if (p->state == attempt_state::requires_action)
      v.next_action_url = p->action_url;
    v.payment_error = p->error_code;
  }
  for (const auto& r : rows.reservations)
    if (r.state == reservation_state::held)
      v.held_until = r.deadline;
  return v;
}

} // namespace souk::actors
