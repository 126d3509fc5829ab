#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

namespace {

std::vector<std::string> topics(const std::vector<outbox_event>& events) {
  std::vector<std::string> out;
  for (const auto& e : events)
    out.push_back(e.event.topic);
  return out;
}

/// A consumer's name that no other case uses.
std::string consumer() {
  return "mail-" + new_id(0).str();
}

} // namespace

TEST_CASE("events of a shard are read in the order of their commits and, within one, of their write sets",
          "[outbox]") {
  ON_EVERY_STORE;
  owned_shard shard(db), other(db);
  auto id = new_id(shard.id());
  auto start = shard.held.seq;
  shard.write(event_about(id, "a"), event_about(id, "b"));
  REQUIRE(
    shard.commit({in_shard(shard.id(), event_about(id, "c")), in_shard(shard.id(), event_about(id, "d"))})
      .what
    == kind::committed);
  std::vector both{in_shard(other.id(), event_about(new_id(other.id()), "x")),
                   in_shard(shard.id(), event_about(id, "e"))};
  REQUIRE(db.journal().commit(batch_of({shard.held, other.held}, both)).what == kind::committed);

  auto events = db.outbox().read(shard.id(), start, std::numeric_limits<std::int32_t>::max(), 100);

  CHECK(topics(events) == std::vector<std::string>{"a", "b", "c", "d", "e"});
  for (std::size_t i = 1; i < events.size(); ++i)
    CHECK(std::pair(events[i - 1].seq, events[i - 1].n) < std::pair(events[i].seq, events[i].n));
  CHECK(events[0].seq == start + 1);
  CHECK(events[4].seq == start + 3);
  CHECK(topics(db.outbox().read(other.id(), 0, 0, 100)) == std::vector<std::string>{"x"});

  INFO("pages");
  auto page = db.outbox().read(shard.id(), events[0].seq, events[0].n, 3);
  CHECK(topics(page) == std::vector<std::string>{"b", "c", "d"});
  CHECK(topics(db.outbox().read(shard.id(), events[4].seq, events[4].n, 3)).empty());
}

TEST_CASE("a batch that fails or is fenced leaves no event and no gap", "[outbox]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto id = new_id(shard.id());
  auto stale = shard.held;
  shard.write(event_about(id, "first"));
  std::vector late{in_shard(shard.id(), event_about(id, "late"))};
  CHECK(db.journal().commit(batch_of({stale}, late)).what == kind::fenced);
  CHECK(
    shard.commit({in_shard(shard.id(), event_about(id, "failed"), update_user{new_user(shard.id()), 1})}).what
    == kind::failed);
  shard.write(event_about(id, "second"));

  auto events = db.outbox().read(shard.id(), 0, 0, 10);

  CHECK(topics(events) == std::vector<std::string>{"first", "second"});
  CHECK(events[1].seq == events[0].seq + 1);
}

TEST_CASE("a consumer's cursor moves forward only, each shard its own", "[outbox]") {
  ON_EVERY_STORE;
  auto mail = consumer(), search = consumer();
  auto& outbox = db.outbox();

  outbox.save({{mail, 3, 10, 2}, {mail, 4, 1, 0}, {search, 3, 1, 1}});
  outbox.save({{mail, 3, 10, 1}});
  outbox.save({{mail, 3, 9, 7}});
  outbox.save({{mail, 4, 1, 5}, {search, 3, 2, 0}});
  outbox.save({});

  auto find = [&](const std::string& who, shard_id shard) {
    for (const auto& c : outbox.cursors(shard))
      if (c.consumer == who) {
        CHECK(c.shard == shard);
        return std::pair{c.seq, c.n};
      }
    return std::pair<std::int64_t, std::int32_t>{-1, -1};
  };
  CHECK(find(mail, 3) == std::pair<std::int64_t, std::int32_t>{10, 2});
  CHECK(find(mail, 4) == std::pair<std::int64_t, std::int32_t>{1, 5});
  CHECK(find(search, 3) == std::pair<std::int64_t, std::int32_t>{2, 0});
  CHECK(find(search, 4) == std::pair<std::int64_t, std::int32_t>{-1, -1});
}

TEST_CASE("events are pruned once they are old and every consumer has passed them", "[outbox]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  auto id = new_id(shard.id());
  auto mail = consumer(), search = consumer();
  auto event = [&](const std::string& topic, std::int64_t seconds) {
    auto e = event_about(id, topic);
    e.at = at(seconds);
    return e;
  };
  for (int i = 0; i < 5; ++i)
    shard.write(event("e" + std::to_string(i), i * 100));
  auto events = db.outbox().read(shard.id(), 0, 0, 100);
  REQUIRE(events.size() == 5);
  auto left = [&] { return topics(db.outbox().read(shard.id(), 0, 0, 100)); };

  INFO("nobody has passed anything");
  db.outbox().prune({mail, search}, at(1000));
  CHECK(left().size() == 5);

  db.outbox().save(
    {{mail, shard.id(), events[3].seq, events[3].n}, {search, shard.id(), events[1].seq, events[1].n}});
  CHECK(db.outbox().prune({mail, search}, at(1000)) == 2);
  CHECK(left() == std::vector<std::string>{"e2", "e3", "e4"});

  db.outbox().save({{search, shard.id(), events[4].seq, events[4].n}});
  CHECK(db.outbox().prune({mail, search}, at(250)) == 1); // e3 is passed by both and too young
  CHECK(left() == std::vector<std::string>{"e3", "e4"});
  CHECK(db.outbox().prune({mail, search}, at(250)) == 0);
}

TEST_CASE("an event that keeps failing is parked, once is enough", "[outbox]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  shard.write(event_about(new_id(shard.id()), "order.created"));
  auto event = db.outbox().read(shard.id(), 0, 0, 1).at(0);
  auto mail = consumer();

  CHECK_NOTHROW(db.outbox().park(mail, event, "550 no such \"user\""));
  CHECK_NOTHROW(db.outbox().park(mail, event, "again"));
  CHECK(db.outbox().read(shard.id(), 0, 0, 1).size() == 1); // it stays for the others
}
