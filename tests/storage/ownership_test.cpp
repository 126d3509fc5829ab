#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;

namespace {

shard_row row_of(store_under_test& db, shard_id shard) {
  auto rows = db.ownership().shards();
  REQUIRE(rows.size() == shard_count);
  auto at = std::find_if(rows.begin(), rows.end(), [=](const auto& r) { return r.shard == shard; });
  REQUIRE(at != rows.end());
  return *at;
}

const node_row* find(const std::vector<node_row>& nodes, const node_row& node) {
  auto at = std::find_if(nodes.begin(), nodes.end(),
                         [&](const auto& n) { return n.incarnation == node.incarnation; });
  return at == nodes.end() ? nullptr : &*at;
}

} // namespace

TEST_CASE("a shard taken has its taker, a new epoch and its old seq", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  shard.write(insert_user{new_user(shard.id())});

  auto again = db.ownership().acquire(shard.node, {shard.id()}, stale_after);

  REQUIRE(again.size() == 1); // a node may re-take what it has
  CHECK(again[0] == fence{shard.id(), shard.held.epoch + 1, shard.held.seq});
  auto row = row_of(db, shard.id());
  CHECK(row.owner == shard.node.incarnation);
  CHECK(row.epoch == again[0].epoch);
  CHECK(row.seq == again[0].seq);
}

TEST_CASE("a shard of a node that is alive is not given to another name", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard a(db), b(db);
  auto stranger = new_node(db);

  CHECK(db.ownership().acquire(stranger, {a.id(), b.id()}, stale_after).empty());
  CHECK(row_of(db, a.id()).owner == a.node.incarnation);
  CHECK(row_of(db, a.id()).epoch == a.held.epoch);

  INFO("of several wanted, those that may be taken are");
  db.ownership().release({b.held});
  auto taken = db.ownership().acquire(stranger, {a.id(), b.id()}, stale_after);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0] == fence{b.id(), b.held.epoch + 1, b.held.seq});
}

TEST_CASE("of two processes of one name the earlier takes nothing from the later, nor its row", "[ownership]") {
  ON_EVERY_STORE;
  const auto earlier = new_node(db, "twin-" + new_id(0).str());
  owned_shard shard(db);
  const auto later = new_node(db, earlier.name);
  REQUIRE(earlier.incarnation < later.incarnation);
  db.ownership().release({shard.held});
  const auto held = db.ownership().acquire(later, {shard.id()}, stale_after);
  REQUIRE(held.size() == 1);

  CHECK(db.ownership().acquire(earlier, {shard.id()}, stale_after).empty());
  CHECK(row_of(db, shard.id()).owner == later.incarnation);

  db.ownership().release(held);
  CHECK(db.ownership().acquire(earlier, {shard.id()}, stale_after).size() == 1);
  CHECK(db.ownership().observe(later, stale_after).known); // it owns nothing, and is still there
  CHECK(db.ownership().acquire(later, {shard.id()}, stale_after).size() == 1);
}

TEST_CASE("a restarted node of the same name takes its shards back at once", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto restarted = new_node(db, shard.node.name);

  auto taken = db.ownership().acquire(restarted, {shard.id()}, stale_after);

  REQUIRE(taken.size() == 1);
  CHECK(taken[0].epoch == shard.held.epoch + 1);
  CHECK(row_of(db, shard.id()).owner == restarted.incarnation);
}

TEST_CASE("the shards of a node whose heartbeat stopped can be taken, and it hears of it", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto heir = new_node(db);
  db.wait(1500ms);
  REQUIRE(db.ownership().observe(heir, 1s).known);

  auto nodes = db.ownership().nodes(1s);
  REQUIRE(find(nodes, shard.node));
  CHECK_FALSE(find(nodes, shard.node)->alive);
  REQUIRE(find(nodes, heir));
  CHECK(find(nodes, heir)->alive);

  auto taken = db.ownership().acquire(heir, {shard.id()}, 1s);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].epoch == shard.held.epoch + 1);
  CHECK_FALSE(db.ownership().observe(shard.node, 1s).known);
}

TEST_CASE("a heartbeat keeps a node alive and its shards its own", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto rival = new_node(db);
  db.wait(1500ms);
  REQUIRE(db.ownership().observe(shard.node, 1s).known);

  auto nodes = db.ownership().nodes(1s);
  REQUIRE(find(nodes, shard.node));
  CHECK(find(nodes, shard.node)->alive);
  CHECK(find(nodes, shard.node)->name == shard.node.name);
  CHECK(find(nodes, shard.node)->address == shard.node.address);
  CHECK(find(nodes, shard.node)->started_at == shard.node.started_at);
  CHECK(db.ownership().acquire(rival, {shard.id()}, 1s).empty());
}

TEST_CASE("a released shard is nobody's, and a late release changes nothing", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto late = shard.held;
  shard.held = db.ownership().acquire(shard.node, {shard.id()}, stale_after).at(0);

  db.ownership().release({late});
  CHECK(row_of(db, shard.id()).owner == shard.node.incarnation);

  db.ownership().release({shard.held});
  CHECK(row_of(db, shard.id()).owner.is_nil());
  CHECK(row_of(db, shard.id()).seq == shard.held.seq);
}

TEST_CASE("a node that signed off is gone, its shards free to take, its heartbeat unwelcome", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  db.ownership().deregister(shard.node.incarnation);

  auto nodes = db.ownership().nodes(stale_after);
  CHECK(find(nodes, shard.node) == nullptr);
  CHECK_FALSE(db.ownership().observe(shard.node, 1s).known);
  CHECK(db.ownership().acquire(new_node(db), {shard.id()}, stale_after).size() == 1);
}

TEST_CASE("shards are taken in order, each once, however they are asked for", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard a(db), b(db), c(db);
  db.ownership().release({a.held, b.held, c.held});
  auto node = new_node(db);

  auto taken = db.ownership().acquire(node, {c.id(), a.id(), b.id(), a.id()}, stale_after);

  REQUIRE(taken.size() == 3);
  CHECK(taken[0].shard == a.id());
  CHECK(taken[1].shard == b.id());
  CHECK(taken[2].shard == c.id());
  CHECK(taken[0].epoch == a.held.epoch + 1);
  CHECK(db.ownership().acquire(node, {}, stale_after).empty());
}

TEST_CASE("nodes that reach for the same free shards at the same moment get each of them once", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard a(db), b(db), c(db);
  const std::vector wanted{c.id(), a.id(), b.id()};
  db.ownership().release({a.held, b.held, c.held});
  constexpr int racers = 4;
  std::vector<node_row> nodes;
  for (int i = 0; i < racers; ++i)
    nodes.push_back(new_node(db));
  std::vector<std::vector<fence>> taken(racers);
  std::atomic<int> at_the_line{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < racers; ++i)
    threads.emplace_back([&, i] {
      auto rows = db.open_ownership();
      rows->now(); // connected
      for (++at_the_line; at_the_line < racers;)
        std::this_thread::yield();
      taken[i] = rows->acquire(nodes[i], wanted, stale_after);
    });
  for (auto& t : threads)
    t.join();

  std::map<shard_id, int> times;
  for (std::size_t i = 0; i < racers; ++i)
    for (const auto& f : taken[i]) {
      ++times[f.shard];
      CHECK(row_of(db, f.shard).owner == nodes[i].incarnation);
      CHECK(row_of(db, f.shard).epoch == f.epoch);
    }
  CHECK(times == std::map<shard_id, int>{{a.id(), 1}, {b.id(), 1}, {c.id(), 1}});
}

// --- giving a shard away ---

TEST_CASE("a shard handed over goes on under the next owner where the old one stopped", "[ownership][hand_over]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  shard.write(insert_user{new_user(shard.id())});
  auto next = new_node(db);

  auto given = db.ownership().hand_over(shard.node.incarnation, {shard.held}, next);

  REQUIRE(given.size() == 1);
  CHECK(given[0] == fence{shard.id(), shard.held.epoch + 1, shard.held.seq});
  CHECK(row_of(db, shard.id()).owner == next.incarnation);
  CHECK(row_of(db, shard.id()).epoch == given[0].epoch);

  INFO("the old owner can neither write nor settle");
  auto late = new_user(shard.id()), user = new_user(shard.id());
  std::vector too_late{in_shard(shard.id(), insert_user{late})};
  CHECK(shard.commit(too_late).what == commit_outcome::kind::fenced);
  auto settled = db.journal().settle(batch_of({shard.held}, too_late));
  CHECK(settled.lost == std::vector<shard_id>{shard.id()});
  CHECK(row_of(db, shard.id()).epoch == given[0].epoch);
  CHECK_FALSE(db.reader().load_user(late.id).has_value());

  INFO("the new one commits, and seq goes on");
  std::vector theirs{in_shard(shard.id(), insert_user{user})};
  CHECK(db.other_journal().commit(batch_of(given, theirs)).what == commit_outcome::kind::committed);
  CHECK(row_of(db, shard.id()).seq == shard.held.seq + 1);
  CHECK(db.reader().load_user(user.id).has_value());
}

TEST_CASE("of the shards handed over only those go that are still the giver's in that epoch",
          "[ownership][hand_over]") {
  ON_EVERY_STORE;
  owned_shard ours(db), stale(db), released(db), foreign(db);
  const auto self = ours.node;
  auto move_to_self = [&](owned_shard& shard) {
    shard.held = db.ownership().hand_over(shard.node.incarnation, {shard.held}, self).at(0);
  };
  move_to_self(stale);
  move_to_self(released);
  auto old = stale.held;
  stale.held = db.ownership().acquire(self, {stale.id()}, stale_after).at(0); // it was settled meanwhile, say
  db.ownership().release({released.held});
  auto next = new_node(db);

  auto given
    = db.ownership().hand_over(self.incarnation, {foreign.held, released.held, old, ours.held, ours.held}, next);

  REQUIRE(given.size() == 1);
  CHECK(given[0] == fence{ours.id(), ours.held.epoch + 1, ours.held.seq});
  CHECK(row_of(db, stale.id()).owner == self.incarnation);
  CHECK(row_of(db, stale.id()).epoch == stale.held.epoch);
  CHECK(row_of(db, released.id()).owner.is_nil());
  CHECK(row_of(db, foreign.id()).owner == foreign.node.incarnation);
  CHECK(row_of(db, foreign.id()).epoch == foreign.held.epoch);
  CHECK(db.ownership().hand_over(self.incarnation, {ours.held}, next).empty()); // asked again
  CHECK(db.ownership().hand_over(self.incarnation, {}, next).empty());
}

TEST_CASE("shards handed over together come back in shard order", "[ownership][hand_over]") {
  ON_EVERY_STORE;
  owned_shard a(db), b(db), c(db);
  db.ownership().release({a.held, b.held, c.held});
  auto node = new_node(db), next = new_node(db);
  auto held = db.ownership().acquire(node, {a.id(), b.id(), c.id()}, stale_after);
  REQUIRE(held.size() == 3);
  std::reverse(held.begin(), held.end());

  auto given = db.ownership().hand_over(node.incarnation, held, next);

  REQUIRE(given.size() == 3);
  CHECK(given[0].shard == a.id());
  CHECK(given[1].shard == b.id());
  CHECK(given[2].shard == c.id());
}

TEST_CASE("a shard is not given to a node that has no row here", "[ownership][hand_over]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto gone = new_node(db);
  db.ownership().bury(gone.incarnation);

  CHECK(db.ownership().hand_over(shard.node.incarnation, {shard.held}, gone).empty());

  CHECK(row_of(db, shard.id()).owner == shard.node.incarnation);
  CHECK(row_of(db, shard.id()).epoch == shard.held.epoch);
  CHECK_NOTHROW(shard.write(insert_user{new_user(shard.id())}));
}

TEST_CASE("a shard handed over belongs to the next owner's name, no longer to the giver's", "[ownership][hand_over]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto next = new_node(db);
  auto given = db.ownership().hand_over(shard.node.incarnation, {shard.held}, next);
  REQUIRE(given.size() == 1);

  CHECK(db.ownership().acquire(shard.node, {shard.id()}, stale_after).empty());
  CHECK(db.ownership().acquire(new_node(db, shard.node.name), {shard.id()}, stale_after).empty());
  auto taken = db.ownership().acquire(new_node(db, next.name), {shard.id()}, stale_after);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].epoch == given[0].epoch + 1);
}

// --- shards that nobody may have ---

TEST_CASE("a shard that is elsewhere, moving or quarantined is given to nobody, and nobody writes to it",
          "[ownership]") {
  ON_EVERY_STORE;
  owned_shard shard(db), beside(db);
  const auto where = GENERATE(residence::elsewhere, residence::moving, residence::quarantined);
  CAPTURE(static_cast<int>(where));
  shard.write(insert_user{new_user(shard.id())});

  if (where == residence::quarantined)
    db.ownership().quarantine({shard.held});
  else
    db.relocate(shard.id(), where);

  auto row = row_of(db, shard.id());
  CHECK(row.where == where);
  CHECK(row.owner.is_nil());
  CHECK(row.epoch == shard.held.epoch + 1);
  CHECK(row.seq == shard.held.seq);
  std::vector too_late{in_shard(shard.id(), insert_user{new_user(shard.id())})};
  CHECK(shard.commit(too_late).what == commit_outcome::kind::fenced);
  CHECK(db.journal().settle(batch_of({shard.held}, too_late)).lost == std::vector<shard_id>{shard.id()});
  CHECK(db.ownership().acquire(shard.node, {shard.id()}, stale_after).empty());
  CHECK(db.ownership().acquire(new_node(db, shard.node.name), {shard.id()}, stale_after).empty());
  CHECK(db.ownership().hand_over(shard.node.incarnation, {shard.held}, new_node(db)).empty());
  db.ownership().release({shard.held});

  INFO("the shard beside it is taken all the same");
  db.ownership().release({beside.held});
  auto taken = db.ownership().acquire(new_node(db), {shard.id(), beside.id()}, stale_after);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].shard == beside.id());
  CHECK(row_of(db, shard.id()).where == where);
  CHECK(row_of(db, shard.id()).epoch == shard.held.epoch + 1);

  INFO("once it is here again it is taken as any other, and its seq goes on");
  db.relocate(shard.id(), residence::here);
  auto back = db.ownership().acquire(shard.node, {shard.id()}, stale_after);
  REQUIRE(back.size() == 1);
  CHECK(back[0] == fence{shard.id(), shard.held.epoch + 3, shard.held.seq});
  shard.held = back[0];
  shard.write(insert_user{new_user(shard.id())});
}

TEST_CASE("a settlement that was under way when its shard was quarantined or handed over finds it lost",
          "[ownership][settle]") {
  ON_EVERY_STORE;
  const bool quarantine = GENERATE(true, false);
  owned_shard shard(db);
  std::vector sets{in_shard(shard.id(), insert_user{new_user(shard.id())})};
  auto b = batch_of({shard.held}, sets);
  auto settled = db.journal().settle(b);
  REQUIRE(settled.fences.size() == 1); // suppose that this answer was lost: the lane asks again
  if (quarantine)
    db.ownership().quarantine({shard.held});
  else
    REQUIRE(db.ownership().hand_over(shard.node.incarnation, settled.fences, new_node(db)).size() == 1);
  auto epoch = row_of(db, shard.id()).epoch;

  settled = db.journal().settle(b);

  CHECK(settled.reachable);
  CHECK(settled.lost == std::vector<shard_id>{shard.id()});
  CHECK(settled.fences.empty());
  CHECK(row_of(db, shard.id()).epoch == epoch);
}

TEST_CASE("a row that has forgotten commits is given to nobody, and its quarantine tops every epoch that is remembered",
          "[ownership][hand_over]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  const auto next = new_node(db);
  auto remembered = shard.held;
  remembered.seq += 4; // acknowledged, and missing in the copy that came back
  CHECK(db.ownership().hand_over(shard.node.incarnation, {remembered}, next).empty());
  CHECK(row_of(db, shard.id()).owner == shard.node.incarnation);

  remembered.epoch += 7;
  auto older = remembered;
  older.epoch -= 3;
  db.ownership().quarantine({older, remembered});
  CHECK(row_of(db, shard.id()).where == residence::quarantined);
  CHECK(row_of(db, shard.id()).epoch == remembered.epoch + 1);
  CHECK(row_of(db, shard.id()).seq == shard.held.seq);
}

TEST_CASE("quarantine is for shards whose rows are here, and once is enough", "[ownership]") {
  ON_EVERY_STORE;
  owned_shard a(db), away(db), moving(db), untouched(db);
  db.relocate(away.id(), residence::elsewhere);
  db.relocate(moving.id(), residence::moving);

  db.ownership().quarantine({away.held, moving.held, a.held, a.held});
  db.ownership().quarantine({a.held});
  db.ownership().quarantine({});

  CHECK(row_of(db, a.id()).where == residence::quarantined);
  CHECK(row_of(db, a.id()).epoch == a.held.epoch + 1);
  CHECK(row_of(db, moving.id()).where == residence::quarantined);
  CHECK(row_of(db, away.id()).where == residence::elsewhere);
  CHECK(row_of(db, away.id()).epoch == away.held.epoch + 1);
  CHECK(row_of(db, untouched.id()).where == residence::here);
  CHECK(row_of(db, untouched.id()).owner == untouched.node.incarnation);
  untouched.write(insert_user{new_user(untouched.id())});
}

TEST_CASE("the database's clock goes forward", "[ownership]") {
  ON_EVERY_STORE;
  auto before = db.ownership().now();
  db.wait(20ms);
  auto after = db.ownership().now();
  CHECK(after - before >= 20ms);
  CHECK(after - before < 10s);
}
