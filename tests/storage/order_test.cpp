#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

TEST_CASE("order numbers start at 1001 and have no gaps, whatever is refused or fails between", "[order]") {
  ON_EVERY_STORE;
  shop s(db, 5);
  auto order = [&] { return new_order(s.store.id, new_id(1)); };
  auto a = order(), b = order(), c = order(), d = order();

  auto out = s.shard.commit({s.checkout(a, 1), s.checkout(b, 1)});
  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].drawn_number == 1001);
  CHECK(out.results[1].drawn_number == 1002);

  CHECK(s.shard.commit({s.checkout(order(), 1), s.checkout(order(), 5)}).what == kind::failed);
  auto stale = s.shard.held;
  --stale.seq;
  std::vector late{s.checkout(order(), 1)};
  CHECK(db.journal().commit(batch_of({stale}, late)).what == kind::fenced);

  out = s.shard.commit({s.checkout(c, 1), s.checkout(a, 1), s.checkout(d, 1)});
  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].drawn_number == 1003);
  CHECK(out.results[1].refused == refusal::exists);
  CHECK(out.results[1].drawn_number == 0);
  CHECK(out.results[2].drawn_number == 1004);
  CHECK(db.reader().load_order(d.id)->order.number == 1004);
}

TEST_CASE("each store of a batch counts its own orders", "[order]") {
  ON_EVERY_STORE;
  shop tea(db), shoes(db);
  std::vector sets{tea.checkout(new_order(tea.store.id, new_id(1)), 1),
                   shoes.checkout(new_order(shoes.store.id, new_id(1)), 1),
                   tea.checkout(new_order(tea.store.id, new_id(1)), 1)};

  auto out = db.journal().commit(batch_of({tea.shard.held, shoes.shard.held}, sets));

  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].drawn_number == 1001);
  CHECK(out.results[1].drawn_number == 1001);
  CHECK(out.results[2].drawn_number == 1002);
}

TEST_CASE("a version says which row an update was made from: another one fails the batch", "[version]") {
  ON_EVERY_STORE;
  shop s(db);
  auto order = new_order(s.store.id, new_id(1));
  auto cart = new_cart(s.store.id, new_id(1));
  auto user = new_user(s.shard.id());
  s.shard.write(insert_order{order, {}}, insert_cart{cart}, insert_user{user});
  auto in_vain = new_user(s.shard.id());

  auto update = GENERATE_REF(as<mutation>{}, update_order{order, 2}, update_cart{cart, 0},
                             update_user{user, 7}, update_store{s.store, 3}, update_product{s.product, 2});
  CAPTURE(update.index());
  auto out = s.shard.commit({in_shard(s.shard.id(), insert_user{in_vain}), {s.shard.id(), {update}}});

  CHECK(out.what == kind::failed);
  CHECK_FALSE(db.reader().load_user(in_vain.id).has_value());
  CHECK(db.reader().load_order(order.id)->order.version == 1);
}

TEST_CASE("updates of a row in one batch follow each other, and the last one stays", "[version]") {
  ON_EVERY_STORE;
  shop s(db);
  auto cart = new_cart(s.store.id, new_id(1));
  auto order = new_order(s.store.id, new_id(1));
  auto lines = [&](std::int64_t quantity) {
    auto x = cart;
    x.lines[0].quantity = quantity;
    return x;
  };
  auto status = [&](order_status st, const std::string& note) {
    auto x = order;
    x.status = st;
    x.note = note;
    return x;
  };

  INFO("insert and updates in one batch");
  auto out = s.shard.commit(
    {in_shard(s.shard.id(), insert_cart{cart}, insert_order{order, {}}),
     in_shard(s.shard.id(), update_cart{lines(5), 1}, update_order{status(order_status::pending, "a"), 1}),
     in_shard(s.shard.id(), update_cart{lines(6), 2}, update_order{status(order_status::paid, "b"), 2})});
  REQUIRE(out.what == kind::committed);
  auto expected = lines(6);
  expected.version = 3;
  CHECK(db.reader().load_cart(s.store.id, cart.user_id) == expected);
  CHECK(db.reader().load_order(order.id)->order.note == "b");
  CHECK(db.reader().load_order(order.id)->order.version == 3);

  INFO("updates in another");
  out = s.shard.commit(
    {in_shard(s.shard.id(), update_cart{lines(7), 3}),
     in_shard(s.shard.id(), update_cart{lines(8), 4}, update_order{status(order_status::shipped, "c"), 3}),
     in_shard(s.shard.id(), update_order{status(order_status::delivered, "d"), 4})});
  REQUIRE(out.what == kind::committed);
  expected = lines(8);
  expected.version = 5;
  CHECK(db.reader().load_cart(s.store.id, cart.user_id) == expected);
  CHECK(db.reader().load_order(order.id)->order.status == order_status::delivered);
  CHECK(db.reader().load_order(order.id)->order.version == 5);

  INFO("a gap in the versions of a batch");
  out = s.shard.commit(
    {in_shard(s.shard.id(), update_cart{lines(9), 5}), in_shard(s.shard.id(), update_cart{lines(10), 7})});
  CHECK(out.what == kind::failed);
  CHECK(db.reader().load_cart(s.store.id, cart.user_id) == expected);
}

TEST_CASE("a cart deleted and made anew in one batch is the new one", "[cart]") {
  ON_EVERY_STORE;
  shop s(db);
  auto cart = new_cart(s.store.id, new_id(1)), anew = new_cart(s.store.id, cart.user_id);
  s.shard.write(insert_cart{cart});

  auto out = s.shard.commit(
    {in_shard(s.shard.id(), delete_cart{cart.id, s.store.id}), in_shard(s.shard.id(), insert_cart{anew})});

  REQUIRE(out.what == kind::committed);
  CHECK(db.reader().load_cart(s.store.id, cart.user_id) == anew);
}

TEST_CASE("a cart made and deleted in one batch is gone", "[cart]") {
  ON_EVERY_STORE;
  shop s(db);
  auto cart = new_cart(s.store.id, new_id(1));
  auto out = s.shard.commit(
    {in_shard(s.shard.id(), insert_cart{cart}), in_shard(s.shard.id(), delete_cart{cart.id, s.store.id})});
  REQUIRE(out.what == kind::committed);
  CHECK_FALSE(db.reader().load_cart(s.store.id, cart.user_id).has_value());
}

TEST_CASE("expired carts of a shard are found, the oldest first, no more than asked for", "[cart]") {
  ON_EVERY_STORE;
  shop s(db);
  std::vector<cart_row> carts;
  for (int i = 0; i < 4; ++i) {
    carts.push_back(new_cart(s.store.id, new_id(1)));
    carts.back().expires_at = at(1000 * (4 - i));
    s.shard.write(insert_cart{carts.back()});
  }

  auto expired = db.reader().expired_carts(s.shard.id(), at(3500), 100);
  REQUIRE(expired.size() == 3);
  CHECK(expired[0] == carts[3]);
  CHECK(expired[2] == carts[1]);
  auto two = db.reader().expired_carts(s.shard.id(), at(3500), 2);
  CHECK(two == std::vector{carts[3], carts[2]});
  CHECK(db.reader().expired_carts(s.shard.id(), at(999), 100).empty());
}

TEST_CASE("an update that touches another store's row fails", "[tenant]") {
  ON_EVERY_STORE;
  shop s(db);
  auto thief = new_store(s.shard.id());
  s.shard.write(insert_store{thief});
  auto order = new_order(s.store.id, new_id(1));
  auto cart = new_cart(s.store.id, new_id(1));
  s.shard.write(insert_order{order, {}}, insert_cart{cart});
  auto their_order = order;
  their_order.store_id = thief.id;
  auto their_cart = cart;
  their_cart.store_id = thief.id;
  auto their_product = s.product;
  their_product.store_id = thief.id;

  auto update =
    GENERATE_REF(as<mutation>{}, update_order{their_order, 1}, update_cart{their_cart, 1},
                 update_product{their_product, 1}, set_level_policy{s.variant.id, thief.id, true, 1});
  CAPTURE(update.index());
  CHECK(s.shard.commit({{s.shard.id(), {update}}}).what == kind::failed);
}

TEST_CASE("what a shard must resume: open reservations and attempts whose end is not known", "[recovery]") {
  ON_EVERY_STORE;
  shop s(db, 100);
  CHECK(db.reader().open_orders(s.shard.id()).empty());

  auto place = [&](std::int64_t deadline) {
    auto order = new_order(s.store.id, new_id(1));
    auto hold = reserved(order, s.variant, 1);
    hold.row.deadline = at(deadline);
    s.shard.write(insert_order{order, {item_of(order, s.variant, 1)}}, hold,
                  moved(s.variant, 0, 1, "reserved"));
    return order;
  };
  auto pay = [&](const order_row& order, attempt_state state) {
    auto payment = new_payment(order);
    s.shard.write(insert_payment{payment});
    payment.state = state;
    s.shard.write(update_payment{payment});
  };
  auto held = place(900), waiting = place(1000), pinned = place(1100), done = place(1200),
       released = place(1300), refunding = place(1400), declined = place(1500);
  pay(waiting, attempt_state::requires_action);
  pay(pinned, attempt_state::pending);
  s.shard.write(all_reservations(pinned, reservation_state::pinned));
  pay(done, attempt_state::succeeded);
  s.shard.write(all_reservations(done, reservation_state::claimed), moved(s.variant, -1, -1, "sold"));
  s.shard.write(all_reservations(released, reservation_state::released), moved(s.variant, 0, -1, "released"));
  pay(refunding, attempt_state::refunding);
  s.shard.write(all_reservations(refunding, reservation_state::released),
                moved(s.variant, 0, -1, "released"));
  pay(declined, attempt_state::declined);

  auto open = db.reader().open_orders(s.shard.id());

  auto find = [&](const order_row& order) {
    return std::find_if(open.begin(), open.end(),
                        [&](const open_order& o) { return o.order_id == order.id; });
  };
  CHECK(open.size() == 5);
  REQUIRE(find(held) != open.end());
  CHECK_FALSE(find(held)->payment_in_flight);
  CHECK(find(held)->deadline == at(900));
  REQUIRE(find(waiting) != open.end());
  CHECK_FALSE(find(waiting)->payment_in_flight); // it waits for the shopper
  CHECK(find(waiting)->deadline == at(1000));
  REQUIRE(find(pinned) != open.end());
  CHECK(find(pinned)->payment_in_flight);
  REQUIRE(find(refunding) != open.end());
  CHECK(find(refunding)->payment_in_flight);
  REQUIRE(find(declined) != open.end()); // may be paid with another method until its deadline
  CHECK_FALSE(find(declined)->payment_in_flight);
  CHECK(db.reader().open_orders(static_cast<shard_id>(s.shard.id() + 1)).empty());
}

TEST_CASE("a user has bought what a paid order of the store holds", "[order]") {
  ON_EVERY_STORE;
  shop s(db);
  auto user = new_id(1);
  auto order = new_order(s.store.id, user);
  s.shard.write_set(s.checkout(order, 1));
  auto& r = db.reader();
  CHECK_FALSE(r.has_bought(s.store.id, user, s.product.id));

  order.status = GENERATE(order_status::paid, order_status::shipped, order_status::delivered);
  order.payment = payment_status::completed;
  s.shard.write(update_order{order, 1});
  CHECK(r.has_bought(s.store.id, user, s.product.id));
  CHECK_FALSE(r.has_bought(s.store.id, new_id(1), s.product.id));
  CHECK_FALSE(r.has_bought(s.store.id, user, new_id(1)));
  CHECK_FALSE(r.has_bought(new_id(1), user, s.product.id));

  order.status = order_status::cancelled;
  order.payment = payment_status::refunded;
  s.shard.write(update_order{order, 2});
  CHECK_FALSE(r.has_bought(s.store.id, user, s.product.id));
}
