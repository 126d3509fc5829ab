#include "actors/order/order_machine.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <map>

using namespace souk;
using namespace souk::actors;
using storage::attempt_state;
using storage::order_status;
using storage::payment_status;
using storage::reservation_state;
using std::chrono::minutes;

namespace {

const storage::timestamp noon{std::chrono::hours{12}};

storage::ulid id(int n) {
  storage::ulid out;
  out.bytes[15] = static_cast<std::uint8_t>(n);
  return out;
}

constexpr int order_id = 1, attempt_id = 2, buyer = 3, tea = 10, pot = 11;

decision placed(const std::string& type = "sandbox") {
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
  return order_machine::place(c, id(order_id), id(attempt_id), s, q, noon, minutes{15});
}

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
  void apply(const storage::insert_reservation& m) { rows.reservations.push_back(m.row); }
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
  void apply(const storage::move_stock& m) {
    on_hand[m.variant_id] += m.on_hand_delta;
    reserved[m.variant_id] += m.reserved_delta;
  }
};

bool is_paid(order_status s) {
  return s == order_status::paid || s == order_status::shipped || s == order_status::delivered;
}

gateway_answer saying(gateway_status s) {
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

  explicit order_life(const std::string& type = "sandbox") { take(placed(type)); }
  void take(decision d) {
    last = std::move(d);
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
  bool answers(gateway_status s) { return happens(machine.payment_answered(id(attempt_id), saying(s), noon)); }
  const storage::order_row& order() const { return machine.rows().order; }
  reservation_state goods() const { return machine.rows().reservations.front().state; }
  attempt_state money() const { return machine.attempt()->state; }
};

} // namespace

TEST_CASE("a new order pins its goods while its payment is on the way", "[order_machine]") {
  order_life o;
  CHECK(o.order().status == order_status::pending);
  CHECK(o.goods() == reservation_state::pinned);
  CHECK(o.money() == attempt_state::started);
  CHECK(call_for(o.money()) == gateway_call::authorize);
  CHECK(o.db.reserved[id(tea)] == 2);
}

TEST_CASE("paid goods leave the shelf", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::succeeded));
  CHECK(o.order().status == order_status::paid);
  CHECK(o.order().payment == payment_status::completed);
  CHECK(o.goods() == reservation_state::claimed);
  CHECK(o.db.on_hand[id(tea)] == -2);
  CHECK(o.db.reserved[id(tea)] == 0);
  CHECK(o.last.settles == reservation_state::claimed);
  CHECK(o.machine.settled());
  CHECK(o.answers(gateway_status::succeeded)); // told twice
  CHECK(o.last.nothing);
}

TEST_CASE("a declined payment frees the goods", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::declined));
  CHECK(o.order().status == order_status::cancelled);
  CHECK(o.order().note == "payment_declined");
  CHECK(o.goods() == reservation_state::released);
  CHECK(o.db.on_hand[id(tea)] == 0);
  CHECK(o.db.reserved[id(tea)] == 0);
}

TEST_CASE("while a person must act the deadline counts", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::requires_action));
  CHECK(o.goods() == reservation_state::held);
  CHECK(view_of(o.machine.rows()).held_until == noon + minutes{15});
}

TEST_CASE("past its deadline an order is held until the gateway has confirmed the cancel", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::requires_action));
  REQUIRE(o.happens(o.machine.reservation_expired(noon + minutes{15})));
  CHECK(o.order().status == order_status::pending);
  CHECK(o.goods() == reservation_state::pinned);
  CHECK(o.money() == attempt_state::cancelling);
  SECTION("it does: the goods are free") {
    REQUIRE(o.answers(gateway_status::cancelled));
    CHECK(o.order().status == order_status::cancelled);
    CHECK(o.order().note == "reservation_expired");
    CHECK(o.goods() == reservation_state::released);
  }
  SECTION("the money was faster: the order is paid") {
    REQUIRE(o.answers(gateway_status::succeeded));
    CHECK(o.order().status == order_status::paid);
    CHECK(o.order().note.empty());
    CHECK(o.goods() == reservation_state::claimed);
  }
  SECTION("no answer: still held, still asked") {
    REQUIRE(o.answers(gateway_status::unknown));
    CHECK(o.last.nothing);
    CHECK(call_for(o.money()) == gateway_call::cancel);
  }
}

TEST_CASE("money that arrives after the release goes back at once", "[order_machine]") {
  order_life o;
  REQUIRE(o.happens(o.machine.cancel("cancelled_by_customer", noon)));
  REQUIRE(o.answers(gateway_status::cancelled));
  REQUIRE(o.goods() == reservation_state::released);
  REQUIRE(o.answers(gateway_status::succeeded));
  CHECK(o.money() == attempt_state::refunding);
  CHECK(o.order().status == order_status::cancelled);
  REQUIRE(o.answers(gateway_status::refunded));
  CHECK(o.order().status == order_status::cancelled);
  CHECK(o.order().payment == payment_status::refunded);
  CHECK(o.db.on_hand[id(tea)] == 0); // nothing had left the shelf, nothing comes back
}

TEST_CASE("cancelled by its shopper while the money was taken, an order is refunded and its goods return", "[order_machine]") {
  order_life o;
  bool expired_first = GENERATE(false, true);
  if (expired_first)
    REQUIRE(o.happens(o.machine.reservation_expired(noon + minutes{15})));
  REQUIRE(o.happens(o.machine.cancel("cancelled_by_customer", noon)));
  REQUIRE(o.answers(gateway_status::succeeded));
  CHECK(o.order().status == order_status::paid);
  CHECK(o.money() == attempt_state::refunding);
  REQUIRE(o.answers(gateway_status::refunded));
  CHECK(o.order().status == order_status::refunded);
  CHECK(o.order().note == "cancelled_by_customer");
  CHECK(o.db.on_hand[id(tea)] == 0);
}

TEST_CASE("a paid order that is cancelled is refunded, and its goods come back", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::succeeded));
  REQUIRE(o.happens(o.machine.cancel("cancelled_by_merchant", noon)));
  CHECK(o.money() == attempt_state::refunding);
  CHECK_FALSE(o.happens(o.machine.ship({}, noon))); // its money is on the way back
  REQUIRE(o.answers(gateway_status::refunded));
  CHECK(o.order().status == order_status::refunded);
  CHECK(o.db.on_hand[id(tea)] == 0);
  CHECK(o.machine.settled());
}

TEST_CASE("a shipped order is neither cancelled nor shipped again", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::succeeded));
  CHECK_FALSE(o.happens(o.machine.deliver(noon)));
  REQUIRE(o.happens(o.machine.ship({{}, "DHL", "1Z", ""}, noon)));
  CHECK_FALSE(o.happens(o.machine.cancel("cancelled_by_customer", noon)));
  CHECK_FALSE(o.happens(o.machine.ship({}, noon)));
  REQUIRE(o.happens(o.machine.deliver(noon)));
  CHECK(o.order().status == order_status::delivered);
  CHECK(o.order().tracking_number == "1Z");
}

TEST_CASE("a manual payment is held until the merchant confirms it or its deadline", "[order_machine]") {
  order_life o("manual");
  CHECK(o.goods() == reservation_state::held);
  CHECK(call_for(o.money()) == gateway_call::none);
  SECTION("confirmed") {
    REQUIRE(o.happens(o.machine.confirm_manual(noon)));
    CHECK(o.order().status == order_status::paid);
    REQUIRE(o.happens(o.machine.cancel("cancelled_by_merchant", noon))); // given back by hand
    CHECK(o.order().status == order_status::refunded);
  }
  SECTION("too late") {
    REQUIRE(o.happens(o.machine.reservation_expired(noon + minutes{15})));
    CHECK(o.order().status == order_status::cancelled);
    CHECK(o.goods() == reservation_state::released);
    CHECK_FALSE(o.happens(o.machine.confirm_manual(noon)));
  }
}

TEST_CASE("an answer about an attempt of long ago changes nothing", "[order_machine]") {
  order_life o;
  REQUIRE(o.happens(o.machine.payment_answered(id(99), saying(gateway_status::succeeded), noon)));
  CHECK(o.last.nothing);
}

// Every event in every state that events lead to, also those that no sane gateway would send.
TEST_CASE("whatever happens to an order, it is never paid and released", "[order_machine]") {
  auto type = GENERATE(std::string{"sandbox"}, std::string{"manual"});
  CHECK(rc::check([type] {
    order_life o(type);
    auto events = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 15));
    auto before = o.machine.rows();
    for (auto e : events) {
      before = o.machine.rows();
      if (e < 9)
        o.answers(static_cast<gateway_status>(e + 1));
      else if (e == 9)
        o.happens(o.machine.reservation_expired(noon + minutes{15}));
      else if (e == 10)
        o.happens(o.machine.cancel("cancelled_by_customer", noon));
      else if (e == 11)
        o.happens(o.machine.cancel("cancelled_by_merchant", noon));
      else if (e == 12)
        o.happens(o.machine.confirm_manual(noon));
      else if (e == 13)
        o.happens(o.machine.ship({}, noon));
      else
        o.happens(o.machine.deliver(noon));

      const auto& now = o.machine.rows();
      auto status = now.order.status;
      // The rows that were written say what memory became.
      RC_ASSERT(o.db.rows.order == now.order);
      RC_ASSERT(o.db.rows.reservations == now.reservations);
      RC_ASSERT(o.db.rows.payments == now.payments);
      bool settled_now = false;
      for (std::size_t i = 0; i < now.reservations.size(); ++i) {
        const auto& r = now.reservations[i];
        bool is_open = r.state == reservation_state::held || r.state == reservation_state::pinned;
        auto was = before.reservations[i].state;
        bool was_open = was == reservation_state::held || was == reservation_state::pinned;
        RC_ASSERT(was_open || r.state == was); // claimed and released are final
        settled_now = settled_now || (was_open && !is_open);
        RC_ASSERT(!(is_paid(status) && r.state != reservation_state::claimed));
        RC_ASSERT(!(status == order_status::pending && !is_open));
        RC_ASSERT(!(status == order_status::cancelled && r.state != reservation_state::released));
        RC_ASSERT(!(status == order_status::refunded && r.state != reservation_state::claimed));
        // What moved is what the reservation's state says.
        RC_ASSERT(o.db.reserved[r.variant_id] == (is_open ? r.quantity : 0));
        RC_ASSERT(o.db.on_hand[r.variant_id] == (is_paid(status) ? -r.quantity : 0));
      }
      if (!o.last.nothing && settled_now)
        RC_ASSERT(o.last.settles.has_value());
      // Goods are held by a timer or by the gateway, never by nobody.
      if (o.machine.holds_goods())
        RC_ASSERT(call_for(o.money()) != gateway_call::none || o.goods() == reservation_state::held);
      if (is_paid(status))
        RC_ASSERT(o.money() == attempt_state::succeeded || o.money() == attempt_state::refunding);
      if (status == order_status::refunded)
        RC_ASSERT(o.money() == attempt_state::refunded);
      RC_ASSERT(!(status == order_status::cancelled && o.money() == attempt_state::succeeded));
    }
  }));
}
