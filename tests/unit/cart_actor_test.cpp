#include "unit/small_shop.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::actors;
using namespace std::chrono_literals;
using tests::small_shop;

namespace {

caller login_of(const storage::ulid& user) {
  return {user, storage::session_kind::login, {}};
}

caller guest_of(const storage::ulid& user) {
  return {user, storage::session_kind::guest, {}};
}

/// A shopper's way to one cart.
struct shopper {
  small_shop& shop;
  caller by;
  runtime::entity_address at;

  shopper(small_shop& s, caller who) : shop(s), by(who), at(cart_at(s.store(), who.user)) {}

  tests::reply<cart_view> add(const storage::ulid& variant, std::int64_t quantity) {
    return shop.ask<cart_view>(at, add_to_cart{by, {}, variant, quantity});
  }
  tests::reply<cart_view> set(const storage::ulid& variant, std::int64_t quantity) {
    return shop.ask<cart_view>(at, set_cart_line{by, variant, quantity});
  }
  tests::reply<cart_view> get() { return shop.ask<cart_view>(at, get_cart{by}); }
  std::shared_ptr<tests::reply<cart_view>> merge(const storage::ulid& guest) {
    return shop.send<cart_view>(at, merge_cart{by, guest});
  }
  std::optional<storage::cart_row> row() {
    auto rows = shop.rows();
    auto id = rows.cart_of.find({shop.store(), by.user});
    return id == rows.cart_of.end() ? std::nullopt : std::optional{rows.carts.at(id->second)};
  }
  std::int64_t holds(const storage::ulid& variant) {
    if (auto r = row())
      for (const auto& l : r->lines)
        if (l.variant_id == variant)
          return l.quantity;
    return 0;
  }
};

int events(small_shop& shop, const std::string& topic) {
  int out = 0;
  auto rows = shop.rows();
  for (const auto& e : rows.outbox[shop.store().shard()])
    out += e.event.topic == topic;
  return out;
}

} // namespace

TEST_CASE("what is put into a cart is there, after a restart as well", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(10, 1999);
  auto mug = shop.add_variant(3, 500);
  shopper anna{shop, login_of(shop.add_user())};
  auto empty = anna.get();
  REQUIRE(empty.value);
  CHECK(empty.value->cart_id.is_nil());
  CHECK(empty.value->currency == "EUR");
  CHECK(empty.value->lines.empty());
  REQUIRE(anna.add(shirt, 2).value);
  auto added = anna.add(mug, 3);
  REQUIRE(added.value);
  CHECK(added.value->item_count == 5);
  CHECK(added.value->total == 2 * 1999 + 3 * 500);
  CHECK(added.value->expires_at == shop.now() + 24h * 30);
  for (int life = 0; life < 2; ++life) {
    auto view = anna.get();
    REQUIRE(view.value);
    REQUIRE(view.value->lines.size() == 2);
    CHECK(view.value->cart_id == anna.row()->id);
    CHECK(view.value->cart_id.shard() == shop.store().shard());
    CHECK(view.value->lines[0].title == "Shirt");
    CHECK(view.value->lines[0].available == 10);
    CHECK_FALSE(view.value->lines[0].price_changed);
    shop.kill(anna.at);
    shop.run();
    CHECK_FALSE(shop.is_active(anna.at));
  }
  CHECK(anna.row()->version == 2);
  CHECK(events(shop, "cart.created") == 1);
  // The user's index knows it.
  CHECK(shop.rows().user_carts.at({anna.by.user, shop.store()}).cart_id == anna.row()->id);
}

TEST_CASE("a cart is only its shopper's", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(10);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 1).value);
  for (const auto& other : {caller{}, login_of(shop.add_user()),
                            caller{anna.by.user, storage::session_kind::api, shop.store()}}) {
    CHECK(shop.ask<cart_view>(anna.at, get_cart{other}).why == errc::not_found);
    CHECK(shop.ask<cart_view>(anna.at, add_to_cart{other, {}, shirt, 1}).why == errc::not_found);
    CHECK(shop.ask<cart_view>(anna.at, set_cart_line{other, shirt, 0}).why == errc::not_found);
    CHECK(shop.ask<cart_view>(anna.at, clear_cart{other}).why == errc::not_found);
    CHECK(shop.ask<cart_view>(anna.at, merge_cart{other, anna.by.user}).why.operator bool());
  }
  CHECK(anna.holds(shirt) == 1);
}

TEST_CASE("a refusal says why, and leaves the cart as it was", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(5);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 3).value);
  auto no = anna.add(shirt, 3);
  CHECK(no.why == errc::out_of_stock);
  auto problem = problem_of(no.why);
  REQUIRE(problem.lines.size() == 1);
  CHECK(problem.lines[0].variant_id == shirt);
  CHECK(problem.lines[0].requested == 6);
  CHECK(problem.lines[0].available == 5);
  CHECK(problem_of(anna.add(shirt, 0).why).field == "quantity");
  CHECK(anna.add(shop.new_user_id(), 1).why == errc::product_unavailable);
  CHECK(anna.add({}, 1).why == errc::invalid);
  CHECK(anna.set(shirt, 6).why == errc::out_of_stock);
  CHECK(shop.ask<cart_view>(anna.at, add_to_cart{anna.by, shop.store(), shirt, 1}).why
        == errc::product_unavailable);
  CHECK(anna.row()->version == 1);
  CHECK(anna.holds(shirt) == 3);
  CHECK(anna.set(shirt, 1).value->item_count == 1);
  CHECK(anna.set(shirt, 0).value->lines.empty());
  CHECK(shop.ask<cart_view>(cart_at(shop.new_user_id(), anna.by.user), get_cart{anna.by}).why
        == errc::not_found);
}

TEST_CASE("nobody hears yes before the rows are durable, and readers do not wait", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(10);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 1).value);
  shop.hold_writes();
  auto more = shop.send<cart_view>(anna.at, add_to_cart{anna.by, {}, shirt, 1});
  auto none = shop.send<cart_view>(anna.at, clear_cart{anna.by});
  shop.run();
  CHECK_FALSE(more->there());
  CHECK(anna.get().value->item_count == 1);
  shop.pass(1000s); // idle or not: what is under way keeps the actor
  CHECK(shop.is_active(anna.at));
  shop.release_writes();
  REQUIRE(more->value);
  CHECK(more->value->item_count == 2);
  REQUIRE(none->value);
  CHECK(none->value->item_count == 0);
  CHECK(anna.row()->lines.empty());
  CHECK(anna.row()->version == 3);
}

TEST_CASE("a new price is pointed out once", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(10, 1999);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 2).value);
  auto variant = shop.rows().variants.at(shirt);
  variant.price = 1799;
  shop.tell(inventory_at(shirt), publish_variant{variant, "Shirt", storage::product_status::active, 2});
  auto view = anna.get();
  CHECK(view.value->lines[0].price_changed);
  CHECK(view.value->lines[0].price == 1799);
  CHECK(view.value->total == 2 * 1799);
  CHECK_FALSE(anna.get().value->lines[0].price_changed);
  shop.tell(inventory_at(shirt), publish_variant{variant, "Shirt", storage::product_status::archived, 3});
  view = anna.get();
  CHECK_FALSE(view.value->lines[0].sellable);
  CHECK(view.value->total == 0); // what cannot be bought costs nothing
  CHECK(view.value->item_count == 2);
  CHECK(anna.add(shirt, 1).why == errc::product_unavailable);
  CHECK(anna.set(shirt, 1).value); // less is always possible
}

TEST_CASE("a cart expires after thirty days without a change", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(10);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 2).value);
  shop.pass(24h * 29);
  REQUIRE(anna.add(shirt, 1).value);
  shop.pass(24h * 29);
  CHECK(anna.get().value->item_count == 3);
  shop.tell(anna.at, expire_cart{});
  CHECK(anna.row());
  shop.pass(24h * 1);
  auto gone = anna.get();
  CHECK(gone.value->cart_id.is_nil());
  CHECK(gone.value->item_count == 0);
  SECTION("and is swept away") {
    shop.tell(anna.at, expire_cart{});
    CHECK_FALSE(anna.row());
    CHECK(events(shop, "cart.expired") == 1);
    CHECK(shop.rows().user_carts.empty());
    CHECK_FALSE(shop.is_active(anna.at));
    shop.tell(anna.at, expire_cart{}); // again is nothing
    CHECK(events(shop, "cart.expired") == 1);
    REQUIRE(anna.add(shirt, 1).value);
    CHECK(anna.holds(shirt) == 1);
  }
  SECTION("or begins again") {
    auto id = anna.row()->id;
    REQUIRE(anna.add(shirt, 1).value);
    CHECK(anna.holds(shirt) == 1);
    CHECK(anna.row()->id == id);
    CHECK(shop.rows().carts.size() == 1);
    CHECK(events(shop, "cart.created") == 2);
    CHECK(anna.get().value->item_count == 1);
  }
}

TEST_CASE("a shopper is reminded of a cart that was left, once", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(10);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 2).value);
  shop.pass(59min);
  shop.tell(anna.at, remind_cart{});
  CHECK(events(shop, "cart.abandoned") == 0);
  shop.pass(1min);
  for (int i = 0; i < 2; ++i) {
    shop.tell(anna.at, remind_cart{});
    CHECK(events(shop, "cart.abandoned") == 1);
    shop.kill(anna.at);
    shop.run();
  }
  SECTION("and the order that follows counts as recovered, once") {
    lines_ordered ordered{shop.new_user_id(), {{{}, shirt, 1, 0, {}}}};
    shop.tell(anna.at, ordered);
    CHECK(events(shop, "cart.recovered") == 1);
    shop.tell(anna.at, lines_ordered{shop.new_user_id(), {{{}, shirt, 1, 0, {}}}});
    CHECK(events(shop, "cart.recovered") == 1);
    shop.pass(2h);
    shop.tell(anna.at, remind_cart{});
    CHECK(events(shop, "cart.abandoned") == 1); // nothing is in it
  }
  SECTION("not every hour when a line was changed, but a day later") {
    REQUIRE(anna.add(shirt, 1).value);
    shop.pass(2h);
    shop.tell(anna.at, remind_cart{});
    CHECK(events(shop, "cart.abandoned") == 1);
    shop.pass(24h);
    REQUIRE(anna.add(shirt, 1).value);
    shop.pass(2h);
    shop.tell(anna.at, remind_cart{});
    CHECK(events(shop, "cart.abandoned") == 2);
  }
}

TEST_CASE("an order's lines leave the cart once", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(10);
  auto mug = shop.add_variant(10);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 4).value);
  REQUIRE(anna.add(mug, 1).value);
  lines_ordered ordered{shop.new_user_id(), {{{}, shirt, 2, 0, {}}, {{}, mug, 1, 0, {}}}};
  shop.tell(anna.at, ordered);
  shop.tell(anna.at, ordered);
  CHECK(anna.holds(shirt) == 2);
  CHECK(anna.holds(mug) == 0);
  CHECK(anna.get().value->item_count == 2);
}

TEST_CASE("a guest's cart comes along at log-in, in one write", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(100);
  auto mug = shop.add_variant(100);
  auto guest_id = shop.add_user(storage::user_kind::guest);
  shopper anna{shop, login_of(shop.add_user())};
  shopper guest{shop, guest_of(guest_id)};
  REQUIRE(guest.add(shirt, 5).value);
  REQUIRE(guest.add(mug, 1).value);
  bool had_cart = GENERATE(false, true);
  if (had_cart)
    REQUIRE(anna.add(shirt, 2).value);
  auto seq = shop.rows().shards[shop.store().shard()].seq;
  auto merged = anna.merge(guest_id);
  shop.run();
  REQUIRE(merged->value);
  CHECK(merged->value->item_count == 6);
  CHECK(shop.rows().shards[shop.store().shard()].seq == seq + 1);
  CHECK(anna.holds(shirt) == 5);
  CHECK(anna.holds(mug) == 1);
  CHECK_FALSE(guest.row());
  CHECK(guest.get().value->cart_id.is_nil());
  CHECK(shop.rows().user_carts.size() == 1);
  CHECK(shop.rows().user_carts.at({anna.by.user, shop.store()}).cart_id == anna.row()->id);
  auto version = anna.row()->version;
  merged = anna.merge(guest_id);
  shop.run();
  CHECK(merged->value->item_count == 6);
  CHECK(anna.row()->version == version);
  REQUIRE(guest.add(mug, 1).value); // a guest's new cart is another one
  CHECK(guest.row()->id != anna.row()->id);
  merged = anna.merge(guest_id); // nothing new in it, but it ends
  shop.run();
  CHECK(merged->value->item_count == 6);
  CHECK_FALSE(guest.row());
}

TEST_CASE("a merge loses nothing, whoever dies and whenever", "[cart]") {
  auto dies = GENERATE(as<std::string>{}, "guest", "target", "both", "shirt's stock");
  auto after = GENERATE(range(0, 60));
  auto seed = GENERATE(range(0, 12)); // 0: in the order in which things come
  CAPTURE(dies, after, seed);
  small_shop shop;
  auto shirt = shop.add_variant(100);
  auto mug = shop.add_variant(100);
  auto hat = shop.add_variant(100);
  auto guest_id = shop.add_user(storage::user_kind::guest);
  shopper anna{shop, login_of(shop.add_user())};
  shopper guest{shop, guest_of(guest_id)};
  REQUIRE(guest.add(shirt, 5).value);
  REQUIRE(anna.add(mug, 2).value);
  if (seed > 0)
    shop.shuffle(static_cast<std::uint64_t>(seed));
  auto merged = anna.merge(guest_id);
  for (int i = 0; i < after; ++i)
    shop.step();
  if (dies == "guest" || dies == "both")
    shop.kill(guest.at);
  if (dies == "target" || dies == "both")
    shop.kill(anna.at);
  if (dies == "shirt's stock")
    shop.kill(inventory_at(shirt));
  auto more =
    shop.send<cart_view>(guest.at, add_to_cart{guest.by, {}, hat, 1}); // meanwhile, in another window
  shop.run();
  REQUIRE(merged->there());
  REQUIRE(more->there());
  bool happened = anna.holds(shirt) == 5;
  CHECK(guest.holds(shirt) == (happened ? 0 : 5)); // in one of the two carts, never in none or both
  CHECK(anna.holds(mug) == 2);
  if (merged->value)
    CHECK(happened);
  if (more->value)
    CHECK(anna.holds(hat) + guest.holds(hat) == 1);
  // Both live on, and asking again gets it done.
  CHECK(guest.get().value);
  CHECK(anna.get().value);
  auto again = anna.merge(guest_id);
  shop.run();
  REQUIRE(again->value);
  CHECK(again->value->item_count == (more->value ? 8 : 7));
  CHECK_FALSE(guest.row());
}

TEST_CASE("two carts that want each other do not wait for ever", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(100);
  shopper anna{shop, login_of(shop.add_user())};
  shopper ben{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 1).value);
  REQUIRE(ben.add(shirt, 2).value);
  auto one = anna.merge(ben.by.user);
  auto other = ben.merge(anna.by.user);
  shop.run();
  CHECK(one->there());
  CHECK(other->there());
  CHECK(anna.holds(shirt) + ben.holds(shirt) >= 2);
  CHECK(anna.get().value);
  CHECK(ben.get().value);
}

TEST_CASE("whoever waits for a cart that dies hears of it", "[cart]") {
  auto after = GENERATE(range(0, 25));
  small_shop shop;
  auto shirt = shop.add_variant(100);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 1).value);
  auto version = anna.row()->version;
  auto add = shop.send<cart_view>(anna.at, add_to_cart{anna.by, {}, shirt, 1});
  auto get = shop.send<cart_view>(anna.at, get_cart{anna.by});
  auto clear = shop.send<cart_view>(anna.at, clear_cart{anna.by});
  for (int i = 0; i < after; ++i)
    shop.step();
  shop.kill(anna.at);
  shop.run();
  CHECK(add->there());
  CHECK(get->there());
  CHECK(clear->there());
  if (clear->value)
    CHECK(anna.row()->lines.empty());
  else if (add->value)
    CHECK(anna.row()->version > version);
  CHECK(anna.get().value->item_count == anna.holds(shirt));
}

TEST_CASE("a cart whose row was changed behind its back starts again from it", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(100);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 1).value);
  auto id = anna.row()->id;
  shop.db().enter()->carts.at(id).version = 7;
  CHECK(anna.add(shirt, 1).why == runtime::errc::write_failed);
  CHECK(anna.holds(shirt) == 1);
  CHECK(anna.add(shirt, 1).value->item_count == 2);
  CHECK(anna.row()->version == 8);
}

TEST_CASE("too many commands at once are turned away", "[cart]") {
  small_shop shop;
  auto shirt = shop.add_variant(1000);
  shopper anna{shop, login_of(shop.add_user())};
  REQUIRE(anna.add(shirt, 1).value);
  shop.hold_writes();
  std::vector<std::shared_ptr<tests::reply<cart_view>>> replies;
  for (int n = 0; n < 70; ++n) {
    replies.push_back(shop.send<cart_view>(anna.at, add_to_cart{anna.by, {}, shirt, 1}));
    shop.run();
  }
  int turned_away = 0;
  for (const auto& r : replies)
    turned_away += r->why == runtime::errc::overloaded;
  CHECK(turned_away == 5);
  shop.release_writes();
  CHECK(anna.holds(shirt) == 66);
}
