#include "actors/order/order_steps.hpp"

#include <algorithm>

namespace souk::actors {

using namespace order_steps;
using storage::attempt_state;
using storage::fulfilment_state;
using storage::fulfilment_status;
using storage::order_status;

namespace {

constexpr std::size_t parcels_max = 200;

bool counts(const storage::fulfilment& f) noexcept {
  return f.state == fulfilment_state::shipped || f.state == fulfilment_state::delivered;
}

/// The order's own words about its parcels, from what they are.
void sum_up(decision& d) {
  auto& o = d.next.order;
  order_machine after{d.next};
  bool any = std::any_of(d.next.life.fulfilments.begin(), d.next.life.fulfilments.end(), counts);
  bool all = std::all_of(d.next.items.begin(), d.next.items.end(), [&](const auto& item) { return after.to_ship(item) == 0; });
  o.fulfilment = !any ? fulfilment_status::unfulfilled : all ? fulfilment_status::fulfilled : fulfilment_status::partial;
  o.status = any && all ? order_status::shipped : order_status::paid;
  o.carrier.clear();
  o.tracking_number.clear();
  o.tracking_url.clear();
  for (const auto& f : d.next.life.fulfilments)
    if (counts(f)) {
      o.carrier = f.carrier;
      o.tracking_number = f.tracking_number;
      o.tracking_url = f.tracking_url;
    }
}

event_fields about(const storage::fulfilment& f) {
  return {{"fulfilment_id", f.id.str()},
          {"carrier", f.carrier},
          {"tracking_number", f.tracking_number},
          {"tracking_url", f.tracking_url}};
}

} // namespace

std::int64_t order_machine::to_ship(const storage::order_item_row& item) const {
  auto left = item.quantity - pieces_left(now_, item.line);
  // What was refunded without coming back was not sent, as far as there is something that was not.
  for (const auto& r : now_.refunds)
    if (r.state != storage::refund_state::failed && r.reason != "return")
      for (const auto& l : r.lines)
        if (l.line == item.line)
          left -= l.quantity;
  return std::max<std::int64_t>(left, 0);
}

verdict order_machine::ship(const mark_shipped& command, const storage::ulid& fulfilment_id, storage::timestamp now,
                            const whom& by, const std::string& source, const std::string& external_id) const {
  const auto* p = attempt();
  if (now_.order.status == order_status::pending && p != nullptr && p->state == attempt_state::authorized)
    return refuse(errc::illegal_transition, "capture the payment before the order is shipped");
  if (now_.order.status != order_status::paid || (p != nullptr && p->state == attempt_state::refunding))
    return refuse(errc::illegal_transition, "only a paid order can be shipped");
  if (now_.life.fulfilments.size() >= parcels_max)
    return refuse(errc::limit_exceeded, "an order has at most 200 parcels");
  storage::fulfilment f;
  f.id = fulfilment_id;
  f.state = fulfilment_state::shipped;
  f.carrier = command.carrier;
  f.tracking_number = command.tracking_number;
  f.tracking_url = command.tracking_url;
  f.source = source;
  f.external_id = external_id;
  f.created_at = f.shipped_at = now;
  if (command.lines.empty()) {
    for (const auto& item : now_.items)
      if (auto left = to_ship(item); left > 0)
        f.lines.push_back({item.line, left});
    if (f.lines.empty())
      return refuse(errc::illegal_transition, "nothing of the order is left to be shipped");
  }
  for (std::size_t i = 0; i < command.lines.size(); ++i) {
    const auto& l = command.lines[i];
    const auto field = "lines[" + std::to_string(i) + "]";
    auto item = std::find_if(now_.items.begin(), now_.items.end(), [&](const auto& x) { return x.line == l.line; });
    if (item == now_.items.end())
      return refuse(errc::invalid, "the order has no such line", field + ".line");
    if (std::any_of(f.lines.begin(), f.lines.end(), [&](const auto& x) { return x.line == l.line; }))
      return refuse(errc::invalid, "each line stands once", field + ".line");
    if (l.quantity < 1 || l.quantity > to_ship(*item))
      return refuse(errc::invalid, std::to_string(to_ship(*item)) + " pieces of this line are left to be shipped",
                    field + ".quantity");
    f.lines.push_back(l);
  }
  auto d = begin(now_);
  d.next.life.fulfilments.push_back(f);
  sum_up(d);
  write_down(d, "shipped", by, f.tracking_number.empty() ? f.carrier : f.carrier + " " + f.tracking_number, now);
  change_order(d, now);
  emit(d, d.next.order.status == order_status::shipped ? "order.shipped" : "order.partially_shipped", now, about(f));
  return d;
}

verdict order_machine::parcel_left(const actors::parcel_left& news, const storage::ulid& fulfilment_id,
                                   storage::timestamp now) const {
  const whom by{news.service, {}};
  auto known = std::find_if(now_.life.fulfilments.begin(), now_.life.fulfilments.end(), [&](const auto& f) {
    return f.source == news.service && f.external_id == news.external_id;
  });
  if (known == now_.life.fulfilments.end()) {
    if (news.voided)
      return no_change();
    mark_shipped command{{}, news.carrier, news.tracking_number, news.tracking_url, news.lines};
    return ship(command, fulfilment_id, now, by, news.service, news.external_id);
  }
  auto d = begin(now_);
  auto& f = d.next.life.fulfilments[static_cast<std::size_t>(known - now_.life.fulfilments.begin())];
  if (news.voided) {
    if (f.state != fulfilment_state::shipped)
      return no_change();
    f.state = fulfilment_state::cancelled;
    write_down(d, "shipment_voided", by, f.tracking_number, now);
  } else {
    if (f.carrier == news.carrier && f.tracking_number == news.tracking_number && f.tracking_url == news.tracking_url)
      return no_change();
    f.carrier = news.carrier;
    f.tracking_number = news.tracking_number;
    f.tracking_url = news.tracking_url;
    write_down(d, "tracking_changed", by, f.tracking_number, now);
  }
  auto status = d.next.order.status;
  sum_up(d);
  if (status == order_status::delivered && !news.voided)
    d.next.order.status = status;
  change_order(d, now);
  emit(d, "order.fulfilment_changed", now, about(f));
  return d;
}

verdict order_machine::deliver(const storage::ulid& fulfilment_id, storage::timestamp now, const whom& by) const {
  if (now_.order.status == order_status::delivered)
    return no_change();
  auto d = begin(now_);
  bool any = now_.life.fulfilments.empty() && fulfilment_id.is_nil() && now_.order.status == order_status::shipped;
  bool found = fulfilment_id.is_nil();
  for (auto& f : d.next.life.fulfilments) {
    if (!fulfilment_id.is_nil() && f.id != fulfilment_id)
      continue;
    found = true;
    if (f.state != fulfilment_state::shipped)
      continue;
    f.state = fulfilment_state::delivered;
    f.delivered_at = now;
    write_down(d, "delivered", by, f.tracking_number, now);
    any = true;
  }
  if (!found)
    return refuse(errc::not_found, "the order has no such parcel", "fulfilment_id");
  if (!any) {
    if (!fulfilment_id.is_nil())
      return no_change();
    return refuse(errc::illegal_transition, "only a shipped order can be delivered");
  }
  bool all = now_.order.status == order_status::shipped
             && std::none_of(d.next.life.fulfilments.begin(), d.next.life.fulfilments.end(),
                             [](const auto& f) { return f.state == fulfilment_state::shipped; });
  if (!all)
    return d;
  d.next.order.status = order_status::delivered;
  change_order(d, now);
  emit(d, "order.delivered", now);
  return d;
}

} // namespace souk::actors
