#include "actors/order/order_steps.hpp"

#include <algorithm>

namespace souk::actors {

using namespace order_steps;
using storage::attempt_state;
using storage::order_status;
using storage::refund_state;

namespace {

constexpr std::int32_t shipping_line = 0; ///< the "line" of a refund that is about what was paid for shipping
constexpr std::size_t refunds_max = 100;

std::int64_t pieces_refunded(const storage::order_snapshot& rows, std::int32_t line) {
  std::int64_t pieces = 0;
  for (const auto& r : rows.refunds)
    if (r.state != refund_state::failed)
      for (const auto& l : r.lines)
        if (l.line == line)
          pieces += l.quantity;
  return pieces;
}

__extension__ typedef __int128 wide;

} // namespace

std::int64_t order_machine::refundable() const {
  std::int64_t sum = 0;
  for (const auto& p : now_.payments)
    sum += left_of(now_, p);
  // What came back for other goods was paid for with them.
  for (const auto& r : now_.life.returns)
    if (!r.exchange_order_id.is_nil())
      for (const auto& l : r.lines)
        for (const auto& item : now_.items)
          if (item.line == l.line) {
            const auto net = item.total - item.discount + (now_.order.pricing.tax_inclusive ? 0 : item.tax);
            sum -= static_cast<std::int64_t>(static_cast<wide>(net) * l.received / item.quantity);
          }
  return std::max<std::int64_t>(sum, 0);
}

std::int64_t order_machine::price_of(const storage::order_item_row& item, std::int64_t pieces) const {
  const auto net = item.total - item.discount + (now_.order.pricing.tax_inclusive ? 0 : item.tax);
  const auto before = pieces_refunded(now_, item.line);
  auto up_to = [&](std::int64_t n) { return static_cast<std::int64_t>(static_cast<wide>(net) * n / item.quantity); };
  return up_to(before + pieces) - up_to(before);
}

verdict order_machine::refund(const refund_order& command, storage::timestamp now, const whom& by) const {
  const auto& o = now_.order;
  if (std::any_of(now_.refunds.begin(), now_.refunds.end(), [&](const auto& r) { return r.id == command.refund_id; }))
    return no_change();
  if (o.status != order_status::paid && o.status != order_status::shipped && o.status != order_status::delivered)
    return refuse(errc::illegal_transition, "only money that was taken can go back");
  if (attempt() != nullptr && attempt()->state == attempt_state::refunding)
    return refuse(errc::illegal_transition, "all of the money is on its way back already");
  if (now_.refunds.size() >= refunds_max)
    return refuse(errc::limit_exceeded, "an order has at most 100 refunds");
  auto lines = command.lines;
  std::int64_t price = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto& l = lines[i];
    const auto field = "lines[" + std::to_string(i) + "]";
    auto item = std::find_if(now_.items.begin(), now_.items.end(), [&](const auto& x) { return x.line == l.line; });
    if (item == now_.items.end())
      return refuse(errc::invalid, "the order has no such line", field + ".line");
    if (std::any_of(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(i), [&](const auto& x) { return x.line == l.line; }))
      return refuse(errc::invalid, "each line stands once", field + ".line");
    auto left = item->quantity - pieces_refunded(now_, l.line);
    if (l.quantity < 1 || l.quantity > left)
      return refuse(errc::invalid, "1 to " + std::to_string(left) + " pieces of this line can be refunded", field + ".quantity");
    if (l.restock && l.quantity > pieces_out(now_, *item))
      return refuse(errc::invalid, "at most " + std::to_string(pieces_out(now_, *item)) + " pieces can come back on the shelf",
                    field + ".restock");
    l.amount = price_of(*item, l.quantity);
    price += l.amount;
  }
  if (command.shipping) {
    if (pieces_refunded(now_, shipping_line) > 0)
      return refuse(errc::invalid, "the shipping has been refunded", "shipping");
    auto sum = o.shipping + (o.pricing.tax_inclusive ? 0 : o.pricing.shipping_tax);
    lines.push_back({shipping_line, 1, sum, false});
    price += sum;
  }
  auto amount = command.amount.value_or(price);
  if (amount < 1)
    return refuse(errc::invalid, "name lines or an amount that shall go back", "amount");
  if (amount > refundable())
    return refuse(errc::invalid, "at most " + std::to_string(refundable()) + " minor units can still go back", "amount");
  auto d = begin(now_);
  for (const auto& l : lines) {
    auto item = std::find_if(now_.items.begin(), now_.items.end(), [&](const auto& x) { return x.line == l.line; });
    if (l.restock && item != now_.items.end())
      d.rows.push_back(storage::move_stock{item->variant_id, item->store_id, l.quantity, 0, "returned", o.id, by.by,
                                           command.note, now});
  }
  write_down(d, "refunded", by, std::to_string(amount), now);
  give_back(d, amount, command.refund_id, std::move(lines), command.reason.empty() ? "requested_by_customer" : command.reason,
            command.note, by, now);
  return d;
}

verdict order_machine::refund_answered(const storage::ulid& id, const gateway_answer& answer, storage::timestamp now) const {
  auto at = std::find_if(now_.refunds.begin(), now_.refunds.end(), [&](const auto& r) { return r.id == id; });
  if (at == now_.refunds.end() || !under_way(*at))
    return no_change();
  auto d = begin(now_);
  auto& r = d.next.refunds[static_cast<std::size_t>(at - now_.refunds.begin())];
  if (!answer.refund_reference.empty())
    r.provider_reference = answer.refund_reference;
  r.updated_at = now;
  switch (answer.status) {
    case gateway_status::refunded:
    case gateway_status::succeeded: {
      refund_done(d, r, now);
      d.rows.push_back(storage::update_refund{r});
      change_order(d, now);
      emit(d, "order.refunded", now, {{"refund_id", r.id.str()}, {"amount", std::to_string(r.amount)}});
      return d;
    }
    case gateway_status::processing:
    case gateway_status::requires_action:
      if (r.state == refund_state::pending)
        return no_change();
      r.state = refund_state::pending;
      d.rows.push_back(storage::update_refund{r});
      return d;
    case gateway_status::rejected:
    case gateway_status::declined:
    case gateway_status::cancelled:
    case gateway_status::not_found: {
      // The money is still here, and a person must look: another refund may be tried.
      r.state = refund_state::failed;
      r.error_code = answer.code.empty() ? "not_found" : answer.code;
      d.rows.push_back(storage::update_refund{r});
      if (auto* p = attempt_of(d.next); p != nullptr && p->id == r.payment_id && p->state == attempt_state::refunding) {
        p->state = attempt_state::succeeded;
        p->updated_at = now;
        d.rows.push_back(storage::update_payment{*p});
      }
      for (auto& back : d.next.life.returns)
        if (back.refund_id == r.id)
          back.refund_id = {};
      write_down(d, "refund_failed", {attempt()->provider, {}}, r.error_code, now);
      emit(d, "order.refund_failed", now, {{"refund_id", r.id.str()}, {"amount", std::to_string(r.amount)}, {"error", r.error_code}});
      return d;
    }
    case gateway_status::authorized:
    case gateway_status::unknown:
    case gateway_status::not_now: return no_change();
  }
  return no_change();
}

} // namespace souk::actors
