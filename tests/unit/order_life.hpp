#pragma once

#include "actors/order/order_machine.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <map>

// An order, and its rows as a database would keep them: for the tests of its rules.
namespace souk::testing {

using namespace souk::actors;
using storage::attempt_state;
using storage::order_status;
using storage::payment_status;
using storage::reservation_state;
using std::chrono::minutes;

inline const storage::timestamp noon{std::chrono::hours{12}};

inline storage::ulid id(int n) {
  storage::ulid out;
  out.bytes[15] = static_cast<std::uint8_t>(n);
  return out;
}

inline constexpr int order_id = 1, attempt_id = 2, buyer = 3, tea = 10, pot = 11;

inline decision placed(const std::string& type = "sandbox") {
  place_order c;
  c.by.user = id(buyer);
  c.payment = {type, "tok_ok"};
  storage::store_row s;
  s.id = id(7);
  s.currency = "EUR";
  quote q;
  for (auto [variant, quantity] : {std::pair{tea, 2}, {pot, 1}}) {
    storage::order_item_row item;
    item.line = static_cast<std::int32_t>(q.items.size()) + 1;
    item.variant_id = id(variant);
    item.quantity = quantity;
    item.unit_price = 500;
    item.total = 500 * quantity;
    q.subtotal += item.total;
    q.items.push_back(item);
  }
  q.total = q.subtotal;
  q.pricing.tax_inclusive = true;
  return order_machine::place(c, id(order_id), id(attempt_id), s, q, {}, noon, minutes{15});
}

inline const whom merchant{"merchant", id(8)};

/// What the rows of decisions add up to, as a database would keep them.
struct books {
  storage::order_snapshot rows;
  std::map<storage::ulid, std::int64_t> on_hand, reserved; ///< changes since before the order

  void write(const decision& d) {
    for (const auto& m : d.rows)
      std::visit([this](const auto& x) { apply(x); }, m);
  }
  template <class T>
  void apply(const T&) {}
  void apply(const storage::insert_order& m) {
    rows.order = m.row;
    rows.items = m.items;
  }
  void apply(const storage::update_order& m) {
    RC_ASSERT(rows.order.version == m.expected_version);
    rows.order = m.row;
    rows.order.version = m.expected_version + 1;
  }
  void apply(const storage::insert_reservation& m) {
    for (auto& r : rows.reservations)
      if (r.variant_id == m.row.variant_id) {
        RC_ASSERT(r.state == reservation_state::released); // only what was let go can be had again
        r = m.row;
        return;
      }
    rows.reservations.push_back(m.row);
  }
  void apply(const storage::set_reservations& m) {
    for (auto& r : rows.reservations)
      if (r.state == reservation_state::held || r.state == reservation_state::pinned) {
        r.state = m.state;
        if (m.state == reservation_state::held)
          r.deadline = m.deadline;
      }
  }
  void apply(const storage::insert_payment& m) { rows.payments.push_back(m.row); }
  void apply(const storage::update_payment& m) { rows.payments.back() = m.row; }
  void apply(const storage::insert_refund& m) { rows.refunds.push_back(m.row); }
  void apply(const storage::update_refund& m) {
    for (auto& r : rows.refunds)
      if (r.id == m.row.id)
        r = m.row;
  }
  void apply(const storage::put_order_life& m) {
    RC_ASSERT(rows.life.version == m.expected_version);
    rows.life = m.row;
  }
  void apply(const storage::move_stock& m) {
    on_hand[m.variant_id] += m.on_hand_delta;
    reserved[m.variant_id] += m.reserved_delta;
  }
};

inline bool is_paid(order_status s) {
  return s == order_status::paid || s == order_status::shipped || s == order_status::delivered;
}

inline gateway_answer saying(gateway_status s) {
  gateway_answer a;
  a.status = s;
  a.reference = "pay_1";
  return a;
}

/// An order and its rows, to which things happen.
struct order_life {
  order_machine machine;
  books db;
  decision last;
  bool goods_there = false; ///< whether goods that were let go can be had again
  int ids = 0;

  explicit order_life(const std::string& type = "sandbox") { take(placed(type)); }
  void take(decision d) {
    if (d.wants_goods) // they can be had, or not
      d = goods_there ? machine.honour(saying(gateway_status::succeeded), noon)
                      : machine.refund_late(saying(gateway_status::succeeded), noon);
    last = machine.sealed(std::move(d), {});
    if (last.nothing)
      return;
    db.write(last);
    machine.become(last.next);
  }
  /// @returns whether it was accepted
  bool happens(verdict v) {
    if (std::holds_alternative<caf::error>(v))
      return false;
    take(std::move(std::get<decision>(v)));
    return true;
  }
  verdict ships(const mark_shipped& command) { return machine.ship(command, id(50 + ++ids), noon, merchant); }
  bool answers(gateway_status s) { return happens(machine.payment_answered(id(attempt_id), saying(s), noon)); }
  const storage::order_row& order() const { return machine.rows().order; }
  reservation_state goods() const { return machine.rows().reservations.front().state; }
  attempt_state money() const { return machine.attempt()->state; }
};

} // namespace souk::testing
