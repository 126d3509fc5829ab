#include "storage/life_rows.hpp"
#include "storage/postgres/expiry.hpp"
#include "storage/postgres/turn.hpp"
#include "storage/postgres_fixture.hpp"

#include <catch2/catch.hpp>

using namespace souk::storage;
using namespace souk::tests;

TEST_CASE("keys live for a day and sessions until they expire", "[expiry][postgres]") {
  ON_POSTGRES_ONLY;
  const auto fresh = make_fresh_postgres_store();
  shop s(*fresh, 10);
  const auto now = fresh->ownership().now();
  auto order = new_order(s.store.id, new_id(1));
  auto yesterday = key_of(order, "yesterday"), today = key_of(order, "today");
  yesterday.at = now - std::chrono::hours{25};
  today.at = now - std::chrono::hours{23};
  auto user = new_user(s.shard.id());
  auto ended = new_session(user.id), lasting = new_session(user.id);
  ended.expires_at = now - std::chrono::seconds{1};
  lasting.expires_at = now + std::chrono::hours{1};
  auto ws = s.checkout(order, 1);
  ws.mutations.insert(ws.mutations.end(),
                      {yesterday, today, insert_user{user}, insert_session{ended}, insert_session{lasting}});
  s.shard.write_set(ws);

  const auto gone = postgres::delete_expired({postgres_url(*fresh)}, now);

  CHECK(gone.idempotency_keys == 1);
  CHECK(gone.sessions == 1);
  CHECK_FALSE(fresh->reader().load_idempotency(yesterday.store_id, yesterday.caller, "yesterday").has_value());
  CHECK(fresh->reader().load_idempotency(today.store_id, today.caller, "today").has_value());
  CHECK(fresh->reader().load_user(user.id)->sessions == std::vector{lasting});
  CHECK(postgres::delete_expired({postgres_url(*fresh)}, now).sessions == 0);
}

TEST_CASE("of several nodes one is at a chore at a time", "[expiry][postgres]") {
  ON_POSTGRES_ONLY;
  const postgres::database where{postgres_url()};
  {
    const postgres::turn first{where, 42}, second{where, 42}, another_chore{where, 43};
    CHECK(first.ours());
    CHECK_FALSE(second.ours());
    CHECK(another_chore.ours());
  }
  // A session's end is noticed a moment after it was told to go.
  bool free_again = false;
  for (int i = 0; i < 500 && !free_again; ++i) {
    free_again = postgres::turn{where, 42}.ours();
    db.wait(std::chrono::milliseconds{10});
  }
  CHECK(free_again);
}

TEST_CASE("what went out is kept for thirty days, and what waits until it went", "[expiry][life][postgres]") {
  ON_POSTGRES_ONLY;
  const auto fresh = make_fresh_postgres_store();
  shop s(*fresh);
  const auto now = fresh->ownership().now();
  const auto old = now - std::chrono::hours{24 * 30 + 1}, recent = now - std::chrono::hours{24 * 30 - 1};
  auto webhook = new_webhook(s.store.id);
  s.shard.write(put_webhook{webhook, 0});
  auto deliver = [&](delivery_state state, timestamp made) {
    auto x = new_delivery(webhook);
    x.state = state;
    x.created_at = made;
    x.updated_at = now;
    s.shard.write(put_webhook_delivery{x, true});
    return x.id;
  };
  auto send = [&](timestamp when) {
    auto x = new_mail(s.store.id);
    x.at = when;
    s.shard.write(put_mail{x});
    return x.id;
  };
  const auto arrived = deliver(delivery_state::delivered, old), failed = deliver(delivery_state::failed, old),
             waiting = deliver(delivery_state::waiting, old), just_arrived = deliver(delivery_state::delivered, recent);
  const auto old_mail = send(old), recent_mail = send(recent);

  const auto gone = postgres::delete_expired({postgres_url(*fresh)}, now);

  CHECK(gone.deliveries == 2);
  CHECK(gone.mails == 1);
  auto& r = fresh->reader();
  CHECK_FALSE(r.load_delivery(arrived).has_value());
  CHECK_FALSE(r.load_delivery(failed).has_value());
  CHECK(r.load_delivery(waiting).has_value());
  CHECK(r.load_delivery(just_arrived).has_value());
  CHECK_FALSE(r.load_mail(old_mail).has_value());
  CHECK(r.load_mail(recent_mail).has_value());
  CHECK(r.load_webhooks(s.store.id).webhooks.size() == 1);
  const auto again = postgres::delete_expired({postgres_url(*fresh)}, now);
  CHECK(again.deliveries == 0);
  CHECK(again.mails == 0);
}
