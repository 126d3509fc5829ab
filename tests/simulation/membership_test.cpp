#include "runtime/membership.hpp"
#include "simulation/world/timeline.hpp"
#include "storage/error.hpp"
#include "storage/simulated/database.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <set>

// The decisions of membership alone: no actors, no journal, a simulated database whose rows are the only truth.

using namespace souk;
using namespace std::chrono_literals;
using storage::fence;
using storage::shard_id;

namespace {

/// A node that does what its membership decides. What it gives away has drained at once unless told otherwise.
class fake_node final : public runtime::membership_actions {
public:
  fake_node(const std::string& name, int number, storage::simulated::database& db, runtime::membership_options options,
            const runtime::clock& time)
    : row(row_of(name, number)), map(row.incarnation),
      decides(std::make_unique<runtime::membership>(row, std::uint8_t{0}, options, time, db.open_ownership(), map, *this)) {}

  static storage::node_row row_of(const std::string& name, int number) {
    storage::node_row r;
    r.incarnation.bytes.fill(static_cast<std::uint8_t>(number));
    r.name = name;
    r.address = name + ":7101";
    r.cluster = "test";
    r.wire = 3;
    return r;
  }

  void take(const std::vector<fence>& fences) override {
    for (const auto& f : fences)
      serves[f.shard] = f;
  }
  void begin_hand_over(shard_id shard, std::uint64_t round) override {
    giving.insert(shard);
    rounds[shard] = round;
    most_giving = std::max(most_giving, giving.size());
    if (drains)
      drained(shard);
  }
  void cancel_hand_over(shard_id shard) override {
    giving.erase(shard);
    kept.push_back(shard);
  }
  void given(const storage::node_row& next, const std::vector<fence>& fences) override {
    for (const auto& f : fences) {
      serves.erase(f.shard);
      giving.erase(f.shard);
    }
    gave += fences.size();
    grants.emplace_back(next.incarnation, fences);
  }
  void lost(shard_id shard, std::int64_t epoch) override {
    if (auto at = serves.find(shard); at != serves.end() && at->second.epoch <= epoch)
      serves.erase(at);
    giving.erase(shard);
    losses.push_back(shard);
  }
  void owner_changed(shard_id) override {}
  void seen(const std::vector<storage::node_row>& alive) override { sees = alive.size(); }
  void alarm(const std::vector<shard_id>& shards) override { alarms.insert(shards.begin(), shards.end()); }
  void condemned() override { dead = true; }

  void drained(shard_id shard) { decides->drained(serves.at(shard)); }
  /// Nobody listens at the other's address.
  void refused_by(const fake_node& other) {
    decides->unreachable({other.row.incarnation});
    decides->suspect(other.row.incarnation);
  }

  storage::node_row row;
  runtime::cluster_map map;
  std::unique_ptr<runtime::membership> decides;
  std::map<shard_id, fence> serves;
  std::set<shard_id> giving;
  std::map<shard_id, std::uint64_t> rounds;
  std::set<shard_id> alarms;
  std::vector<shard_id> kept, losses;
  std::vector<std::pair<storage::ulid, std::vector<fence>>> grants;
  std::size_t most_giving = 0, gave = 0, sees = 0;
  bool drains = true;
  bool dead = false;
};

struct cluster {
  simulation::timeline time;
  storage::simulated::database db{{[this] { return time.now(); }}};
  runtime::membership_options options;
  std::vector<std::unique_ptr<fake_node>> nodes;
  int numbers = 0;
  bool grants_arrive = true;

  fake_node& join(const std::string& name) {
    nodes.push_back(std::make_unique<fake_node>(name, ++numbers, db, options, time));
    nodes.back()->decides->join();
    return *nodes.back();
  }
  void join_many(int n) {
    for (int i = 0; i < n; ++i)
      join("n" + std::to_string(numbers + 1));
  }
  /// Every node that lives looks once, half a second later.
  void look(int times = 1) {
    for (int i = 0; i < times; ++i) {
      time.move_to(time.now() + 500ms);
      for (auto& n : nodes)
        if (!n->dead)
          look(*n);
    }
  }
  void look(fake_node& n) {
    n.decides->tick();
    for (const auto& [next, fences] : std::exchange(n.grants, {}))
      for (auto& other : nodes)
        if (grants_arrive && other->row.incarnation == next)
          other->decides->granted(fences);
  }
  void settle() { look(80); }
  /// A node that had everything and drains the first few shards for another one, none of which has drained yet.
  std::pair<fake_node&, fake_node&> half_given() {
    auto& first = join("first");
    look(2);
    first.drains = false;
    auto& second = join("second");
    look(3);
    REQUIRE(first.giving.size() == 8);
    return {first, second};
  }
  void remove(fake_node& n) {
    std::erase_if(nodes, [&](const auto& x) { return x.get() == &n; });
  }
  std::size_t gave() const {
    std::size_t all = 0;
    for (const auto& n : nodes)
      all += n->gave;
    return all;
  }
  std::vector<storage::ulid> owners() {
    std::vector<storage::ulid> out;
    for (const auto& row : db.dump().shards)
      out.push_back(row.owner);
    return out;
  }
  /// The rows and the nodes agree on who serves what.
  bool agrees() {
    const auto rows = db.dump().shards;
    for (const auto& n : nodes)
      for (const auto& row : rows) {
        const bool is_owner = row.owner == n->row.incarnation;
        if (n->serves.contains(row.shard) != is_owner || n->decides->owns(row.shard) != is_owner
            || n->map.at(row.shard).owner != row.owner)
          return false;
      }
    return true;
  }
};

} // namespace

// -- the view and the plan ------------------------------------------------------------------------------------------------------

TEST_CASE("nodes that come at once agree on one view and on who owns what", "[membership]") {
  for (int n : {1, 2, 3, 5, 9}) {
    cluster c;
    c.join_many(n);
    c.settle();
    const auto version = c.nodes.front()->decides->view().version;
    INFO(n << " nodes");
    for (const auto& node : c.nodes) {
      CHECK(node->decides->view().members.size() == static_cast<std::size_t>(n));
      CHECK(node->decides->view().version == version);
      CHECK(node->serves.size() <= 256U * 11 / 10 / static_cast<std::size_t>(n) + 1);
    }
    CHECK(c.agrees());
    const auto before = c.owners();
    c.look(20);
    CHECK(c.owners() == before); // it has come to rest
    CHECK(c.nodes.front()->decides->view().version == version);
  }
}

TEST_CASE("when a node joins, little more than its share of the shards moves", "[membership]") {
  auto [n, percent] = GENERATE(table<int, std::size_t>({{3, 30}, {10, 14}}));
  cluster c;
  c.join_many(n);
  c.settle();
  const auto before = c.gave();
  const auto& last = c.join("another");
  c.settle();
  INFO(n << " nodes and one more");
  CHECK(c.gave() - before <= 256 * percent / 100);
  CHECK(last.serves.size() >= 256U * 8 / 10 / static_cast<std::size_t>(n + 1));
  CHECK(c.agrees());
}

TEST_CASE("no more shards are on their way than may be", "[membership]") {
  cluster c;
  c.options.moves_at_once = 3;
  auto& first = c.join("first");
  c.look(2);
  first.drains = false;
  c.join("second");
  c.look(10);
  CHECK(first.giving.size() == 3); // and not one more before these have gone
  CHECK(first.gave == 0);
  first.drained(*first.giving.begin());
  c.look(2);
  CHECK(first.gave == 1);
  CHECK(first.giving.size() == 3);
  first.drains = true;
  for (auto shard : std::set(first.giving))
    first.drained(shard);
  c.settle();
  CHECK(first.most_giving == 3);
  CHECK(c.agrees());
}

TEST_CASE("a node that drains keeps nothing, and is one among others again when it no longer does", "[membership]") {
  cluster c;
  c.join_many(3);
  c.settle();
  auto& leaving = *c.nodes[1];
  leaving.decides->drain(true);
  c.settle();
  CHECK(leaving.serves.empty());
  CHECK(leaving.decides->owned() == 0);
  CHECK(c.agrees());
  leaving.decides->drain(false);
  c.settle();
  CHECK(leaving.serves.size() > 60);
  CHECK(c.agrees());
}

TEST_CASE("an operator's wish to drain a node is heard, but by nobody else", "[membership]") {
  cluster c;
  c.join_many(2);
  c.settle();
  CHECK(c.db.open_ownership()->ask_to_drain("n2", true));
  c.settle();
  CHECK(c.nodes[0]->serves.size() == 256);
  CHECK(c.nodes[1]->decides->draining());
  CHECK_FALSE(c.nodes[0]->decides->draining());
}

TEST_CASE("a node alone keeps its shards although it should give them away", "[membership]") {
  cluster c;
  auto& alone = c.join("alone");
  c.look(2);
  alone.decides->drain(true);
  c.look(10);
  CHECK(alone.serves.size() == 256);
  CHECK(alone.giving.empty());
}

// -- dead nodes -----------------------------------------------------------------------------------------------------------------

TEST_CASE("a silent node's shards are taken by the others after its time, not before", "[membership]") {
  cluster c;
  c.join_many(3);
  c.settle();
  const auto silent = c.nodes[2]->row.incarnation;
  c.remove(*c.nodes[2]);
  const auto owned = [&] {
    const auto all = c.owners();
    return std::count(all.begin(), all.end(), silent);
  };
  c.look(7); // 3.5 s of the 4
  CHECK(owned() > 60);
  c.look(3);
  CHECK(owned() == 0);
  CHECK(c.agrees());
  CHECK(c.nodes[0]->serves.size() + c.nodes[1]->serves.size() == 256);
}

TEST_CASE("a node that most others find nobody at is buried at once, and hears of it should it still live", "[membership]") {
  cluster c;
  c.join_many(3);
  c.settle();
  auto& unlucky = *c.nodes[2];
  c.nodes[0]->refused_by(unlucky);
  c.look(*c.nodes[0]);
  CHECK(c.nodes[0]->decides->impatient());
  c.look(unlucky);
  CHECK_FALSE(unlucky.dead); // one alone may stand behind a firewall
  c.nodes[1]->refused_by(unlucky);
  c.look(*c.nodes[1]);
  c.look(unlucky);
  CHECK(unlucky.dead);
  c.look(2);
  CHECK(c.nodes[0]->serves.size() + c.nodes[1]->serves.size() == 256);
  CHECK_FALSE(c.nodes[0]->decides->impatient());
}

TEST_CASE("one that is refused by a firewall and writes its heartbeat is left alone", "[membership]") {
  const int count = GENERATE(2, 3, 5);
  cluster c;
  c.join_many(count);
  c.settle();
  const auto before = c.owners();
  for (int i = 0; i < 20; ++i) { // the first of them is refused by all others, and says so again and again
    for (std::size_t other = 1; other < c.nodes.size(); ++other)
      c.nodes[0]->decides->suspect(c.nodes[other]->row.incarnation);
    std::set<storage::ulid> all;
    for (std::size_t other = 1; other < c.nodes.size(); ++other)
      all.insert(c.nodes[other]->row.incarnation);
    c.nodes[0]->decides->unreachable(all);
    c.look();
  }
  CHECK(std::none_of(c.nodes.begin(), c.nodes.end(), [](const auto& n) { return n->dead; }));
  CHECK(c.owners() == before);
  CHECK_FALSE(c.nodes[0]->decides->impatient()); // that would be for hours
}

TEST_CASE("of two nodes the one that is killed is missed when its heartbeat is late", "[membership]") {
  cluster c;
  c.join_many(2);
  c.settle();
  const auto killed = c.nodes[1]->row.incarnation;
  c.remove(*c.nodes[1]);
  auto& left = *c.nodes[0];
  for (int i = 0; i < 9; ++i) {
    c.time.move_to(c.time.now() + 100ms);
    left.decides->suspect(killed);
    left.decides->unreachable({killed});
    c.look(left);
  }
  CHECK(left.serves.size() < 256);
  c.time.move_to(c.time.now() + 200ms);
  c.look(left);
  CHECK(left.serves.size() == 256);
}

TEST_CASE("a suspicion ends when the link is up again", "[membership]") {
  cluster c;
  c.join_many(2);
  c.settle();
  const auto other = c.nodes[1]->row.incarnation;
  c.nodes[0]->decides->unreachable({other});
  c.nodes[0]->decides->suspect(other);
  c.look(*c.nodes[0]);
  c.nodes[0]->decides->unreachable({});
  c.time.move_to(c.time.now() + 1500ms); // its look is late
  c.look(*c.nodes[0]);
  CHECK(c.db.dump().nodes.contains(other));
}

TEST_CASE("a restarted node takes its own shards at once, and nobody else's", "[membership]") {
  cluster c;
  c.join_many(2);
  c.settle();
  const auto had = c.nodes[1]->serves.size();
  c.remove(*c.nodes[1]);
  auto& again = c.join("n2");
  c.look(again);
  CHECK(again.serves.size() == had);
  c.look(2);
  CHECK(c.agrees());
}

TEST_CASE("a newcomer that looks first after the database was away takes nobody for dead", "[membership]") {
  cluster c;
  c.join_many(2);
  c.settle();
  const auto before = c.owners();
  c.time.move_to(c.time.now() + 30s);
  auto& late = c.join("late");
  c.look(late);
  CHECK(late.serves.empty());
  CHECK(c.owners() == before);
  c.look(2);
  CHECK(std::none_of(c.nodes.begin(), c.nodes.end(), [](const auto& n) { return n->dead; }));
}

TEST_CASE("a newcomer does not wait for ever for those who are gone", "[membership]") {
  cluster c;
  c.join_many(1);
  c.settle();
  c.remove(*c.nodes[0]);
  c.time.move_to(c.time.now() + 30s);
  auto& late = c.join("late");
  c.look(7);
  CHECK(late.serves.empty());
  c.look(3);
  CHECK(late.serves.size() == 256);
}

TEST_CASE("after the database was away for everybody nobody is taken for dead", "[membership]") {
  cluster c;
  c.join_many(3);
  c.settle();
  const auto before = c.owners();
  c.db.restart(30s);
  c.time.move_to(c.time.now() + 31s);
  for (int i = 0; i < 20; ++i) { // they come back one after the other
    c.time.move_to(c.time.now() + 100ms);
    c.look(*c.nodes[static_cast<std::size_t>(i % 3)]);
  }
  CHECK(c.owners() == before);
}

TEST_CASE("a node that most others cannot reach gives its shards away and lives", "[membership]") {
  cluster c;
  c.join_many(4);
  c.settle();
  auto& far = *c.nodes[3];
  for (int i = 0; i < 3; ++i)
    c.nodes[static_cast<std::size_t>(i)]->decides->unreachable({far.row.incarnation});
  far.decides->unreachable({c.nodes[0]->row.incarnation, c.nodes[1]->row.incarnation, c.nodes[2]->row.incarnation});
  c.settle();
  CHECK(far.serves.empty());
  CHECK_FALSE(far.dead);
  for (const auto& n : c.nodes)
    n->decides->unreachable({});
  c.settle();
  CHECK(far.serves.size() > 50);
  CHECK(c.agrees());
}

TEST_CASE("one that does not give its shards away although nobody reaches it is declared dead", "[membership]") {
  cluster c;
  c.join_many(3);
  c.settle();
  auto& stubborn = *c.nodes[2];
  stubborn.drains = false;
  for (int i = 0; i < 2; ++i)
    c.nodes[static_cast<std::size_t>(i)]->decides->unreachable({stubborn.row.incarnation});
  c.look(15); // 7.5 s
  CHECK_FALSE(stubborn.dead);
  c.look(5);
  CHECK(stubborn.dead);
  CHECK(c.nodes[0]->serves.size() + c.nodes[1]->serves.size() == 256);
}

TEST_CASE("two halves that cannot see each other leave each other alone", "[membership]") {
  cluster c;
  c.join_many(4);
  c.settle();
  const auto before = c.owners();
  auto incarnation = [&](std::size_t i) { return c.nodes[i]->row.incarnation; };
  for (std::size_t i = 0; i < 4; ++i)
    c.nodes[i]->decides->unreachable({incarnation(i < 2 ? 2 : 0), incarnation(i < 2 ? 3 : 1)});
  c.settle();
  CHECK(c.owners() == before);
  CHECK(std::none_of(c.nodes.begin(), c.nodes.end(), [](const auto& n) { return n->dead; }));
}

// -- news that comes late or never ------------------------------------------------------------------------------------------------

TEST_CASE("a grant that never comes is found in the rows by the second look", "[membership]") {
  cluster c;
  c.join_many(1);
  c.look(2);
  c.grants_arrive = false;
  auto& second = c.join("second");
  c.look(2); // now the rows name it
  CHECK(second.serves.empty());
  c.look();
  CHECK_FALSE(second.serves.empty());
  c.settle();
  c.look(2);
  CHECK(c.agrees());
}

TEST_CASE("a grant that comes when the shard has gone on is void", "[membership]") {
  cluster c;
  auto& first = c.join("first");
  c.look(2);
  auto& second = c.join("second");
  c.settle();
  const auto old = second.serves.begin()->second;
  second.decides->drain(true);
  c.settle();
  REQUIRE(second.serves.empty());
  second.decides->granted({old});
  CHECK(second.serves.empty());
  CHECK_FALSE(second.decides->owns(old.shard));
  CHECK(first.serves.contains(old.shard));
}

TEST_CASE("news that a shard was lost does not undo that it was taken again", "[membership]") {
  cluster c;
  auto& node = c.join("node");
  c.look(2);
  const auto before = node.serves.at(7);
  storage::ulid thief;
  thief.bytes.fill(99);
  c.db.take_away(7, thief);
  c.look(); // the thief is no node: the shard is free, and taken
  REQUIRE(node.serves.at(7).epoch == before.epoch + 2);
  node.decides->refused(before); // the journal's word comes only now
  CHECK(node.decides->owns(7));
  c.look(3);
  CHECK(node.serves.at(7).epoch == before.epoch + 2);
}

TEST_CASE("a drained shard is not forgotten when a look fails half way", "[membership]") {
  cluster c;
  auto [first, second] = c.half_given();
  const auto shard = *first.giving.begin();
  first.drained(shard);
  c.db.restart(2s);
  for (int i = 0; i < 3; ++i)
    CHECK_THROWS_AS(first.decides->tick(), storage::unavailable);
  c.time.move_to(c.time.now() + 2s);
  c.look(2);
  CHECK(second.serves.contains(shard));
}

TEST_CASE("a shard is kept when its next owner has gone before it had drained", "[membership]") {
  cluster c;
  auto [first, second] = c.half_given();
  const auto one = *first.giving.begin();
  const auto gone = second.row.incarnation;
  c.remove(second);
  first.drained(one);
  c.db.open_ownership()->bury(gone);
  c.look(2);
  CHECK(first.giving.empty());
  CHECK(first.kept.size() == 8);
  CHECK(first.serves.size() == 256);
}

TEST_CASE("a shard that could not be drained yet is asked for again", "[membership]") {
  cluster c;
  auto [first, second] = c.half_given();
  const auto shard = *first.giving.begin();
  const auto round = first.rounds.at(shard);
  first.giving.erase(shard);
  first.decides->undrained(shard, round - 100); // of an attempt that is over
  c.look(2);
  CHECK_FALSE(first.giving.contains(shard));
  first.decides->undrained(shard, round); // its actor had not heard yet that the shard is its own
  first.drains = true;
  c.look(3);
  CHECK(second.serves.contains(shard));
}

TEST_CASE("a shard that moved to another database between two looks is lost here", "[membership]") {
  cluster c;
  auto& node = c.join("node");
  c.look(2);
  REQUIRE(node.decides->owns(9));
  {
    auto rows = c.db.enter();
    rows->shards[9].where = storage::residence::elsewhere;
    rows->shards[9].owner = {};
    rows->shards[9].epoch += 2;
  }
  c.look();
  CHECK_FALSE(node.decides->owns(9));
  CHECK_FALSE(node.serves.contains(9));
}

TEST_CASE("who has not heard from its database lets go of what others may have by then, and has it back at once", "[membership]") {
  cluster c;
  c.join_many(2);
  c.settle();
  auto& node = *c.nodes[0];
  const auto had = node.serves.size();
  c.db.restart(60s);
  auto tick = [&](std::chrono::milliseconds wait) {
    c.time.move_to(c.time.now() + wait);
    CHECK_THROWS_AS(node.decides->tick(), storage::unavailable);
    node.decides->let_go_when_blind();
  };
  tick(3900ms);
  CHECK(node.serves.size() == had);
  const auto shard = node.serves.begin()->first;
  tick(200ms);
  CHECK(node.serves.empty());
  CHECK(node.decides->owned() == 0);
  CHECK(node.map.at(shard).owner == c.nodes[1]->row.incarnation); // who would have it, should the others see the database
  c.time.move_to(c.time.now() + 60s);
  c.look(node);
  CHECK(node.serves.size() == had); // nobody had taken it
  c.look(2);
  CHECK(c.agrees());
}

TEST_CASE("a node that is alone keeps what it has, whatever its database does", "[membership]") {
  cluster c;
  auto& alone = c.join("alone");
  c.look(2);
  auto lonely = fake_node::row_of("lonely", 77);
  lonely.address.clear();
  runtime::cluster_map map(lonely.incarnation);
  storage::simulated::database db{{[&] { return c.time.now(); }}};
  runtime::membership decides(lonely, std::uint8_t{0}, c.options, c.time, db.open_ownership(), map, alone);
  decides.join();
  decides.tick();
  REQUIRE(decides.owned() == 256);
  c.time.move_to(c.time.now() + 60s);
  decides.let_go_when_blind();
  CHECK(decides.owned() == 256);
}

TEST_CASE("a node whose protocol a living one is too old for stays out, and says which", "[membership]") {
  cluster c;
  c.join("old");
  c.look();
  c.options.wire_oldest = 4;
  CHECK_THROWS_WITH(c.join("new"), Catch::Contains("node old speaks version 3"));
  c.nodes.pop_back();
  c.time.move_to(c.time.now() + 5s); // it has ended
  CHECK_NOTHROW(c.join("newer"));
}

TEST_CASE("a fence of an earlier ownership gives nothing away", "[membership]") {
  cluster c;
  auto& first = c.join("first");
  c.look(2);
  first.drains = false;
  c.join("second");
  c.look(3);
  const auto shard = *first.giving.begin();
  const auto old = first.serves.at(shard);
  storage::ulid thief;
  thief.bytes.fill(99);
  c.db.take_away(shard, thief);
  first.serves.erase(shard);
  first.giving.erase(shard);
  first.decides->refused(old);
  c.look(4); // lost, free, and taken by whoever is due it
  first.decides->drained(old);
  c.look(2);
  CHECK(std::count(first.losses.begin(), first.losses.end(), shard) == 0); // the journal had said so itself
  c.settle();
  CHECK(c.agrees());
}

// -- lost commits ---------------------------------------------------------------------------------------------------------------

TEST_CASE("a shard whose commits are missing is closed, and nobody serves it", "[membership]") {
  cluster c;
  c.join_many(2);
  c.settle();
  c.db.enter()->shards[9].seq = 40;
  c.look();
  c.db.enter()->shards[9].seq = 38; // a standby that lagged was promoted
  c.look(5);
  const auto row = c.db.dump().shards[9];
  CHECK(row.where == storage::residence::quarantined);
  CHECK(c.nodes[0]->alarms.size() + c.nodes[1]->alarms.size() >= 1);
  for (const auto& n : c.nodes) {
    CHECK_FALSE(n->serves.contains(9));
    CHECK(n->decides->quarantined() == std::vector<shard_id>{9});
  }
  c.look(10);
  CHECK(c.db.dump().shards[9].owner.is_nil());
}

TEST_CASE("shards that nobody may serve keep no node from being ready", "[membership]") {
  cluster c;
  c.join_many(2);
  c.settle();
  {
    auto rows = c.db.enter();
    rows->shards[9].where = storage::residence::quarantined;
    rows->shards[10].where = storage::residence::moving;
    rows->shards[11].where = storage::residence::elsewhere;
  }
  c.look(2);
  auto& late = c.join("late");
  c.look();
  CHECK(late.decides->covered().open == 253);
  CHECK(late.decides->covered().moving == 1);
  CHECK(late.decides->all_served());
  c.db.enter()->shards[12].owner = {};
  c.look(late);
  CHECK_FALSE(late.decides->all_served());
}

TEST_CASE("a shard that is about to be given away is not, when its row lacks what its last commit was acknowledged", "[membership]") {
  cluster c;
  auto [first, second] = c.half_given();
  const auto shard = *first.giving.begin();
  auto last = first.serves.at(shard);
  last.seq += 4; // no look has seen these, and the standby that was promoted has not
  first.decides->drained(last);
  c.look(3);
  CHECK(c.db.dump().shards[shard].where == storage::residence::quarantined);
  CHECK(first.alarms.contains(shard));
  CHECK_FALSE(second.serves.contains(shard));
}

TEST_CASE("a shard that was reopened in an epoch below the one that is remembered is believed in", "[membership]") {
  cluster c;
  c.join_many(2);
  c.settle();
  const auto remembered = c.nodes[0]->map.at(9).epoch + 20;
  c.db.enter()->shards[9].epoch = remembered;
  c.look(2);
  c.db.enter()->shards[9].epoch = remembered - 10; // an older copy came back
  c.look(2);
  REQUIRE(c.db.dump().shards[9].where == storage::residence::quarantined);
  {
    auto rows = c.db.enter();
    rows->shards[9].where = storage::residence::here; // somebody has decided
    ++rows->shards[9].epoch;
  }
  c.settle();
  const auto owner = c.db.dump().shards[9].owner;
  CHECK_FALSE(owner.is_nil());
  for (const auto& n : c.nodes)
    CHECK(n->map.at(9).owner == owner);
}

TEST_CASE("what the journal was told counts, although nobody had looked since", "[membership]") {
  cluster c;
  auto& node = c.join("node");
  c.look(2);
  auto held = node.serves.at(9);
  held.seq += 3; // three commits were acknowledged, and then one was refused: the rows have none of them
  node.serves.erase(9);
  node.decides->refused(held);
  c.look();
  CHECK(node.alarms == std::set<shard_id>{9});
  CHECK_FALSE(node.serves.contains(9));
}
