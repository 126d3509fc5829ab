#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

TEST_CASE("a commit advances the seq of its shards and of no other", "[fence]") {
  ON_EVERY_STORE;
  owned_shard a(db), b(db), untouched(db);
  auto user_a = new_user(a.id()), user_b = new_user(b.id());
  std::vector sets{in_shard(a.id(), insert_user{user_a}), in_shard(b.id(), insert_user{user_b})};

  auto out = db.journal().commit(batch_of({a.held, b.held}, sets));

  REQUIRE(out.what == kind::committed);
  CHECK(out.results.size() == 2);
  CHECK(a.row().seq == a.held.seq + 1);
  CHECK(b.row().seq == b.held.seq + 1);
  CHECK(a.row().epoch == a.held.epoch);
  CHECK(untouched.row().seq == untouched.held.seq);
  CHECK(db.reader().load_user(user_a.id).has_value());
  CHECK(db.reader().load_user(user_b.id).has_value());
}

TEST_CASE("a writer of an old epoch is fenced and writes nothing", "[fence]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto usurper = new_node(db, shard.node.name);
  REQUIRE(db.ownership().acquire(usurper, {shard.id()}, stale_after).size() == 1);
  auto user = new_user(shard.id());

  auto out = shard.commit({in_shard(shard.id(), insert_user{user})});

  CHECK(out.what == kind::fenced);
  CHECK(out.lost == std::vector<shard_id>{shard.id()});
  CHECK_FALSE(db.reader().load_user(user.id).has_value());
  CHECK(shard.row().seq == shard.held.seq);
}

TEST_CASE("a writer of an old seq is fenced: a batch cannot be written twice", "[fence]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto before = shard.held;
  shard.write(insert_user{new_user(shard.id())});
  auto user = new_user(shard.id());
  std::vector sets{in_shard(shard.id(), insert_user{user})};

  auto out = db.journal().commit(batch_of({before}, sets));

  CHECK(out.what == kind::fenced);
  CHECK(out.lost == std::vector<shard_id>{shard.id()});
  CHECK_FALSE(db.reader().load_user(user.id).has_value());
  CHECK(shard.row().seq == shard.held.seq);
}

TEST_CASE("a writer that runs ahead of the seq is fenced", "[fence]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto ahead = shard.held;
  ++ahead.seq;
  auto user = new_user(shard.id());
  std::vector sets{in_shard(shard.id(), insert_user{user})};

  CHECK(db.journal().commit(batch_of({ahead}, sets)).what == kind::fenced);
  CHECK_FALSE(db.reader().load_user(user.id).has_value());
}

TEST_CASE("one lost shard of several keeps the whole batch out and is named", "[fence]") {
  ON_EVERY_STORE;
  owned_shard a(db), lost(db), c(db);
  REQUIRE(db.ownership().acquire(new_node(db, lost.node.name), {lost.id()}, stale_after).size() == 1);
  auto user_a = new_user(a.id()), user_lost = new_user(lost.id()), user_c = new_user(c.id());
  std::vector sets{in_shard(a.id(), insert_user{user_a}), in_shard(lost.id(), insert_user{user_lost}),
                   in_shard(c.id(), insert_user{user_c})};

  auto out = db.journal().commit(batch_of({a.held, lost.held, c.held}, sets));

  REQUIRE(out.what == kind::fenced);
  CHECK(out.lost == std::vector<shard_id>{lost.id()});
  for (const auto& user : {user_a, user_lost, user_c})
    CHECK_FALSE(db.reader().load_user(user.id).has_value());

  std::vector rest{sets[0], sets[2]};
  CHECK(db.journal().commit(batch_of({a.held, c.held}, rest)).what == kind::committed);
  CHECK(db.reader().load_user(user_a.id).has_value());
}

TEST_CASE("a batch that fails leaves the seq where it was, and the same fence commits the next one",
          "[fence]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto user = new_user(shard.id());

  auto out = shard.commit(
    {in_shard(shard.id(), insert_user{user}), in_shard(shard.id(), update_user{new_user(shard.id()), 1})});

  CHECK(out.what == kind::failed);
  CHECK_FALSE(out.error.empty());
  CHECK(shard.row().seq == shard.held.seq);
  CHECK_FALSE(db.reader().load_user(user.id).has_value());
  CHECK(shard.commit({in_shard(shard.id(), insert_user{user})}).what == kind::committed);
}

TEST_CASE("two connections write different shards and see each other's rows", "[fence]") {
  ON_EVERY_STORE;
  owned_shard a(db), b(db);
  auto user_a = new_user(a.id()), user_b = new_user(b.id());
  std::vector first{in_shard(a.id(), insert_user{user_a})};
  std::vector second{in_shard(b.id(), insert_user{user_b})};

  CHECK(db.journal().commit(batch_of({a.held}, first)).what == kind::committed);
  CHECK(db.other_journal().commit(batch_of({b.held}, second)).what == kind::committed);
  CHECK(db.reader().load_user(user_a.id).has_value());
  CHECK(db.reader().load_user(user_b.id).has_value());
}

// --- a commit whose answer was lost ---

TEST_CASE("settling a batch that landed gives its results and a fence that writes on", "[settle]") {
  ON_EVERY_STORE;
  shop s(db);
  auto taken = s.product;
  taken.id = new_id(s.shard.id());
  auto order = new_order(s.store.id, new_id(1));
  std::vector sets{s.checkout(order, 2), in_shard(s.shard.id(), insert_product{taken})};
  auto before = s.shard.held;
  auto committed = db.journal().commit(batch_of({before}, sets));
  REQUIRE(committed.what == kind::committed);

  auto settled = db.journal().settle(batch_of({before}, sets));

  REQUIRE(settled.reachable);
  CHECK(settled.landed);
  CHECK(settled.lost.empty());
  REQUIRE(settled.results.size() == 2);
  CHECK(settled.results[0].refused == refusal::none);
  CHECK(settled.results[0].drawn_number == committed.results[0].drawn_number);
  CHECK(settled.results[1].refused == refusal::handle_taken);
  REQUIRE(settled.fences.size() == 1);
  CHECK(settled.fences[0] == fence{s.shard.id(), before.epoch + 1, before.seq + 1});
  s.shard.held = settled.fences[0];
  CHECK(s.shard.commit({in_shard(s.shard.id(), event_about(order.id, "order.paid"))}).what
        == kind::committed);
}

TEST_CASE("settling a batch that never arrived says so, and the old fence can never write again",
          "[settle]") {
  ON_EVERY_STORE;
  owned_shard a(db), b(db);
  auto user = new_user(a.id());
  std::vector sets{in_shard(a.id(), insert_user{user}), in_shard(b.id(), insert_user{new_user(b.id())})};
  auto lost_batch = batch_of({a.held, b.held}, sets);

  auto settled = db.journal().settle(lost_batch);

  REQUIRE(settled.reachable);
  CHECK_FALSE(settled.landed);
  CHECK(settled.lost.empty());
  REQUIRE(settled.fences.size() == 2);
  CHECK(settled.fences[0] == fence{a.id(), a.held.epoch + 1, a.held.seq});
  CHECK(settled.fences[1] == fence{b.id(), b.held.epoch + 1, b.held.seq});
  CHECK(db.other_journal().commit(lost_batch).what == kind::fenced); // the late original
  CHECK_FALSE(db.reader().load_user(user.id).has_value());
  CHECK(db.journal().commit(batch_of(settled.fences, sets)).what == kind::committed);
  CHECK(db.reader().load_user(user.id).has_value());
}

TEST_CASE("settling gives up a shard whose row is behind what was acknowledged", "[settle]") {
  ON_EVERY_STORE;
  owned_shard ours(db), older(db);
  auto ahead = older.held;
  ahead.seq += 3; // commits that a restored copy of the database has forgotten
  std::vector sets{in_shard(ours.id()), in_shard(older.id())};

  auto settled = db.journal().settle(batch_of({ours.held, ahead}, sets));

  REQUIRE(settled.reachable);
  CHECK_FALSE(settled.landed);
  CHECK(settled.lost == std::vector<shard_id>{older.id()});
  REQUIRE(settled.fences.size() == 1);
  CHECK(settled.fences[0].shard == ours.id());
}

TEST_CASE("settling names the shards that somebody else took meanwhile and leaves them alone", "[settle]") {
  ON_EVERY_STORE;
  owned_shard ours(db), lost(db);
  std::vector sets{in_shard(ours.id(), insert_user{new_user(ours.id())}),
                   in_shard(lost.id(), insert_user{new_user(lost.id())})};
  auto taken = db.ownership().acquire(new_node(db, lost.node.name), {lost.id()}, stale_after);
  REQUIRE(taken.size() == 1);

  auto settled = db.journal().settle(batch_of({ours.held, lost.held}, sets));

  REQUIRE(settled.reachable);
  CHECK_FALSE(settled.landed);
  CHECK(settled.lost == std::vector<shard_id>{lost.id()});
  REQUIRE(settled.fences.size() == 1);
  CHECK(settled.fences[0].shard == ours.id());
  CHECK(lost.row().epoch == taken[0].epoch);
}

TEST_CASE("a batch that landed before one of its shards was taken is still known to have landed",
          "[settle]") {
  ON_EVERY_STORE;
  owned_shard ours(db), lost(db);
  auto user = new_user(lost.id());
  std::vector sets{in_shard(ours.id(), insert_user{new_user(ours.id())}),
                   in_shard(lost.id(), insert_user{user})};
  auto b = batch_of({ours.held, lost.held}, sets);
  REQUIRE(db.journal().commit(b).what == kind::committed);
  REQUIRE(db.ownership().acquire(new_node(db, lost.node.name), {lost.id()}, stale_after).size() == 1);

  auto settled = db.journal().settle(b);

  REQUIRE(settled.reachable);
  CHECK(settled.landed);
  CHECK(settled.results.size() == 2);
  CHECK(settled.lost == std::vector<shard_id>{lost.id()});
  CHECK(db.reader().load_user(user.id).has_value());
}
