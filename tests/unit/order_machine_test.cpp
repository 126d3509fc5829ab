#include "unit/order_life.hpp"

using namespace souk;
using namespace souk::testing;

TEST_CASE("a new order pins its goods while its payment is on the way", "[order_machine]") {
  order_life o;
  CHECK(o.order().status == order_status::pending);
  CHECK(o.goods() == reservation_state::pinned);
  CHECK(o.money() == attempt_state::started);
  CHECK(o.machine.pending_call().what == gateway_call::authorize);
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
    CHECK(o.machine.pending_call().what == gateway_call::cancel);
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
  CHECK_FALSE(o.happens(o.ships({}))); // its money is on the way back
  REQUIRE(o.answers(gateway_status::refunded));
  CHECK(o.order().status == order_status::refunded);
  CHECK(o.db.on_hand[id(tea)] == 0);
  CHECK(o.machine.settled());
}

TEST_CASE("a shipped order is neither cancelled nor shipped again", "[order_machine]") {
  order_life o;
  REQUIRE(o.answers(gateway_status::succeeded));
  CHECK_FALSE(o.happens(o.machine.deliver({}, noon, merchant)));
  REQUIRE(o.happens(o.ships({{}, "DHL", "1Z", ""})));
  CHECK_FALSE(o.happens(o.machine.cancel("cancelled_by_customer", noon)));
  CHECK_FALSE(o.happens(o.ships({})));
  REQUIRE(o.happens(o.machine.deliver({}, noon, merchant)));
  CHECK(o.order().status == order_status::delivered);
  CHECK(o.order().tracking_number == "1Z");
}

TEST_CASE("a manual payment is held until the merchant confirms it or its deadline", "[order_machine]") {
  order_life o("manual");
  CHECK(o.goods() == reservation_state::held);
  CHECK(o.machine.pending_call().what == gateway_call::none);
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
