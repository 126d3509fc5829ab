#include "actors/order/order_steps.hpp"

#include <algorithm>

namespace souk::actors {

using namespace order_steps;
using storage::order_status;
using storage::return_state;

namespace {

constexpr std::size_t returns_max = 50;

bool stands(const storage::order_return& r) noexcept {
  return r.state != return_state::declined && r.state != return_state::cancelled;
}

/// Pieces of a line that are with the shopper and not on their way back.
std::int64_t returnable(const storage::order_snapshot& rows, const storage::order_item_row& item) {
  auto pieces = pieces_left(rows, item.line);
  if (rows.life.fulfilments.empty() && rows.order.status != order_status::paid)
    pieces = item.quantity; // shipped by an earlier release, which kept no parcels
  for (const auto& r : rows.life.returns)
    if (stands(r))
      for (const auto& l : r.lines)
        if (l.line == item.line)
          pieces -= r.state == return_state::requested || r.state == return_state::approved ? l.quantity : l.received;
  return std::clamp<std::int64_t>(pieces, 0, pieces_out(rows, item));
}

storage::order_return* find(storage::order_snapshot& rows, const storage::ulid& id) {
  for (auto& r : rows.life.returns)
    if (r.id == id)
      return &r;
  return nullptr;
}

event_fields about(const storage::order_return& r) {
  return {{"return_id", r.id.str()}, {"return_note", r.note}, {"exchange", r.exchange ? "true" : "false"}};
}

} // namespace

verdict order_machine::request_return(const actors::request_return& command, storage::timestamp now, const whom& by) const {
  for (const auto& r : now_.life.returns)
    if (r.id == command.return_id)
      return no_change();
  if (now_.order.status != order_status::shipped && now_.order.status != order_status::delivered
      && now_.order.fulfilment != storage::fulfilment_status::partial)
    return refuse(errc::illegal_transition, "only what has been shipped can come back");
  if (now_.life.returns.size() >= returns_max)
    return refuse(errc::limit_exceeded, "an order has at most 50 returns");
  if (command.lines.empty())
    return refuse(errc::invalid, "name at least one line", "lines");
  storage::order_return r;
  r.id = command.return_id;
  r.state = by.who == "merchant" ? return_state::approved : return_state::requested;
  r.exchange = command.exchange;
  r.note = command.note;
  r.created_at = r.updated_at = now;
  for (std::size_t i = 0; i < command.lines.size(); ++i) {
    const auto& l = command.lines[i];
    const auto field = "lines[" + std::to_string(i) + "]";
    auto item = std::find_if(now_.items.begin(), now_.items.end(), [&](const auto& x) { return x.line == l.line; });
    if (item == now_.items.end())
      return refuse(errc::invalid, "the order has no such line", field + ".line");
    if (std::any_of(r.lines.begin(), r.lines.end(), [&](const auto& x) { return x.line == l.line; }))
      return refuse(errc::invalid, "each line stands once", field + ".line");
    auto left = returnable(now_, *item);
    if (l.quantity < 1 || l.quantity > left)
      return refuse(errc::invalid, std::to_string(left) + " pieces of this line can come back", field + ".quantity");
    r.lines.push_back({l.line, l.quantity, l.reason, 0, 0});
  }
  auto d = begin(now_);
  d.next.life.returns.push_back(r);
  write_down(d, "return_requested", by, r.note, now);
  emit(d, r.state == return_state::approved ? "return.approved" : "return.requested", now, about(r));
  return d;
}

verdict order_machine::step_return(const actors::step_return& command, storage::timestamp now, const whom& by) const {
  auto d = begin(now_);
  auto* r = find(d.next, command.return_id);
  if (r == nullptr)
    return refuse(errc::not_found, "the order has no such return", "return_id");
  bool waits = r->state == return_state::requested || r->state == return_state::approved;
  return_state to{};
  const char* word = "";
  bool allowed = false;
  switch (command.step) {
    case return_step::approve:
      to = return_state::approved, word = "approved", allowed = r->state == return_state::requested;
      break;
    case return_step::decline: to = return_state::declined, word = "declined", allowed = waits; break;
    case return_step::cancel: to = return_state::cancelled, word = "cancelled", allowed = waits; break;
    case return_step::close: to = return_state::closed, word = "closed", allowed = r->state == return_state::received; break;
  }
  // The order that was made for an exchange came to nothing, and there is another one.
  bool relinks = to == return_state::closed && r->state == to && !command.exchange_order_id.is_nil()
                 && !r->exchange_order_id.is_nil() && command.exchange_order_id != r->exchange_order_id;
  if (relinks)
    allowed = true;
  else if (r->state == to)
    return no_change();
  if (!allowed)
    return refuse(errc::illegal_transition, std::string{"this return cannot be "} + word + " any more");
  r->state = to;
  r->updated_at = now;
  if (!command.note.empty())
    r->note = command.note;
  if (!command.exchange_order_id.is_nil())
    r->exchange_order_id = command.exchange_order_id;
  write_down(d, std::string{"return_"} + word, by, command.note, now);
  emit(d, std::string{"return."} + word, now, about(*r));
  return d;
}

verdict order_machine::receive_return(const actors::receive_return& command, const storage::ulid& refund_id,
                                      storage::timestamp now, const whom& by) const {
  auto d = begin(now_);
  auto* r = find(d.next, command.return_id);
  if (r == nullptr)
    return refuse(errc::not_found, "the order has no such return", "return_id");
  if (r->state == return_state::received || r->state == return_state::closed)
    return no_change();
  if (r->state != return_state::requested && r->state != return_state::approved)
    return refuse(errc::illegal_transition, "this return was declined or cancelled");
  if (now_.order.status != order_status::paid && now_.order.status != order_status::shipped
      && now_.order.status != order_status::delivered)
    return refuse(errc::illegal_transition, "the order is over: its goods are back already");
  for (auto& l : r->lines)
    l.received = l.restocked = command.lines.empty() ? l.quantity : 0;
  for (std::size_t i = 0; i < command.lines.size(); ++i) {
    const auto& came = command.lines[i];
    const auto field = "lines[" + std::to_string(i) + "]";
    auto l = std::find_if(r->lines.begin(), r->lines.end(), [&](const auto& x) { return x.line == came.line; });
    if (l == r->lines.end())
      return refuse(errc::invalid, "the return has no such line", field + ".line");
    if (came.received < 0 || came.received > l->quantity)
      return refuse(errc::invalid, "0 to " + std::to_string(l->quantity) + " pieces can have come", field + ".received");
    if (came.restocked < 0 || came.restocked > came.received)
      return refuse(errc::invalid, "at most what came can be sold again", field + ".restocked");
    l->received = came.received;
    l->restocked = came.restocked;
  }
  std::int64_t price = 0;
  std::vector<storage::refund_line> lines;
  for (const auto& l : r->lines) {
    auto item = std::find_if(now_.items.begin(), now_.items.end(), [&](const auto& x) { return x.line == l.line; });
    if (item == now_.items.end() || l.received == 0)
      continue;
    // A parcel may have been voided and goods taken back with a refund since the return was asked for.
    auto most = std::min(pieces_out(now_, *item), now_.life.fulfilments.empty() ? item->quantity : pieces_left(now_, l.line));
    if (l.received > most)
      return refuse(errc::illegal_transition, "only " + std::to_string(most) + " pieces of this line are with the customer",
                    "lines");
    if (l.restocked > 0)
      d.rows.push_back(storage::move_stock{item->variant_id, item->store_id, l.restocked, 0, "returned", now_.order.id, by.by,
                                           r->note, now});
    auto amount = price_of(*item, l.received);
    price += amount;
    lines.push_back({l.line, l.received, amount, false});
  }
  r->state = return_state::received;
  r->updated_at = now;
  auto amount = command.amount.value_or(std::min(price, refundable()));
  if (amount < 0 || amount > refundable())
    return refuse(errc::invalid, "at most " + std::to_string(refundable()) + " minor units can still go back", "amount");
  write_down(d, "return_received", by, r->note, now);
  emit(d, "return.received", now, about(*r));
  if (r->exchange || !command.refund)
    return d; // closed by hand, when the other goods are on their way
  if (amount == 0) {
    r->state = return_state::closed;
    return d;
  }
  r->refund_id = refund_id;
  write_down(d, "refunded", by, std::to_string(amount), now);
  give_back(d, amount, refund_id, std::move(lines), "return", r->note, by, now);
  return d;
}

} // namespace souk::actors
