// Codes and gift cards: what they are worth cannot be exceeded, whatever arrives.

#include "storage/life_rows.hpp"

#include <catch2/catch.hpp>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

namespace {

struct code_world : shop {
  explicit code_world(store_under_test& db, std::int64_t limit = -1) : shop(db), discount(new_discount(store.id, "TEA10", limit)) {
    shard.write(put_discount{discount, 0});
  }

  discount_row discount;

  std::int64_t used() const { return shard.db.reader().load_discount(store.id, discount.code).value().used; }
  bool has_used(const std::string& customer = "ada@example.com") const {
    return shard.db.reader().has_used(store.id, discount.code, customer);
  }
  ulid place() {
    auto order = new_order(store.id, new_id(3));
    shard.write(insert_order{order, {}});
    return order.id;
  }
};

struct card_world : shop {
  card_world(store_under_test& db, std::int64_t worth) : shop(db), card(new_gift_card(store.id, worth)) {
    shard.write(put_gift_card{card, 0});
  }

  gift_card_row card;
  ulid order = new_id_beside(store.id);

  std::int64_t balance() const { return shard.db.reader().load_gift_card(store.id, card.code_hash).value().balance; }
};

} // namespace

TEST_CASE("a code is used once by an order, however often that is written", "[discount]") {
  ON_EVERY_STORE;
  code_world w(db);
  const auto use = use_of(w.discount, w.place());
  CHECK_FALSE(w.has_used());
  w.shard.write(use);
  w.shard.write(use);
  w.shard.commit({in_shard(w.shard.id(), use), in_shard(w.shard.id(), use)});
  CHECK(w.used() == 1);
  CHECK(w.has_used());
  CHECK_FALSE(w.has_used("bob@example.com"));

  w.shard.write(use_of(w.discount, w.place()));
  CHECK(w.used() == 2);
}

TEST_CASE("a code that is given back is free again, once", "[discount]") {
  ON_EVERY_STORE;
  code_world w(db, 1);
  const auto use = use_of(w.discount, w.place());
  w.shard.write(use);
  w.shard.write(given_back(use));
  CHECK(w.used() == 0);
  CHECK_FALSE(w.has_used());
  w.shard.write(given_back(use));
  CHECK(w.used() == 0);

  INFO("what nobody used cannot be given back");
  w.shard.write(given_back(use_of(w.discount, w.place())));
  CHECK(w.used() == 0);

  w.shard.write(use_of(w.discount, w.place()));
  CHECK(w.used() == 1);
}

TEST_CASE("another store cannot give a code back", "[discount]") {
  ON_EVERY_STORE;
  code_world w(db);
  auto use = use_of(w.discount, w.place());
  w.shard.write(use);
  auto theirs = given_back(use);
  theirs.row.store_id = new_id(w.shard.id());
  w.shard.write(theirs);
  CHECK(w.used() == 1);
}

TEST_CASE("used and given back in one batch is not used", "[discount]") {
  ON_EVERY_STORE;
  code_world w(db, 1);
  const auto use = use_of(w.discount, w.place());
  auto out = w.shard.commit({in_shard(w.shard.id(), use), in_shard(w.shard.id(), given_back(use))});
  REQUIRE(out.what == kind::committed);
  CHECK(w.used() == 0);
  CHECK_FALSE(w.has_used());
  w.shard.write(use_of(w.discount, w.place()));
  CHECK(w.used() == 1);
}

TEST_CASE("the last use of a code changes hands in one batch", "[discount]") {
  ON_EVERY_STORE;
  code_world w(db, 1);
  const auto first = use_of(w.discount, w.place(), "ada@example.com", true),
             second = use_of(w.discount, w.place(), "bob@example.com", true);
  w.shard.write(first);
  auto out = w.shard.commit({in_shard(w.shard.id(), given_back(first)), in_shard(w.shard.id(), second)});
  REQUIRE(out.what == kind::committed);
  CHECK(w.used() == 1);
  CHECK_FALSE(w.has_used());
  CHECK(w.has_used("bob@example.com"));
}

TEST_CASE("a usage limit holds whatever arrives, and a batch that breaks it writes nothing", "[discount]") {
  ON_EVERY_STORE;
  code_world w(db, 2);
  auto bystander = new_user(w.shard.id());
  std::vector<write_set> three;
  for (int i = 0; i < 3; ++i)
    three.push_back(in_shard(w.shard.id(), use_of(w.discount, w.place())));
  three.push_back(in_shard(w.shard.id(), insert_user{bystander}));
  CHECK(w.shard.commit(three).what == kind::failed);
  CHECK(w.used() == 0);
  CHECK_FALSE(db.reader().load_user(bystander.id).has_value());

  three.erase(three.begin());
  CHECK(w.shard.commit(three).what == kind::committed);
  CHECK(w.used() == 2);
  CHECK(w.shard.commit({in_shard(w.shard.id(), use_of(w.discount, w.place()))}).what == kind::failed);
  CHECK(w.used() == 2);
}

TEST_CASE("a limit set below what is used stops further uses only", "[discount]") {
  ON_EVERY_STORE;
  code_world w(db);
  const auto first = use_of(w.discount, w.place()), second = use_of(w.discount, w.place());
  w.shard.write(first, second);
  auto tighter = w.discount;
  tighter.usage_limit = 1;
  w.shard.write(put_discount{tighter, 1});
  CHECK(w.used() == 2);
  CHECK(w.shard.commit({in_shard(w.shard.id(), use_of(w.discount, w.place()))}).what == kind::failed);
  w.shard.write(given_back(first));
  CHECK(w.used() == 1);
  CHECK(w.shard.commit({in_shard(w.shard.id(), use_of(w.discount, w.place()))}).what == kind::failed);
  w.shard.write(given_back(second), use_of(w.discount, w.place()));
  CHECK(w.used() == 1);
}

TEST_CASE("a code that each customer may use once is refused to the second order, alone", "[discount]") {
  ON_EVERY_STORE;
  code_world w(db);
  const auto first = use_of(w.discount, w.place(), "ada@example.com", true);
  auto second = new_order(w.store.id, new_id(3)), others = new_order(w.store.id, new_id(3));
  w.shard.write(first);
  w.shard.write(first);

  auto out = w.shard.commit(
    {in_shard(w.shard.id(), insert_order{second, {}}, use_of(w.discount, second.id, "ada@example.com", true)),
     in_shard(w.shard.id(), insert_order{others, {}}, use_of(w.discount, others.id, "bob@example.com", true))});
  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].refused == refusal::already_used);
  CHECK(out.results[0].detail == "TEA10");
  CHECK_FALSE(db.reader().load_order(second.id).has_value());
  CHECK(out.results[1].refused == refusal::none);
  CHECK(w.used() == 2);

  INFO("once the first is given back");
  w.shard.write(given_back(first));
  CHECK(w.shard.write(insert_order{second, {}}, use_of(w.discount, second.id, "ada@example.com", true)).refused == refusal::none);
  CHECK(w.used() == 2);
}

TEST_CASE("of two orders of a customer in one batch the first gets the code", "[discount]") {
  ON_EVERY_STORE;
  code_world w(db);
  const auto a = w.place(), b = w.place();
  auto out = w.shard.commit({in_shard(w.shard.id(), use_of(w.discount, a, "ada@example.com", true)),
                             in_shard(w.shard.id(), use_of(w.discount, b, "ada@example.com", true))});
  REQUIRE(out.what == kind::committed);
  CHECK(out.results[0].refused == refusal::none);
  CHECK(out.results[1].refused == refusal::already_used);
  CHECK(w.used() == 1);
}

TEST_CASE("a code is made once per store, changed from its version, and cannot be used where it is not", "[discount][version]") {
  ON_EVERY_STORE;
  code_world w(db);
  auto twin = new_discount(w.store.id, w.discount.code);
  auto result = w.shard.write(put_discount{twin, 0});
  CHECK(result.refused == refusal::exists);
  CHECK(db.reader().load_discount(w.store.id, twin.code) == w.discount);

  auto changed = w.discount;
  changed.active = false;
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_discount{changed, 2})}).what == kind::failed);
  w.shard.write(put_discount{changed, 1});
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_discount{changed, 1})}).what == kind::failed);
  CHECK(db.reader().load_discount(w.store.id, w.discount.code)->version == 2);
  w.shard.commit({in_shard(w.shard.id(), put_discount{changed, 2}), in_shard(w.shard.id(), put_discount{changed, 3})});
  CHECK(db.reader().load_discount(w.store.id, w.discount.code)->version == 4);

  auto nowhere = new_discount(w.store.id, "NOWHERE");
  CHECK(w.shard.commit({in_shard(w.shard.id(), use_of(nowhere, w.place()))}).what == kind::failed);
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_discount{nowhere, 1})}).what == kind::failed);

  INFO("another store has its own");
  auto neighbour = new_store(w.shard.id());
  CHECK(w.shard.write(insert_store{neighbour}, put_discount{new_discount(neighbour.id, w.discount.code), 0}).refused
        == refusal::none);
}

TEST_CASE("a gift card gives what it holds and no more", "[gift card]") {
  ON_EVERY_STORE;
  card_world w(db, 1000);
  w.shard.write(spent(w.card, 600, w.order));
  CHECK(w.balance() == 400);
  CHECK(w.shard.commit({in_shard(w.shard.id(), spent(w.card, 401, w.order))}).what == kind::failed);
  CHECK(w.balance() == 400);

  INFO("the sum of a batch counts");
  CHECK(w.shard.commit({in_shard(w.shard.id(), spent(w.card, 300, w.order)), in_shard(w.shard.id(), spent(w.card, 101, w.order))})
          .what
        == kind::failed);
  CHECK(w.shard.commit({in_shard(w.shard.id(), spent(w.card, 500, w.order)), in_shard(w.shard.id(), put_back(w.card, 100, w.order))})
          .what
        == kind::committed);
  CHECK(w.balance() == 0);

  INFO("and no more comes back than it was sold for");
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_back(w.card, 1001, w.order))}).what == kind::failed);
  w.shard.write(put_back(w.card, 1000, w.order));
  CHECK(w.balance() == 1000);
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_back(w.card, 1, w.order))}).what == kind::failed);
}

TEST_CASE("a gift card is made once per code, and changed from its version without touching its money", "[gift card][version]") {
  ON_EVERY_STORE;
  card_world w(db, 1000);
  auto twin = new_gift_card(w.store.id, 5000);
  twin.code_hash = w.card.code_hash;
  CHECK(w.shard.write(put_gift_card{twin, 0}).refused == refusal::exists);
  auto again = w.card;
  again.code_hash = "another";
  CHECK(w.shard.write(put_gift_card{again, 0}).refused == refusal::exists);
  CHECK_FALSE(db.reader().load_gift_card(w.store.id, "another").has_value());

  w.shard.write(spent(w.card, 250, w.order));
  auto stopped = w.card;
  stopped.active = false;
  stopped.initial = stopped.balance = 9'999;
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_gift_card{stopped, 2})}).what == kind::failed);
  w.shard.write(put_gift_card{stopped, 1});
  auto loaded = db.reader().load_gift_card(w.store.id, w.card.code_hash).value();
  CHECK_FALSE(loaded.active);
  CHECK(loaded.initial == 1000);
  CHECK(loaded.balance == 750);
  CHECK(loaded.version == 2);
}

TEST_CASE("made and changed in one batch, a code and a gift card keep what never changes", "[discount][gift card]") {
  ON_EVERY_STORE;
  shop s(db);
  const auto discount = new_discount(s.store.id, "TEA10");
  const auto card = new_gift_card(s.store.id, 1000);
  auto other_terms = new_discount(s.store.id, "TEA10", 7);
  other_terms.created_at = at(9);
  auto more = card;
  more.initial = more.balance = 100'000;
  more.code_hash = "another";
  more.note = "for Ada";
  auto out = s.shard.commit({in_shard(s.shard.id(), put_discount{discount, 0}, put_gift_card{card, 0}),
                             in_shard(s.shard.id(), put_discount{other_terms, 1}, put_gift_card{more, 1})});
  REQUIRE(out.what == kind::committed);
  auto expected = discount;
  expected.usage_limit = 7;
  expected.version = 2;
  CHECK(db.reader().load_discount(s.store.id, "TEA10") == expected);
  auto loaded = db.reader().load_gift_card(s.store.id, card.code_hash).value();
  CHECK(loaded.balance == 1000);
  CHECK(loaded.initial == 1000);
  CHECK(loaded.note == "for Ada");
  CHECK(loaded.version == 2);
}

TEST_CASE("a gift card that is not there, or another store's, has no money", "[gift card]") {
  ON_EVERY_STORE;
  card_world w(db, 1000);
  CHECK(w.shard.commit({in_shard(w.shard.id(), spent(new_gift_card(w.store.id, 5), 1, w.order))}).what == kind::failed);
  auto neighbour = new_store(w.shard.id());
  w.shard.write(insert_store{neighbour});
  auto theirs = w.card;
  theirs.store_id = neighbour.id;
  CHECK(w.shard.commit({in_shard(w.shard.id(), spent(theirs, 1, w.order))}).what == kind::failed);
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_gift_card{theirs, 1})}).what == kind::failed);
  CHECK_FALSE(db.reader().load_gift_card(neighbour.id, w.card.code_hash).has_value());
  CHECK(w.balance() == 1000);

  INFO("one that is worth nothing is not made");
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_gift_card{new_gift_card(w.store.id, 0), 0})}).what == kind::failed);
}
