#include "actors/cart/messages.hpp"
#include "actors/inventory/messages.hpp"
#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"
#include "actors/wire_types.hpp"
#include "runtime/frames.hpp"
#include "simulation/world/probe.hpp"
#include "simulation/world/shop_rows.hpp"

#include <caf/send.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace souk;
using namespace souk::simulation;
using namespace std::chrono_literals;
using runtime::delivery;
using runtime::frame_kind;

namespace {

/// Nodes a, b, c, … with probes in eight shards.
struct probe_cluster {
  std::shared_ptr<probe_diary> diary = std::make_shared<probe_diary>();
  world w;
  std::vector<answer<std::string>> answers;

  explicit probe_cluster(int nodes, std::uint64_t seed = 1, bool settled = true, world_options options = {}) : w(options_of(std::move(options), seed)) {
    for (int i = 0; i < nodes; ++i)
      w.start_node(std::string(1, static_cast<char>('a' + i)));
    if (settled)
      settle();
  }
  ~probe_cluster() { w.end(); }
  world_options options_of(world_options o, std::uint64_t seed) {
    o.seed = seed;
    o.used = {3, 7, 11, 19, 23, 42, 99, 200};
    o.catalog = [d = diary] { return probe_catalog(d); };
    return o;
  }

  bool settle() {
    w.run_for(1100ms); // everybody has looked, and found what should be elsewhere
    return w.run_until([&] { return w.unsettled().empty(); }, 30s);
  }
  simulated_node& node(const std::string& name) { return *w.named(name); }
  /// A shard that the node owns.
  storage::shard_id shard_of(const std::string& name) {
    for (auto shard : w.options.used)
      if (node(name).owns(shard))
        return shard;
    FAIL("node " << name << " owns nothing");
    return 0;
  }
  storage::ulid probe(storage::shard_id shard) { return w.random.id(shard, w.time.now()); }
  void tell(simulated_node& at, const storage::ulid& whom, const std::string& what) {
    at.ask<std::string>(probe_at(whom), delivery::activate, what,
                        [this](answer<std::string> a) { answers.push_back(std::move(a)); });
  }
  answer<std::string> ask(simulated_node& at, const storage::ulid& whom, const std::string& what, microseconds span = 30s) {
    auto out = std::make_shared<std::optional<answer<std::string>>>();
    at.ask<std::string>(probe_at(whom), delivery::activate, what, [out](answer<std::string> a) { *out = std::move(a); });
    w.run_until([&] { return out->has_value(); }, span);
    return out->value_or(answer<std::string>{});
  }
  runtime::peers_stats peers(simulated_node& of) { return of.stats_of<runtime::peers_stats>(of.member().peers()).value(); }
  runtime::shard_stats shard(simulated_node& of, storage::shard_id which) {
    return of.stats_of<runtime::shard_stats>(of.host().shards()[which]).value();
  }
  /// How often each topic was written.
  std::multiset<std::string> written() {
    std::multiset<std::string> out;
    const auto rows = w.db.dump();
    for (const auto& shard : rows.outbox)
      for (const auto& e : shard)
        out.insert(e.event.topic);
    return out;
  }
};

/// Two nodes, and a shop whose shard the first one owns.
struct shop_cluster {
  world w;
  shop tea;
  simulated_node* owner;
  simulated_node* other;

  explicit shop_cluster(std::uint64_t seed = 1) : w({.seed = seed, .used = {3}}), tea(open_shop(w, 3, {.stock = 100})) {
    w.start_node("a");
    w.start_node("b");
    w.run_for(1100ms);
    w.run_until([&] { return w.unsettled().empty(); }, 30s);
    owner = w.owner_of(3);
    other = owner == w.named("a") ? w.named("b") : w.named("a");
  }
  template <class T, class Command>
  std::shared_ptr<std::optional<answer<T>>> ask(simulated_node& at, const runtime::entity_address& whom, Command c,
                                                delivery how = delivery::activate) {
    auto out = std::make_shared<std::optional<answer<T>>>();
    at.ask<T>(whom, how, std::move(c), [out](answer<T> a) { *out = std::move(a); });
    return out;
  }
};

} // namespace

// -- calls between nodes ----------------------------------------------------------------------------------------------------------

TEST_CASE("whichever node is asked, the shard's owner answers", "[cluster]") {
  probe_cluster t(3);
  for (auto shard : t.w.options.used) {
    const auto id = t.probe(shard);
    std::set<std::string> heard;
    for (auto* at : t.w.running())
      heard.insert(t.ask(*at, id, "hello").value);
    CHECK(heard.size() == 1); // one life for all of them
    CHECK(heard.begin()->starts_with("life "));
  }
  CHECK(t.diary->lives == 8);
}

TEST_CASE("a wrong owner says who is the right one, and is believed", "[cluster]") {
  probe_cluster t(3);
  auto& c = t.node("c");
  c.member().drain(true); // it only asks
  REQUIRE(t.w.run_until([&] { return c.owned() == 0; }, 30s));
  REQUIRE(t.settle());
  const auto shard = t.shard_of("a");
  const auto id = t.probe(shard);
  REQUIRE(t.ask(c, id, "hello").ok());
  c.close_its_eyes(); // and goes on believing what it believes
  t.node("a").member().drain(true);
  REQUIRE(t.w.run_until([&] { return t.node("b").owns(shard); }, 30s));
  const auto before = t.peers(c);
  CHECK(t.ask(c, id, "hello").ok());
  const auto after = t.peers(c);
  CHECK(after.repeated == before.repeated + 1);
  CHECK(after.calls == before.calls + 2); // the wrong one, the right one
  CHECK(t.ask(c, id, "hello").ok());
  CHECK(t.peers(c).calls == after.calls + 1);
}

TEST_CASE("what is too large for another node is refused, by size alone and together with what is under way", "[cluster]") {
  world_options options;
  options.peers.frame_max = 4'000;
  options.peers.bytes_max = 10'000;
  options.peers.calls_max = 5;
  probe_cluster t(2, 1, true, options);
  auto& b = t.node("b");
  const auto id = t.probe(t.shard_of("a"));
  auto refusal = [&](const std::string& what) {
    const auto a = t.ask(b, id, what);
    return a.ok() ? "none" : runtime::to_string(static_cast<runtime::errc>(a.why.code()));
  };
  CHECK(refusal(std::string(5'000, 'x')) == "too_large");
  CHECK(refusal(std::string(3'000, 'x')) == "none");
  CHECK(t.ask(t.node("a"), id, std::string(5'000, 'x')).ok()); // it does not leave its node
  // Three of them are under way while the link is held up: a fourth finds no room, small ones do until there are too many.
  for (int i = 0; i < 4; ++i)
    t.tell(b, id, std::string(3'000, static_cast<char>('p' + i)));
  for (int i = 0; i < 3; ++i)
    t.tell(b, id, "small");
  t.w.run_until([&] { return t.answers.size() == 7; }, 30s);
  std::multiset<std::string> said;
  for (const auto& a : t.answers)
    said.insert(a.ok() ? "done" : runtime::to_string(static_cast<runtime::errc>(a.why.code())));
  CHECK(said == std::multiset<std::string>{"done", "done", "done", "done", "done", "overloaded", "overloaded"});
  CHECK(refusal("and then there is room again") == "none");
}

TEST_CASE("an earlier attempt that comes after a later one is not served", "[cluster]") {
  probe_cluster t(2);
  auto &a = t.node("a"), &b = t.node("b");
  const auto id = t.probe(t.shard_of("a"));
  runtime::wire_book book;
  actors::add_shop_wire(book);
  auto arrives = [&](std::uint64_t call, std::int32_t attempt, const std::string& what) {
    runtime::call_frame f;
    f.id = call;
    f.whom = probe_at(id);
    f.asked = {b.incarnation(), 70'000, attempt};
    REQUIRE(book.write(caf::make_message(what), f.command));
    caf::anon_send(a.member().peers(), runtime::frame_atom_v, b.incarnation(),
                   static_cast<char>(frame_kind::call) + runtime::to_bytes(f));
    t.w.run_for(1s);
  };
  arrives(80'002, 1, "write hat");
  arrives(80'001, 0, "write coat"); // it was on its way for longer
  arrives(80'003, 2, "write scarf");
  CHECK(t.written() == std::multiset<std::string>{"hat", "scarf"});
}

TEST_CASE("a call whose frame comes twice is done once", "[cluster]") {
  probe_cluster t(2);
  const auto id = t.probe(t.shard_of("a"));
  t.w.net.script(frame_kind::call, network::fate::doubled);
  CHECK(t.ask(t.node("b"), id, "write hat").ok());
  t.w.run_for(5s);
  CHECK(t.written().count("hat") == 1);
  CHECK(std::count(t.diary->heard.begin(), t.diary->heard.end(), "write hat") == 1);
}

TEST_CASE("a call that comes twice from a node not heard of yet is done once", "[cluster]") {
  probe_cluster t(1);
  t.node("a").close_its_eyes();
  auto& b = t.w.start_node("b");
  t.w.run_until([&] { return t.w.net.linked(t.node("a"), b); }, 10s);
  t.w.net.script(frame_kind::call, network::fate::doubled);
  CHECK(t.ask(b, t.probe(3), "write hat").ok());
  t.w.run_for(5s);
  CHECK(t.written().count("hat") == 1);
}

TEST_CASE("when a link breaks after a call was sent, only what may be repeated is", "[cluster]") {
  shop_cluster t;
  const auto at = actors::inventory_at(t.tea.variants[0].id);
  SECTION("a read is asked again, and answered") {
    t.w.net.script(frame_kind::answer, network::fate::lost);
    auto got = t.ask<actors::stock_view>(*t.other, at, actors::get_stock{t.tea.id});
    t.w.run_for(500ms);
    REQUIRE_FALSE(*got);
    t.w.net.break_links("a");
    t.w.run_for(1s);
    REQUIRE(*got);
    CHECK((*got)->ok());
  }
  SECTION("a change of the stock is in doubt, and done once") {
    t.w.net.script(frame_kind::answer, network::fate::lost);
    auto got = t.ask<actors::stock_view>(*t.other, at, actors::adjust_stock{t.tea.owner, t.tea.id, 5, "adjusted", "five"});
    t.w.run_for(500ms);
    REQUIRE_FALSE(*got);
    t.w.net.break_links("a");
    t.w.run_for(1s);
    REQUIRE(*got);
    CHECK((*got)->why == runtime::errc::in_doubt);
    CHECK(level_in(t.w, t.tea.variants[0].id).on_hand == 105);
  }
  SECTION("so it is when nothing breaks and nothing comes") {
    t.w.net.script(frame_kind::answer, network::fate::lost);
    auto got = t.ask<actors::stock_view>(*t.other, at, actors::adjust_stock{t.tea.owner, t.tea.id, 5, "adjusted", "five"});
    t.w.run_for(3900ms);
    REQUIRE_FALSE(*got);
    t.w.run_for(500ms);
    REQUIRE(*got);
    CHECK((*got)->why == runtime::errc::in_doubt);
  }
  SECTION("what was not sent is no matter of doubt") {
    t.w.net.cut_both("a", "b");
    t.w.run_for(3s); // the link is gone, and there is no third node
    auto got = t.ask<actors::stock_view>(*t.other, at, actors::adjust_stock{t.tea.owner, t.tea.id, 5, "adjusted", "five"});
    t.w.run_for(1s);
    CHECK_FALSE(*got);
    t.w.net.mend_all();
    t.w.run_for(3s);
    REQUIRE(*got);
    CHECK((*got)->ok());
    CHECK(level_in(t.w, t.tea.variants[0].id).on_hand == 105);
  }
}

TEST_CASE("an order that is asked for again finds itself, though it was sent as a new one", "[cluster]") {
  shop_cluster t;
  const auto id = t.w.fresh_id_beside(t.tea.id);
  auto c = order_of(signed_in(t.w.fresh_id()), t.tea, {{0, 2}}, "manual");
  t.w.net.script(frame_kind::answer, network::fate::lost);
  auto got = t.ask<actors::order_view>(*t.other, actors::order_at(id), c, delivery::create);
  t.w.run_for(500ms);
  REQUIRE(t.w.db.dump().orders.size() == 1);
  t.owner->member().drain(true); // the order leaves memory, and the question comes back to another node
  t.w.run_until([&] { return t.owner->owned() == 0; }, 30s);
  t.w.net.break_links("a");
  t.w.run_for(5s);
  REQUIRE(*got);
  CHECK((*got)->ok());
  CHECK((*got)->value.replayed);
  auto stock = t.ask<actors::stock_view>(*t.other, actors::inventory_at(t.tea.variants[0].id), actors::get_stock{t.tea.id});
  t.w.run_for(1s);
  REQUIRE(*stock);
  CHECK((*stock)->value.reserved == 2); // neither four nor none
  CHECK(t.w.db.dump().orders.size() == 1);
}

TEST_CASE("a node cut off from one other reaches its shards through the third", "[cluster]") {
  probe_cluster t(3);
  const auto id = t.probe(t.shard_of("b"));
  const auto before = t.w.moves();
  t.w.net.cut_both("a", "b");
  t.w.run_for(4s); // the link is given up
  CHECK(t.ask(t.node("a"), id, "write hat").ok());
  CHECK(t.ask(t.node("a"), id, "hello").ok());
  t.w.run_for(20s);
  CHECK(t.w.moves() == before); // both see the database: nothing moves
  CHECK(t.written().count("hat") == 1);
  t.w.net.mend_all();
  CHECK(t.settle());
}

TEST_CASE("two nodes that cannot reach the owner do not send a message to each other for ever", "[cluster]") {
  probe_cluster t(3);
  const auto id = t.probe(t.shard_of("c"));
  t.w.net.cut_both("a", "c");
  t.w.net.cut_both("b", "c");
  t.w.run_for(3s); // the links are given up, and c is alive and owns the shard
  const auto before = t.peers(t.node("a")).calls + t.peers(t.node("b")).calls;
  t.tell(t.node("a"), id, "write hat");
  t.w.run_for(2s);
  CHECK(t.peers(t.node("a")).calls + t.peers(t.node("b")).calls <= before + 4);
  t.w.run_until([&] { return t.answers.size() == 1; }, 30s);
  REQUIRE(t.answers.size() == 1);
  t.w.net.mend_all();
  CHECK(t.settle());
  CHECK(t.written().count("hat") == (t.answers[0].ok() ? 1U : 0U));
}

TEST_CASE("a firewall that refuses kills nobody", "[cluster]") {
  probe_cluster t(2);
  const auto before = t.w.processes();
  t.w.net.refuse("a", "b");
  t.w.run_for(20s);
  CHECK(t.w.processes() == before);
  t.w.net.mend_all();
  CHECK(t.settle());
  CHECK(t.w.processes() == before);
}

TEST_CASE("a short cut delays, and nobody notices more of it", "[cluster]") {
  probe_cluster t(2);
  const auto id = t.probe(t.shard_of("a"));
  t.w.net.cut("b", "a");
  t.tell(t.node("b"), id, "write hat");
  t.w.run_for(1s);
  CHECK(t.answers.empty());
  t.w.net.mend_all();
  t.w.run_for(1s);
  REQUIRE(t.answers.size() == 1);
  CHECK(t.answers[0].ok());
  CHECK(t.written().count("hat") == 1);
}

// -- moves --------------------------------------------------------------------------------------------------------------------------

TEST_CASE("shards move under load, and no command fails or is done twice", "[cluster]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    probe_cluster t(2, seed, false); // the second node has just come
    std::vector<storage::ulid> ids;
    for (auto shard : t.w.options.used)
      for (int i = 0; i < 3; ++i)
        ids.push_back(t.probe(shard));
    constexpr int commands = 400;
    for (int i = 0; i < commands; ++i)
      t.w.time.in(microseconds{t.w.random.below(8'000'000)}, [&t, &ids, i] {
        auto all = t.w.running();
        t.tell(*all[t.w.random.below(all.size())], ids[t.w.random.below(ids.size())], "write t" + std::to_string(i));
      });
    t.w.time.in(1s, [&] { t.w.start_node("c"); });
    t.w.time.in(3s, [&] { t.node("a").member().drain(true); });
    t.w.time.in(6s, [&] { t.node("a").member().drain(false); });
    t.w.run_for(20s);
    INFO("seed " << seed);
    CHECK(t.w.moves() > 5);
    CHECK(t.answers.size() == commands);
    for (const auto& a : t.answers)
      if (!a.ok())
        FAIL_CHECK(caf::to_string(a.why));
    const auto topics = t.written();
    CHECK(topics.size() == commands);
    CHECK(std::set<std::string>(topics.begin(), topics.end()).size() == commands);
  }
}

TEST_CASE("what comes while a shard drains waits, and its next owner answers", "[cluster]") {
  probe_cluster t(2);
  const auto shard = t.shard_of("a");
  const auto busy = t.probe(shard), asked = t.probe(shard);
  REQUIRE(t.ask(t.node("a"), busy, "stay").ok());
  auto& a = t.node("a");
  a.member().drain(true);
  REQUIRE(t.w.run_until([&] { return t.shard(a, shard).giving; }, 5s));
  t.tell(a, asked, "write hat");
  t.tell(t.node("b"), asked, "write coat");
  t.w.run_for(300ms);
  CHECK(t.answers.empty());
  CHECK(t.shard(a, shard).parked == 2);
  t.w.run_for(4s); // the busy one is cut off when its time is up
  REQUIRE(t.answers.size() == 2);
  CHECK(t.answers[0].ok());
  CHECK(t.answers[1].ok());
  CHECK(t.w.owner_of(shard) == &t.node("b"));
  CHECK(t.written().size() == 2);
  CHECK(t.shard(a, shard).parked == 0);
}

TEST_CASE("a shard that stays after all serves what came meanwhile", "[cluster]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    probe_cluster t(2, seed);
    const auto shard = t.shard_of("a");
    const auto id = t.probe(shard);
    REQUIRE(t.ask(t.node("a"), id, "hello").ok());
    auto& a = t.node("a");
    for (int i = 0; i < 5; ++i) { // it makes up its mind, and again
      a.member().drain(i % 2 == 0);
      t.w.run_for(microseconds{t.w.random.below(40'000)});
      t.tell(t.node("b"), id, "write t" + std::to_string(i));
    }
    a.member().drain(false);
    INFO("seed " << seed);
    CHECK(t.settle());
    t.w.run_for(6s);
    REQUIRE(t.answers.size() == 5);
    CHECK(std::all_of(t.answers.begin(), t.answers.end(), [](const auto& x) { return x.ok(); }));
    CHECK(t.written().size() == 5);
  }
}

TEST_CASE("a shard that stays after something was cut off serves nobody before that is settled", "[cluster]") {
  world_options options;
  options.shards.drain = 100ms;
  probe_cluster t(2, 1, true, options);
  auto& a = t.node("a");
  const auto shard = t.shard_of("a");
  const auto id = t.probe(shard);
  REQUIRE(t.ask(a, id, "hello").ok());
  const auto lives = t.diary->lives;
  t.w.db.restart(2s); // the write set is under way for so long
  t.tell(a, id, "write hat");
  t.w.run_for(20ms);
  caf::anon_send(a.host().shards()[shard], runtime::give_atom_v);
  t.w.run_for(300ms); // its time to drain is over
  caf::anon_send(a.host().shards()[shard], runtime::keep_atom_v);
  t.tell(a, id, "hello");
  t.w.run_for(1s);
  CHECK(t.shard(a, shard).giving);
  CHECK(t.diary->lives == lives);
  t.w.run_for(3s);
  CHECK_FALSE(t.shard(a, shard).giving);
  REQUIRE(t.answers.size() == 2);
  CHECK(t.answers.back().ok());
  CHECK(t.diary->lives == lives + 1); // which has read what the one before wrote
  CHECK(t.written().count("hat") == 1);
  CHECK(t.settle());
}

TEST_CASE("a drained node owns nothing and still answers", "[cluster]") {
  probe_cluster t(3);
  auto& b = t.node("b");
  b.member().drain(true);
  REQUIRE(t.w.run_until([&] { return b.owned() == 0; }, 30s));
  for (auto shard : t.w.options.used) {
    CHECK(t.ask(b, t.probe(shard), "write t" + std::to_string(shard)).ok());
    CHECK_FALSE(t.shard(b, shard).owned);
  }
  CHECK(t.written().size() == 8);
}

TEST_CASE("a rolling restart of all nodes fails nobody", "[cluster]") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    probe_cluster t(3, seed);
    std::vector<storage::ulid> ids;
    for (auto shard : t.w.options.used)
      ids.push_back(t.probe(shard));
    constexpr int commands = 600;
    for (int i = 0; i < commands; ++i)
      t.w.time.in(microseconds{t.w.random.below(60'000'000)}, [&t, &ids, i] {
        std::vector<simulated_node*> ready; // the front end has taken out who leaves
        for (auto* n : t.w.running())
          if (!n->leaving())
            ready.push_back(n);
        t.tell(*ready[t.w.random.below(ready.size())], ids[t.w.random.below(ids.size())], "write t" + std::to_string(i));
      });
    for (int i = 0; i < 3; ++i)
      t.w.time.in(5s + i * 18s, [&t, i] { t.w.replace_node(t.node(std::string(1, static_cast<char>('a' + i))), 15s); });
    t.w.run_for(80s);
    INFO("seed " << seed);
    CHECK(t.w.processes() == 6);
    CHECK(t.answers.size() == commands);
    for (const auto& a : t.answers)
      if (!a.ok())
        FAIL_CHECK(caf::to_string(a.why));
    CHECK(t.written().size() == commands);
    CHECK(t.settle());
  }
}

TEST_CASE("a grant that is lost is found in the rows within two looks", "[cluster]") {
  probe_cluster t(1);
  t.w.net.script(frame_kind::grant, network::fate::lost);
  auto& b = t.w.start_node("b");
  REQUIRE(t.w.run_until([&] { return t.w.moves() > 0; }, 10s));
  CHECK(t.w.run_until([&] { return b.owned() > 0; }, 1600ms));
  CHECK(t.settle());
}

// -- nodes that are gone, or not quite ------------------------------------------------------------------------------------------------

TEST_CASE("a node that is killed is missed at once, and what may be repeated is", "[cluster]") {
  shop_cluster t;
  t.w.restart_node(*t.owner, 1h);
  t.w.time.in(1ms, [] {});
  auto got = t.ask<actors::stock_view>(*t.other, actors::inventory_at(t.tea.variants[0].id), actors::get_stock{t.tea.id});
  CHECK(t.w.run_until([&] { return got->has_value(); }, 1s)); // nobody listens at its address: no need to wait for silence
  CHECK((*got)->ok());
}

TEST_CASE("a node that was declared dead writes nothing when it wakes, and ends", "[cluster]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    probe_cluster t(3, seed);
    auto& a = t.node("a");
    std::vector<storage::ulid> ids;
    for (auto shard : t.w.options.used)
      if (a.owns(shard))
        ids.push_back(t.probe(shard));
    for (const auto& id : ids)
      REQUIRE(t.ask(a, id, "hello").ok());
    for (const auto& id : ids)
      t.tell(a, id, "write late"); // under way …
    t.w.run_for(microseconds{t.w.random.below(100)});
    a.pause();
    const auto before = t.written().count("late");
    t.w.run_for(6s);
    CHECK(t.written().count("late") == before);
    for (const auto& id : ids)
      CHECK(t.ask(t.node("b"), id, "write anew").ok()); // others serve its shards
    a.resume();
    t.w.run_for(2s);
    INFO("seed " << seed);
    CHECK_FALSE(a.alive());
    CHECK(t.written().count("late") == before);
    CHECK(t.written().count("anew") == ids.size());
    CHECK(t.settle());
    CHECK(t.node("a").owned() > 0); // it is back, as somebody else
  }
}

TEST_CASE("a node that most others cannot reach gives its shards away, and answers", "[cluster]") {
  probe_cluster t(4);
  auto& d = t.node("d");
  for (const auto* other : {"a", "b", "c"})
    t.w.net.cut_both("d", other);
  CHECK(t.w.run_until([&] { return d.owned() == 0; }, 20s));
  t.w.run_for(20s);
  CHECK(d.alive()); // it did as it was asked
  CHECK(d.owned() == 0);
  for (auto shard : t.w.options.used)
    CHECK(t.ask(t.node("a"), t.probe(shard), "hello").ok());
  t.w.net.mend_all();
  CHECK(t.settle());
  t.w.run_for(5s);
  CHECK(d.owned() > 0);
}

TEST_CASE("nodes that cannot see each other at all go on alone", "[cluster]") {
  probe_cluster t(4);
  for (const auto* left : {"a", "b"})
    for (const auto* right : {"c", "d"})
      t.w.net.cut_both(left, right);
  const auto before = t.w.moves();
  t.w.run_for(60s);
  CHECK(t.w.processes() == 4); // nobody was declared dead
  CHECK(t.w.moves() == before);
  CHECK(t.ask(t.node("a"), t.probe(t.shard_of("b")), "hello").ok());
  t.w.net.mend_all();
  CHECK(t.settle());
}

TEST_CASE("a node without its database keeps nobody waiting for ever, and its shards find other owners", "[cluster]") {
  probe_cluster t(2);
  auto& a = t.node("a");
  const auto id = t.probe(t.shard_of("a"));
  a.cut_from_database(true);
  t.w.run_for(6s);
  CHECK(t.ask(t.node("b"), id, "write hat").ok());
  a.cut_from_database(false);
  t.w.run_for(3s);
  CHECK(t.settle());
  CHECK(t.written().count("hat") == 1);
}

TEST_CASE("a shard that has lost commits is closed, and nobody answers for it", "[cluster]") {
  probe_cluster t(2);
  const auto shard = t.shard_of("a");
  const auto id = t.probe(shard);
  for (int i = 0; i < 3; ++i)
    REQUIRE(t.ask(t.node("a"), id, "write t" + std::to_string(i)).ok());
  t.w.run_for(1s);
  t.w.db.enter()->shards[shard].seq -= 2; // a standby that lagged was promoted
  t.w.run_for(3s);
  CHECK(t.w.db.dump().shards[shard].where == storage::residence::quarantined);
  for (auto* at : t.w.running()) {
    CHECK(t.ask(*at, id, "write more").why == runtime::errc::unavailable);
    CHECK_FALSE(t.shard(*at, shard).owned);
  }
  CHECK(t.ask(t.node("b"), t.probe(t.shard_of("b")), "hello").ok()); // the others do not suffer
  t.w.run_for(30s);
  CHECK(t.written().count("write more") == 0);
}
