#include "actors/order/order_steps.hpp"

#include <algorithm>

namespace souk::actors::order_steps {

using storage::attempt_state;
using storage::order_status;
using storage::payment_status;
using storage::refund_state;
using storage::reservation_state;

bool open(const storage::reservation_row& r) noexcept {
  return r.state == reservation_state::held || r.state == reservation_state::pinned;
}

bool final(attempt_state s) noexcept {
  return s == attempt_state::succeeded || s == attempt_state::declined || s == attempt_state::cancelled
         || s == attempt_state::refunded;
}

bool under_way(const storage::refund_row& r) noexcept {
  return r.state == refund_state::started || r.state == refund_state::pending;
}

decision no_change() {
  decision d;
  d.nothing = true;
  return d;
}

decision begin(const storage::order_snapshot& now) {
  decision d;
  d.next = now;
  return d;
}

storage::payment_row* attempt_of(storage::order_snapshot& rows) noexcept {
  for (auto at = rows.payments.rbegin(); at != rows.payments.rend(); ++at)
    if (at->provider != gift_card)
      return &*at;
  return nullptr;
}

decision both(decision first, decision second) {
  const auto* from = attempt_of(first.next);
  auto* to = attempt_of(second.next);
  if (from != nullptr && to != nullptr)
    *to = *from;
  second.rows.insert(second.rows.begin(), first.rows.begin(), first.rows.end());
  return second;
}

void emit(decision& d, std::string topic, storage::timestamp now, event_fields more) {
  const auto& o = d.next.order;
  event_fields fields{{"order_id", o.id.str()}, {"user_id", o.user_id.str()}, {"total", std::to_string(o.total)},
                      {"currency", o.currency}, {"email", o.email},           {"note", o.note}};
  fields.insert(fields.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  d.rows.push_back(storage::emit_event{o.store_id, std::move(topic), o.id, std::move(fields), now});
}

void change_order(decision& d, storage::timestamp now) {
  // One decision changes the row once: what is added later in it belongs to the same new version.
  for (auto& row : d.rows)
    if (auto* u = std::get_if<storage::update_order>(&row)) {
      d.next.order.updated_at = now;
      u->row = d.next.order;
      return;
    }
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

void write_down(decision& d, std::string what, const whom& by, std::string text, storage::timestamp now) {
  d.next.life.timeline.push_back({now, std::move(what), by.who, by.by, std::move(text)});
}

std::string customer_of(const storage::order_row& o) {
  return o.email.empty() ? o.user_id.str() : o.email;
}

void give_cards_back(decision& d, storage::timestamp now) {
  for (auto& p : d.next.payments) {
    if (p.provider != gift_card || p.state != attempt_state::authorized)
      continue;
    p.state = attempt_state::cancelled;
    p.captured = 0;
    p.updated_at = now;
    d.rows.push_back(storage::update_payment{p});
    if (auto card = storage::ulid::parse(p.method_token))
      d.rows.push_back(storage::move_gift_card{{*card, p.store_id, p.order_id, p.amount, "given_back", now}});
  }
}

void give_codes_back(decision& d, storage::timestamp now) {
  const auto& o = d.next.order;
  for (const auto& given : o.pricing.discounts)
    if (!given.code.empty())
      d.rows.push_back(storage::put_discount_use{{o.store_id, given.code, o.id, customer_of(o), true, now}, false});
}

std::int64_t left_of(const storage::order_snapshot& rows, const storage::payment_row& p) {
  if (p.state != attempt_state::succeeded && p.state != attempt_state::refunding)
    return 0;
  auto left = p.captured;
  for (const auto& r : rows.refunds)
    if (r.payment_id == p.id && r.state != refund_state::failed)
      left -= r.amount;
  return std::max<std::int64_t>(left, 0);
}

std::int64_t pieces_out(const storage::order_snapshot& rows, const storage::order_item_row& item) {
  auto pieces = item.quantity;
  for (const auto& r : rows.refunds) // goods came back at once, whatever became of the money
    for (const auto& line : r.lines)
      if (line.line == item.line && line.restock)
        pieces -= line.quantity;
  for (const auto& r : rows.life.returns)
    for (const auto& line : r.lines)
      if (line.line == item.line)
        pieces -= line.received; // sold again or written off
  return std::max<std::int64_t>(pieces, 0);
}

std::int64_t pieces_left(const storage::order_snapshot& rows, std::int32_t line) {
  std::int64_t pieces = 0;
  for (const auto& f : rows.life.fulfilments)
    if (f.state == storage::fulfilment_state::shipped || f.state == storage::fulfilment_state::delivered)
      for (const auto& l : f.lines)
        if (l.line == line)
          pieces += l.quantity;
  return pieces;
}

void refund_done(decision& d, storage::refund_row& r, storage::timestamp now) {
  r.state = refund_state::succeeded;
  r.updated_at = now;
  auto& o = d.next.order;
  for (auto& p : d.next.payments) {
    if (p.id != r.payment_id)
      continue;
    p.refunded += r.amount;
    if (p.refunded >= p.captured)
      p.state = attempt_state::refunded;
    p.updated_at = now;
    d.rows.push_back(storage::update_payment{p});
    if (p.provider == gift_card)
      if (auto card = storage::ulid::parse(p.method_token))
        d.rows.push_back(storage::move_gift_card{{*card, p.store_id, p.order_id, r.amount, "refunded", now}});
  }
  o.refunded += r.amount;
  bool nothing_left = std::all_of(d.next.payments.begin(), d.next.payments.end(),
                                  [](const auto& p) { return p.refunded >= p.captured; });
  o.payment = nothing_left ? payment_status::refunded : payment_status::partially_refunded;
  if (nothing_left && o.status == order_status::paid && o.fulfilment == storage::fulfilment_status::unfulfilled) {
    o.status = order_status::refunded;
    // Cancelled before shipment: what was not sold again by an earlier refund can be sold again now.
    if (r.reason == "cancelled" || r.reason == "at_provider")
      for (const auto& item : d.next.items) {
        if (auto pieces = pieces_out(d.next, item); pieces > 0)
          d.rows.push_back(storage::move_stock{item.variant_id, item.store_id, pieces, 0, "returned", o.id, o.user_id, o.note, now});
      }
  }
  for (auto& back : d.next.life.returns)
    if (back.refund_id == r.id && back.state == storage::return_state::received) {
      back.state = storage::return_state::closed;
      back.updated_at = now;
    }
}

namespace {

// A refund that is split over several payments needs several ids, the same ones whenever it is reckoned again.
storage::ulid nth_id(storage::ulid id, std::size_t n) {
  for (auto at = id.bytes.size(); n > 0 && at-- > 10;) {
    auto sum = static_cast<std::size_t>(id.bytes[at]) + n;
    id.bytes[at] = static_cast<std::uint8_t>(sum & 255);
    n = sum >> 8;
  }
  return id;
}

} // namespace

void give_back(decision& d, std::int64_t amount, const storage::ulid& first_id, std::vector<storage::refund_line> lines,
               const std::string& reason, const std::string& note, const whom& by, storage::timestamp now) {
  std::vector<storage::payment_row> from;
  for (const auto& p : d.next.payments)
    if (p.provider != gift_card)
      from.push_back(p);
  for (const auto& p : d.next.payments)
    if (p.provider == gift_card)
      from.push_back(p);
  std::size_t n = 0;
  bool order_changed = false;
  for (const auto& p : from) {
    auto part = std::min(amount, left_of(d.next, p));
    if (part <= 0)
      continue;
    storage::refund_row r;
    r.id = nth_id(first_id, n++);
    r.order_id = d.next.order.id;
    r.store_id = d.next.order.store_id;
    r.payment_id = p.id;
    r.amount = part;
    r.currency = p.currency;
    r.lines = std::exchange(lines, {});
    r.reason = reason;
    r.note = note;
    r.by = by.by;
    r.created_at = r.updated_at = now;
    amount -= part;
    if (p.provider == gift_card || p.provider == "manual") { // nobody to ask
      d.next.refunds.push_back(r);
      refund_done(d, d.next.refunds.back(), now);
      r = d.next.refunds.back();
      emit(d, "order.refunded", now, {{"refund_id", r.id.str()}, {"amount", std::to_string(r.amount)}});
      order_changed = true;
    } else {
      d.next.refunds.push_back(r);
    }
    d.rows.push_back(storage::insert_refund{r});
  }
  if (order_changed)
    change_order(d, now);
}

} // namespace souk::actors::order_steps
