// Webhooks, their deliveries, and mail.

#include "storage/life_rows.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;

namespace {

struct hook_world : shop {
  explicit hook_world(store_under_test& db) : shop(db) { shard.write(put_webhook{webhook, 0}); }

  webhook_row webhook = new_webhook(store.id);

  std::vector<webhook_delivery_row> waiting() const { return shard.db.reader().load_webhooks(store.id).waiting; }
};

} // namespace

TEST_CASE("a webhook is made once and changed from its version", "[webhook][version]") {
  ON_EVERY_STORE;
  hook_world w(db);
  auto changed = w.webhook;
  changed.state = webhook_state::paused;
  CHECK(w.shard.write(put_webhook{changed, 0}).refused == refusal::exists);
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_webhook{changed, 2})}).what == kind::failed);
  CHECK(db.reader().load_webhooks(w.store.id).webhooks == std::vector{w.webhook});
  w.shard.write(put_webhook{changed, 1});
  changed.version = 2;
  CHECK(db.reader().load_webhooks(w.store.id).webhooks == std::vector{changed});

  auto theirs = changed;
  theirs.store_id = new_id(w.shard.id());
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_webhook{theirs, 2})}).what == kind::failed);
  CHECK(w.shard.commit({in_shard(w.shard.id(), put_webhook{new_webhook(new_id(w.shard.id())), 0})}).what == kind::failed);
}

TEST_CASE("a fresh delivery written twice is one, and stays as it has become", "[webhook]") {
  ON_EVERY_STORE;
  hook_world w(db);
  auto delivery = new_delivery(w.webhook);
  w.shard.write(put_webhook_delivery{delivery, true});
  auto changed = delivery;
  changed.payload = "something else";
  w.shard.write(put_webhook_delivery{changed, true});
  CHECK(w.waiting() == std::vector{delivery});

  auto arrived = delivery;
  arrived.state = delivery_state::delivered;
  arrived.attempts = 1;
  arrived.status = 200;
  w.shard.write(put_webhook_delivery{arrived, false});
  w.shard.write(put_webhook_delivery{delivery, true}); // the event is heard again
  CHECK(w.waiting().empty());
  CHECK(db.reader().load_delivery(delivery.id) == arrived);

  auto next = new_delivery(w.webhook, "7-2-0");
  auto out = w.shard.commit(
    {in_shard(w.shard.id(), put_webhook_delivery{next, true}), in_shard(w.shard.id(), put_webhook_delivery{next, true})});
  CHECK(out.what == kind::committed);
  CHECK(w.waiting() == std::vector{next});
}

TEST_CASE("waiting deliveries come oldest first", "[webhook]") {
  ON_EVERY_STORE;
  hook_world w(db);
  auto a = new_delivery(w.webhook, "7-1-0"), b = new_delivery(w.webhook, "7-2-0"), c = new_delivery(w.webhook, "7-3-0");
  w.shard.write(put_webhook_delivery{c, true}, put_webhook_delivery{a, true}, put_webhook_delivery{b, true});
  CHECK(w.waiting() == std::vector{a, b, c});
}

TEST_CASE("a webhook takes its deliveries with it, and none comes after", "[webhook]") {
  ON_EVERY_STORE;
  hook_world w(db);
  auto other = new_webhook(w.store.id);
  auto gone = new_delivery(w.webhook), stays = new_delivery(other);
  w.shard.write(put_webhook{other, 0}, put_webhook_delivery{gone, true}, put_webhook_delivery{stays, true});

  INFO("not by another store's hand");
  w.shard.write(delete_webhook{w.webhook.id, new_id(w.shard.id())});
  CHECK(w.waiting().size() == 2);

  w.shard.write(delete_webhook{w.webhook.id, w.store.id});
  CHECK(db.reader().load_webhooks(w.store.id).webhooks == std::vector{other});
  CHECK(w.waiting() == std::vector{stays});
  CHECK_FALSE(db.reader().load_delivery(gone.id).has_value());

  w.shard.write(delete_webhook{w.webhook.id, w.store.id});
  w.shard.write(put_webhook_delivery{gone, true}); // for nobody
  gone.state = delivery_state::failed;
  w.shard.write(put_webhook_delivery{gone, false});
  CHECK_FALSE(db.reader().load_delivery(gone.id).has_value());
}

TEST_CASE("a webhook deleted in the batch that delivers to it leaves nothing", "[webhook]") {
  ON_EVERY_STORE;
  hook_world w(db);
  auto before = new_delivery(w.webhook, "7-1-0"), after = new_delivery(w.webhook, "7-2-0");
  auto changed = w.webhook;
  changed.state = webhook_state::paused;
  auto out = w.shard.commit({in_shard(w.shard.id(), put_webhook_delivery{before, true}, put_webhook{changed, 1}),
                             in_shard(w.shard.id(), delete_webhook{w.webhook.id, w.store.id}),
                             in_shard(w.shard.id(), put_webhook_delivery{after, true})});
  REQUIRE(out.what == kind::committed);
  CHECK(db.reader().load_webhooks(w.store.id).webhooks.empty());
  CHECK(w.waiting().empty());
}

TEST_CASE("a delivery is its webhook's store's", "[webhook]") {
  ON_EVERY_STORE;
  hook_world w(db);
  auto neighbour = new_store(w.shard.id());
  auto delivery = new_delivery(w.webhook), theirs = delivery;
  theirs.store_id = neighbour.id;
  w.shard.write(insert_store{neighbour}, put_webhook_delivery{theirs, true});
  CHECK_FALSE(db.reader().load_delivery(delivery.id).has_value());
  w.shard.write(put_webhook_delivery{delivery, true});
  theirs.state = delivery_state::failed;
  w.shard.write(put_webhook_delivery{theirs, false});
  CHECK(db.reader().load_delivery(delivery.id) == delivery);
}

TEST_CASE("stores with deliveries are those of the shard that have one waiting", "[webhook]") {
  ON_EVERY_STORE;
  hook_world w(db), elsewhere(db);
  auto quiet = new_store(w.shard.id()), busy = new_store(w.shard.id());
  auto to_busy = new_webhook(busy.id), to_quiet = new_webhook(quiet.id);
  auto first = new_delivery(w.webhook), second = new_delivery(w.webhook), third = new_delivery(to_busy),
       done = new_delivery(to_quiet);
  done.state = delivery_state::delivered;
  w.shard.write(insert_store{quiet}, insert_store{busy}, put_webhook{to_busy, 0}, put_webhook{to_quiet, 0},
                put_webhook_delivery{first, true}, put_webhook_delivery{second, true}, put_webhook_delivery{third, true},
                put_webhook_delivery{done, true});
  elsewhere.shard.write(put_webhook_delivery{new_delivery(elsewhere.webhook), true});

  std::vector expected{w.store.id, busy.id};
  std::sort(expected.begin(), expected.end());
  CHECK(db.reader().stores_with_deliveries(w.shard.id()) == expected);
  CHECK(db.reader().stores_with_deliveries(elsewhere.shard.id()) == std::vector{elsewhere.store.id});

  third.state = delivery_state::failed;
  w.shard.write(put_webhook_delivery{third, false});
  CHECK(db.reader().stores_with_deliveries(w.shard.id()) == std::vector{w.store.id});
}

TEST_CASE("an address is suppressed for one reason, the latest, and by one store", "[mail]") {
  ON_EVERY_STORE;
  shop s(db);
  auto neighbour = new_store(s.shard.id());
  s.shard.write(insert_store{neighbour});
  mail_suppression_row row{s.store.id, "ada@example.com", suppression_reason::unsubscribed, at()};
  auto bounced = row;
  bounced.reason = suppression_reason::bounced;
  bounced.at = at(5);
  s.shard.write(put_suppression{row});
  s.shard.write(put_suppression{bounced});
  CHECK(db.reader().load_suppression(s.store.id, row.email) == bounced);
  CHECK_FALSE(db.reader().load_suppression(neighbour.id, row.email).has_value());

  s.shard.write(delete_suppression{neighbour.id, row.email});
  CHECK(db.reader().load_suppression(s.store.id, row.email) == bounced);
  auto out = s.shard.commit({in_shard(s.shard.id(), delete_suppression{s.store.id, row.email}),
                             in_shard(s.shard.id(), put_suppression{row})});
  CHECK(out.what == kind::committed);
  CHECK(db.reader().load_suppression(s.store.id, row.email) == row);
  s.shard.write(delete_suppression{s.store.id, row.email});
  s.shard.write(delete_suppression{s.store.id, row.email});
  CHECK_FALSE(db.reader().load_suppression(s.store.id, row.email).has_value());
}

TEST_CASE("a template is replaced, one language at a time, and needs its store", "[mail]") {
  ON_EVERY_STORE;
  shop s(db);
  mail_template_row german{s.store.id, "order_paid", "de", "Danke", "<p>Danke</p>", "Danke", at()};
  auto english = german, shorter = german;
  english.language = "en";
  shorter.subject = "Dank";
  auto out = s.shard.commit({in_shard(s.shard.id(), put_mail_template{german}, put_mail_template{english}),
                             in_shard(s.shard.id(), put_mail_template{shorter})});
  CHECK(out.what == kind::committed);
  CHECK(db.reader().load_mail_template(s.store.id, "order_paid", "de") == shorter);
  CHECK(db.reader().load_mail_template(s.store.id, "order_paid", "en") == english);
  s.shard.write(delete_mail_template{s.store.id, "order_paid", "de"});
  CHECK_FALSE(db.reader().load_mail_template(s.store.id, "order_paid", "de").has_value());
  CHECK(db.reader().load_mail_template(s.store.id, "order_paid", "en") == english);
  german.store_id = new_id(s.shard.id());
  CHECK(s.shard.commit({in_shard(s.shard.id(), put_mail_template{german})}).what == kind::failed);
}

TEST_CASE("a mail written again is one mail", "[mail]") {
  ON_EVERY_STORE;
  shop s(db);
  auto mail = new_mail(s.store.id), bounced = mail;
  bounced.state = mail_state::bounced;
  auto out = s.shard.commit({in_shard(s.shard.id(), put_mail{mail}), in_shard(s.shard.id(), put_mail{mail})});
  CHECK(out.what == kind::committed);
  CHECK(db.reader().load_mail(mail.id) == mail);
  s.shard.write(put_mail{bounced});
  CHECK(db.reader().load_mail(mail.id) == bounced);
}

TEST_CASE("a cart is abandoned from the first moment of a window to before its last", "[cart]") {
  ON_EVERY_STORE;
  constexpr std::int64_t day = 86'400;
  constexpr std::chrono::seconds life{30 * day};
  shop s(db), elsewhere(db);
  auto add = [&](shop& where, std::int64_t changed) {
    auto cart = new_cart(where.store.id, new_id(3));
    cart.updated_at = at(changed);
    cart.expires_at = cart.updated_at + life;
    return cart;
  };
  // The window crosses midnight: that of a cart's end is looked for by days.
  constexpr std::int64_t from = day - 3600, to = day + 3600;
  auto early = add(s, from - 1), first = add(s, from), middle = add(s, day), last = add(s, to - 1), late = add(s, to);
  auto empty = add(s, day), reminded = add(s, day), reminded_before = add(s, day + 10);
  empty.lines.clear();
  reminded.reminded_at = reminded.updated_at;
  reminded_before.reminded_at = reminded_before.updated_at - std::chrono::microseconds{1};
  for (const auto& c : {late, last, middle, first, early, empty, reminded, reminded_before})
    s.shard.write(insert_cart{c});
  elsewhere.shard.write(insert_cart{add(elsewhere, day)});

  auto found = [&](int limit) { return db.reader().abandoned_carts(s.shard.id(), at(from), at(to), life, limit); };
  CHECK(found(100) == std::vector{first, middle, reminded_before, last});
  CHECK(found(2) == std::vector{first, middle});
  CHECK(found(0).empty());
  CHECK(found(-1).empty());

  INFO("who was reminded is left alone until the cart changes again");
  middle.reminded_at = at(2 * day);
  s.shard.write(update_cart{middle, 1});
  CHECK(found(100) == std::vector{first, reminded_before, last});
  middle.updated_at = at(3 * day);
  middle.expires_at = middle.updated_at + life;
  s.shard.write(update_cart{middle, 2});
  middle.version = 3;
  CHECK(found(100) == std::vector{first, reminded_before, last});
  CHECK(db.reader().abandoned_carts(s.shard.id(), at(3 * day), at(3 * day + 1), life, 100) == std::vector{middle});
}
