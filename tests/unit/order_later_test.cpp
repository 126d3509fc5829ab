#include "unit/order_life.hpp"

using namespace souk;
using namespace souk::testing;

TEST_CASE("money that is late is honoured if the goods can still be had", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::requires_action));
  REQUIRE(o.happens(o.machine.reservation_expired(noon + minutes{15})));
  REQUIRE(o.answers(gateway_status::cancelled));
  REQUIRE(o.goods() == reservation_state::released);
  o.goods_there = GENERATE(true, false);
  REQUIRE(o.answers(gateway_status::succeeded));
  if (o.goods_there) {
    CHECK(o.order().status == order_status::paid);
    CHECK(o.goods() == reservation_state::claimed);
    CHECK(o.db.on_hand[id(tea)] == -2);
    CHECK(o.db.reserved[id(tea)] == 0);
  } else {
    CHECK(o.order().status == order_status::cancelled);
    CHECK(o.money() == attempt_state::refunding);
    CHECK(o.machine.pending_call().what == gateway_call::refund);
  }
}

TEST_CASE("promised money is captured, in whole or in part, or let go", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::authorized));
  CHECK(o.order().payment == payment_status::authorized);
  CHECK(o.goods() == reservation_state::pinned);
  CHECK_FALSE(o.happens(o.ships({})));
  CHECK(o.happens(o.machine.reservation_expired(noon + minutes{15})));
  CHECK(o.last.nothing); // its 15 minutes do not count any more
  SECTION("captured") {
    CHECK_FALSE(o.happens(o.machine.capture(1501, noon, merchant)));
    REQUIRE(o.happens(o.machine.capture(1200, noon, merchant)));
    CHECK(o.machine.pending_call().what == gateway_call::capture);
    REQUIRE(o.answers(gateway_status::succeeded));
    CHECK(o.order().status == order_status::paid);
    CHECK(o.machine.attempt()->captured == 1200);
    CHECK(o.machine.refundable() == 1200);
  }
  SECTION("refused by the provider: it is still promised") {
    REQUIRE(o.happens(o.machine.capture({}, noon, merchant)));
    REQUIRE(o.answers(gateway_status::rejected));
    CHECK(o.money() == attempt_state::authorized);
    CHECK(o.machine.attempt()->captured == 0);
  }
  SECTION("let go after six days") {
    REQUIRE(o.happens(o.machine.reservation_expired(noon + std::chrono::hours{24 * 6})));
    CHECK(o.money() == attempt_state::cancelling);
    REQUIRE(o.answers(gateway_status::cancelled));
    CHECK(o.goods() == reservation_state::released);
  }
}

TEST_CASE("lines are refunded piece by piece to the cent", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::succeeded));
  refund_order c;
  c.refund_id = id(60);
  c.lines = {{1, 1, 0, true}};
  REQUIRE(o.happens(o.machine.refund(c, noon, merchant)));
  CHECK(o.machine.rows().refunds.back().amount == 500);
  CHECK(o.db.on_hand[id(tea)] == -1); // back on the shelf at once
  CHECK(o.machine.pending_call().what == gateway_call::refund);
  REQUIRE(o.happens(o.machine.refund(c, noon, merchant))); // asked twice
  CHECK(o.last.nothing);
  REQUIRE(o.happens(o.machine.refund_answered(id(60), saying(gateway_status::processing), noon)));
  CHECK(o.machine.pending_call().what == gateway_call::query_refund);
  REQUIRE(o.happens(o.machine.refund_answered(id(60), saying(gateway_status::refunded), noon)));
  CHECK(o.order().payment == payment_status::partially_refunded);
  CHECK(o.order().refunded == 500);
  CHECK(o.machine.settled());
  c.refund_id = id(61);
  c.lines = {{1, 2, 0, false}};
  CHECK_FALSE(o.happens(o.machine.refund(c, noon, merchant))); // one piece is left
  c.lines.clear();
  c.amount = 1001;
  CHECK_FALSE(o.happens(o.machine.refund(c, noon, merchant))); // more than is left
  c.amount = 1000;
  REQUIRE(o.happens(o.machine.refund(c, noon, merchant)));
  REQUIRE(o.happens(o.machine.refund_answered(id(61), saying(gateway_status::rejected), noon)));
  CHECK(o.machine.rows().refunds.back().state == storage::refund_state::failed);
  CHECK(o.machine.refundable() == 1000); // it is still here: another one may be tried
}

TEST_CASE("an order leaves in several parcels", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::succeeded));
  REQUIRE(o.happens(o.ships({{}, "DHL", "1Z", "", {{1, 1}}})));
  CHECK(o.order().status == order_status::paid);
  CHECK(o.order().fulfilment == storage::fulfilment_status::partial);
  CHECK_FALSE(o.happens(o.machine.cancel("cancelled_by_customer", noon)));
  CHECK_FALSE(o.happens(o.ships({{}, "DHL", "2Z", "", {{1, 2}}}))); // one piece is left
  REQUIRE(o.happens(o.ships({{}, "UPS", "3Z", "", {}})));
  CHECK(o.order().status == order_status::shipped);
  auto first = o.machine.rows().life.fulfilments.front().id;
  REQUIRE(o.happens(o.machine.deliver(first, noon, merchant)));
  CHECK(o.order().status == order_status::shipped);
  REQUIRE(o.happens(o.machine.deliver({}, noon, merchant)));
  CHECK(o.order().status == order_status::delivered);
  CHECK(o.machine.rows().life.timeline.size() == 5); // paid, two parcels sent, two delivered
}

TEST_CASE("a parcel that a shipping service reports is known once", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::succeeded));
  parcel_left news{{}, "shipstation", "77", "ups", "1Z", "", {}, false};
  REQUIRE(o.happens(o.machine.parcel_left(news, id(70), noon)));
  CHECK(o.order().status == order_status::shipped);
  REQUIRE(o.happens(o.machine.parcel_left(news, id(71), noon)));
  CHECK(o.last.nothing);
  news.voided = true;
  REQUIRE(o.happens(o.machine.parcel_left(news, id(72), noon)));
  CHECK(o.order().status == order_status::paid);
  CHECK(o.order().fulfilment == storage::fulfilment_status::unfulfilled);
  CHECK(o.machine.to_ship(o.machine.rows().items.front()) == 2);
}

TEST_CASE("goods come back, some to be sold again, and their price goes back", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::succeeded));
  request_return ask{{}, id(80), {{1, 2, "too_small", 0, 0}}, false, ""};
  const whom shopper{"customer", id(buyer)};
  CHECK_FALSE(o.happens(o.machine.request_return(ask, noon, shopper))); // it is still here
  REQUIRE(o.happens(o.ships({{}, "DHL", "1Z", "", {}})));
  REQUIRE(o.happens(o.machine.request_return(ask, noon, shopper)));
  CHECK(o.machine.rows().life.returns.front().state == storage::return_state::requested);
  request_return more{{}, id(81), {{1, 1, "", 0, 0}}, false, ""};
  CHECK_FALSE(o.happens(o.machine.request_return(more, noon, shopper))); // both pieces are coming already
  REQUIRE(o.happens(o.machine.step_return({{}, id(80), return_step::approve, "", {}}, noon, merchant)));
  CHECK_FALSE(o.happens(o.machine.step_return({{}, id(80), return_step::close, "", {}}, noon, merchant)));
  REQUIRE(o.happens(o.machine.receive_return({{}, id(80), {{1, 0, "", 2, 1}}, true, {}}, id(82), noon, merchant)));
  CHECK(o.db.on_hand[id(tea)] == -1); // one is sold again, one is written off
  CHECK(o.machine.rows().refunds.back().amount == 1000);
  REQUIRE(o.happens(o.machine.refund_answered(id(82), saying(gateway_status::refunded), noon)));
  CHECK(o.machine.rows().life.returns.front().state == storage::return_state::closed);
  CHECK(o.order().status == order_status::shipped);
  CHECK(o.order().payment == payment_status::partially_refunded);
}

TEST_CASE("gift cards and codes go back with an order that was never paid", "[order_machine]") {
  place_order c;
  c.by.user = id(buyer);
  c.payment = {"sandbox", "tok"};
  c.email = "a@b.example";
  storage::store_row shop;
  shop.id = id(7);
  quote q;
  storage::order_item_row item;
  item.variant_id = id(tea);
  item.quantity = 1;
  item.unit_price = item.total = 1000;
  q.items = {item};
  q.subtotal = q.total = 1000;
  q.pricing.discounts = {{"TEN", "ten", 0, 0}};
  funding paid_with{{{id(90), id(91), "hash", 300}}, {{"TEN", true}}};
  order_machine m;
  auto d = order_machine::place(c, id(order_id), id(attempt_id), shop, q, paid_with, noon, minutes{15});
  m.become(d.next);
  CHECK(m.attempt()->amount == 700);
  CHECK(m.rows().order.gift_card == 300);
  auto rows_of = [](const decision& x, auto wanted) {
    std::int64_t n = 0;
    for (const auto& row : x.rows)
      n += wanted(row);
    return n;
  };
  auto card_moves = [](const storage::mutation& row) -> std::int64_t {
    auto* move = std::get_if<storage::move_gift_card>(&row);
    return move == nullptr ? 0 : move->entry.delta;
  };
  auto uses = [](const storage::mutation& row) -> std::int64_t {
    auto* use = std::get_if<storage::put_discount_use>(&row);
    return use == nullptr ? 0 : use->row.given_back ? -1 : 1;
  };
  CHECK(rows_of(d, card_moves) == -300);
  CHECK(rows_of(d, uses) == 1);
  SECTION("declined") {
    auto no = std::get<decision>(m.payment_answered(id(attempt_id), saying(gateway_status::declined), noon));
    CHECK(rows_of(no, card_moves) == 300);
    CHECK(rows_of(no, uses) == -1);
  }
  SECTION("paid and cancelled: each part goes back where it came from") {
    m.become(std::get<decision>(m.payment_answered(id(attempt_id), saying(gateway_status::succeeded), noon)).next);
    CHECK(m.refundable() == 1000);
    auto back = std::get<decision>(m.cancel("cancelled_by_customer", noon));
    CHECK(rows_of(back, card_moves) == 300);
    CHECK(rows_of(back, uses) == 0); // it was used
    m.become(back.next);
    REQUIRE(m.pending_call().what == gateway_call::refund);
    CHECK(m.pending_call().refund.amount == 700);
    m.become(std::get<decision>(m.refund_answered(m.pending_call().refund.id, saying(gateway_status::refunded), noon)).next);
    CHECK(m.rows().order.status == order_status::refunded);
    CHECK(m.rows().order.refunded == 1000);
  }
}

TEST_CASE("a provider's event is heard once", "[order_machine]") {
  order_life o;
  decision nothing;
  nothing.nothing = true;
  auto d = o.machine.sealed(nothing, {{"stripe", "evt_1", noon}});
  CHECK_FALSE(d.nothing); // it changes nothing but that it was heard
  o.machine.become(d.next);
  CHECK(o.machine.has_heard("stripe", "evt_1"));
  CHECK_FALSE(o.machine.has_heard("stripe", "evt_2"));
  CHECK(o.machine.sealed(nothing, {}).nothing);
}
