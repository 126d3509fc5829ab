// Refunds, and the row of what happens to an order after it is paid.

#include "storage/life_rows.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

namespace {

struct paid_world : shop {
  explicit paid_world(store_under_test& db) : shop(db) {
    payment.state = attempt_state::succeeded;
    payment.captured = payment.amount;
    shard.write(insert_order{order, {item_of(order, variant, 2)}}, insert_payment{payment});
  }

  order_row order = new_order(store.id, new_id(3));
  payment_row payment = new_payment(order);

  kind commits(mutation m) { return shard.commit({{shard.id(), {std::move(m)}}}).what; }
  order_snapshot now() const { return shard.db.reader().load_order(order.id).value(); }
};

} // namespace

TEST_CASE("an order's later life is made once and changed from its version", "[life][version]") {
  ON_EVERY_STORE;
  paid_world w(db);
  auto life = new_life(w.order);
  CHECK(w.commits(put_order_life{life, 1}) == kind::failed);
  life.timeline = {{at(), "shipped", "merchant", {}, ""}};
  CHECK(w.commits(put_order_life{life, 0}) == kind::committed);
  CHECK(w.commits(put_order_life{life, 0}) == kind::failed);
  CHECK(w.now().life.version == 1);

  life.timeline.push_back({at(1), "delivered", "merchant", {}, ""});
  CHECK(w.commits(put_order_life{life, 2}) == kind::failed);
  CHECK(w.commits(put_order_life{life, 1}) == kind::committed);
  CHECK(w.now().life.timeline == life.timeline);
  CHECK(w.now().life.version == 2);

  auto out = w.shard.commit({in_shard(w.shard.id(), put_order_life{life, 2}), in_shard(w.shard.id(), put_order_life{life, 3})});
  CHECK(out.what == kind::committed);
  CHECK(w.now().life.version == 4);
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_order_life{life, 4}), in_shard(w.shard.id(), put_order_life{life, 4})}).what
        == kind::failed);
}

TEST_CASE("a later life needs its order, in its store", "[life]") {
  ON_EVERY_STORE;
  paid_world w(db);
  CHECK(w.commits(put_order_life{new_life(new_order(w.store.id, new_id(3))), 0}) == kind::failed);
  auto neighbour = new_store(w.shard.id());
  w.shard.write(insert_store{neighbour});
  auto theirs = new_life(w.order);
  theirs.store_id = neighbour.id;
  CHECK(w.commits(put_order_life{theirs, 0}) == kind::failed);
  auto ours = new_life(w.order);
  w.shard.write(put_order_life{ours, 0});
  CHECK(w.commits(put_order_life{theirs, 1}) == kind::failed);

  INFO("an order placed in the same batch will do");
  auto next = new_order(w.store.id, new_id(3));
  CHECK(w.shard.write(insert_order{next, {}}, put_order_life{new_life(next), 0}).refused == refusal::none);
}

TEST_CASE("a refund is of a payment of its order and store", "[refund]") {
  ON_EVERY_STORE;
  paid_world w(db);
  auto other = new_order(w.store.id, new_id(3));
  auto neighbour = new_store(w.shard.id());
  w.shard.write(insert_order{other, {}}, insert_store{neighbour});

  auto refund = new_refund(w.payment, 100);
  auto wrong_order = refund, wrong_store = refund, wrong_payment = refund, nothing = refund;
  wrong_order.order_id = other.id;
  wrong_store.store_id = neighbour.id;
  wrong_payment.payment_id = new_id(w.shard.id());
  nothing.amount = 0;
  for (const auto& r : {wrong_order, wrong_store, wrong_payment, nothing})
    CHECK(w.commits(insert_refund{r}) == kind::failed);
  CHECK(w.now().refunds.empty());

  CHECK(w.commits(insert_refund{refund}) == kind::committed);
  for (auto r : {wrong_order, wrong_store})
    CHECK(w.commits(update_refund{r}) == kind::failed);
  CHECK(w.commits(update_refund{new_refund(w.payment, 1)}) == kind::failed); // it is not there
  CHECK(w.now().refunds == std::vector{refund});
}

TEST_CASE("the same refund again is refused as existing, whatever has become of it", "[refund]") {
  ON_EVERY_STORE;
  paid_world w(db);
  auto refund = new_refund(w.payment, 100);
  w.shard.write(insert_refund{refund});
  auto done = refund;
  done.state = refund_state::succeeded;
  w.shard.write(update_refund{done});
  CHECK(w.shard.write(insert_refund{refund}).refused == refusal::exists);
  CHECK(w.now().refunds == std::vector{done});

  auto twice = new_refund(w.payment, 7);
  auto out = w.shard.commit({in_shard(w.shard.id(), insert_refund{twice}), in_shard(w.shard.id(), insert_refund{twice})});
  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].refused == refusal::none);
  CHECK(out.results[1].refused == refusal::exists);
}

TEST_CASE("an order and its payment give back no more than they are worth", "[refund]") {
  ON_EVERY_STORE;
  paid_world w(db);
  auto order = w.order;
  order.refunded = order.total + 1;
  CHECK(w.commits(update_order{order, 1}) == kind::failed);
  order.refunded = -1;
  CHECK(w.commits(update_order{order, 1}) == kind::failed);
  order.refunded = order.total;
  CHECK(w.commits(update_order{order, 1}) == kind::committed);

  for (auto [captured, refunded] : std::vector<std::pair<std::int64_t, std::int64_t>>{
         {w.payment.amount + 1, 0}, {-1, 0}, {0, w.payment.amount + 1}, {0, -1}}) {
    auto payment = w.payment;
    payment.captured = captured;
    payment.refunded = refunded;
    CHECK(w.commits(update_payment{payment}) == kind::failed);
    payment.id = new_id_beside(payment.id);
    CHECK(w.commits(insert_payment{payment}) == kind::failed);
  }
}

TEST_CASE("an order's new amounts are within its old ones", "[order]") {
  ON_EVERY_STORE;
  paid_world w(db);
  auto place = [&](auto change) {
    auto order = new_order(w.store.id, new_id(3));
    auto item = item_of(order, w.variant, 1);
    change(order, item);
    return w.commits(insert_order{order, {item}});
  };
  CHECK(place([](auto& o, auto&) { o.discount = -1; }) == kind::failed);
  CHECK(place([](auto& o, auto&) { o.gift_card = -1; }) == kind::failed);
  CHECK(place([](auto& o, auto&) { o.refunded = o.total + 1; }) == kind::failed);
  CHECK(place([](auto&, auto& i) { i.discount = -1; }) == kind::failed);
  CHECK(place([](auto&, auto& i) { i.discount = i.total + 1; }) == kind::failed);
  CHECK(place([](auto&, auto& i) { i.discount = i.total; }) == kind::committed);
}

TEST_CASE("an order with a refund under way is resumed after its node died", "[refund]") {
  ON_EVERY_STORE;
  paid_world w(db);
  auto resumed = [&] {
    auto open = db.reader().open_orders(w.shard.id());
    return std::any_of(open.begin(), open.end(), [&](const auto& o) { return o.order_id == w.order.id && o.payment_in_flight; });
  };
  CHECK_FALSE(resumed());
  auto refund = new_refund(w.payment, 100);
  w.shard.write(insert_refund{refund});
  CHECK(resumed());
  for (auto [state, open] : {std::pair{refund_state::pending, true}, std::pair{refund_state::succeeded, false},
                             std::pair{refund_state::failed, false}}) {
    refund.state = state;
    w.shard.write(update_refund{refund});
    CHECK(resumed() == open);
  }
}
