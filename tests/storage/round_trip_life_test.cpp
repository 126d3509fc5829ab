// The rows of an order's later life, and of what goes out, come back as they were written, whatever is in them.

#include "storage/arbitrary_rows.hpp"
#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace souk::storage;
using namespace souk::tests;

TEST_CASE("an order's refunds and later life come back as written and as changed", "[round trip][life]") {
  ON_EVERY_STORE;
  shop s(db);
  CHECK(rc::check("refunds, life", [&] {
    auto order = new_order(s.store.id, new_id(1));
    auto payment = new_payment(order);
    auto first = any_refund(payment), second = any_refund(payment);
    first.created_at = at();
    second.created_at = at(1);
    auto life = any_life(order);
    s.shard.write(insert_order{order, {}}, insert_payment{payment}, insert_refund{second}, insert_refund{first},
                  put_order_life{life, 0});
    auto loaded = db.reader().load_order(order.id);
    RC_ASSERT(loaded.has_value());
    RC_ASSERT((loaded->refunds == std::vector{first, second}));
    RC_ASSERT(loaded->life == life);

    auto changed = any_refund(payment);
    changed.id = first.id;
    auto later = any_life(order);
    s.shard.write(update_refund{changed}, put_order_life{later, 1});
    later.version = 2;
    first.state = changed.state; // what was asked for stays as it was
    first.provider_reference = changed.provider_reference;
    first.error_code = changed.error_code;
    first.updated_at = changed.updated_at;
    loaded = db.reader().load_order(order.id);
    RC_ASSERT((loaded->refunds == std::vector{first, second}));
    RC_ASSERT(loaded->life == later);
  }));
}

TEST_CASE("an order without refunds and later life has none", "[round trip][life]") {
  ON_EVERY_STORE;
  shop s(db);
  auto order = new_order(s.store.id, new_id(1));
  s.shard.write(insert_order{order, {}});
  auto loaded = db.reader().load_order(order.id);
  REQUIRE(loaded.has_value());
  CHECK(loaded->refunds.empty());
  CHECK(loaded->life == order_life_row{});
}

TEST_CASE("a discount comes back as written and as changed, and its uses are counted by the store alone", "[round trip][life]") {
  ON_EVERY_STORE;
  shop s(db);
  CHECK(rc::check("discount", [&] {
    auto discount = any_discount(s.store.id);
    auto told = discount;
    told.used = any_money();
    s.shard.write(put_discount{told, 0});
    RC_ASSERT(db.reader().load_discount(s.store.id, discount.code) == discount);

    auto changed = any_discount(s.store.id);
    changed.code = discount.code;
    changed.used = any_money();
    s.shard.write(put_discount{changed, 1});
    changed.id = discount.id;
    changed.created_at = discount.created_at;
    changed.used = 0;
    changed.version = 2;
    RC_ASSERT(db.reader().load_discount(s.store.id, discount.code) == changed);
    RC_ASSERT(!db.reader().load_discount(new_id(0), discount.code).has_value());
  }));
}

TEST_CASE("a gift card comes back as written, starts full, and only its terms change", "[round trip][life]") {
  ON_EVERY_STORE;
  shop s(db);
  CHECK(rc::check("gift card", [&] {
    auto card = any_gift_card(s.store.id);
    auto told = card;
    told.balance = any_money();
    s.shard.write(put_gift_card{told, 0});
    RC_ASSERT(db.reader().load_gift_card(s.store.id, card.code_hash) == card);

    auto changed = any_gift_card(s.store.id);
    changed.id = card.id;
    s.shard.write(put_gift_card{changed, 1});
    card.active = changed.active;
    card.expires_at = changed.expires_at;
    card.note = changed.note;
    card.updated_at = changed.updated_at;
    card.version = 2;
    RC_ASSERT(db.reader().load_gift_card(s.store.id, card.code_hash) == card);
    RC_ASSERT(!db.reader().load_gift_card(new_id(0), card.code_hash).has_value());
  }));
}

TEST_CASE("a webhook and its deliveries come back as written and as changed", "[round trip][life]") {
  ON_EVERY_STORE;
  owned_shard shard(db);
  CHECK(rc::check("webhook", [&] {
    auto store = new_store(shard.id());
    auto webhook = any_webhook(store.id);
    auto waiting = any_delivery(webhook), done = any_delivery(webhook);
    waiting.state = delivery_state::waiting;
    done.state = delivery_state::delivered;
    shard.write(insert_store{store}, put_webhook{webhook, 0}, put_webhook_delivery{done, true}, put_webhook_delivery{waiting, true});
    auto loaded = db.reader().load_webhooks(store.id);
    RC_ASSERT(loaded.webhooks == std::vector{webhook});
    RC_ASSERT(loaded.waiting == std::vector{waiting});
    RC_ASSERT(db.reader().load_delivery(done.id) == done);
    RC_ASSERT(db.reader().load_delivery(waiting.id) == waiting);

    auto changed = any_webhook(store.id);
    changed.id = webhook.id;
    auto tried = any_delivery(webhook);
    tried.id = waiting.id;
    shard.write(put_webhook{changed, 1}, put_webhook_delivery{tried, false});
    changed.created_at = webhook.created_at;
    changed.version = 2;
    waiting.state = tried.state; // what is sent again is what was sent first
    waiting.attempts = tried.attempts;
    waiting.next_at = tried.next_at;
    waiting.status = tried.status;
    waiting.error = tried.error;
    waiting.took_ms = tried.took_ms;
    waiting.updated_at = tried.updated_at;
    RC_ASSERT(db.reader().load_webhooks(store.id).webhooks == std::vector{changed});
    RC_ASSERT(db.reader().load_delivery(waiting.id) == waiting);
  }));
}

TEST_CASE("mails, their templates and suppressions come back as written and as changed", "[round trip][life]") {
  ON_EVERY_STORE;
  shop s(db);
  auto& r = db.reader();
  CHECK(rc::check("mail", [&] {
    auto text = any_template(s.store.id);
    auto quiet = any_suppression(s.store.id);
    auto mail = any_mail(s.store.id);
    s.shard.write(put_mail_template{text}, put_suppression{quiet}, put_mail{mail});
    RC_ASSERT(r.load_mail_template(s.store.id, text.name, text.language) == text);
    RC_ASSERT(!r.load_mail_template(s.store.id, text.name, text.language + "x").has_value());
    RC_ASSERT(r.load_suppression(s.store.id, quiet.email) == quiet);
    RC_ASSERT(!r.load_suppression(new_id(0), quiet.email).has_value());
    RC_ASSERT(r.load_mail(mail.id) == mail);

    auto new_text = any_template(s.store.id);
    new_text.name = text.name;
    new_text.language = text.language;
    auto other_reason = any_suppression(s.store.id);
    other_reason.email = quiet.email;
    auto heard_of = any_mail(s.store.id);
    heard_of.id = mail.id;
    s.shard.write(put_mail_template{new_text}, put_suppression{other_reason}, put_mail{heard_of});
    mail.state = heard_of.state; // who was written to about what stays
    mail.provider_reference = heard_of.provider_reference;
    mail.error = heard_of.error;
    mail.at = heard_of.at;
    RC_ASSERT(r.load_mail_template(s.store.id, text.name, text.language) == new_text);
    RC_ASSERT(r.load_suppression(s.store.id, quiet.email) == other_reason);
    RC_ASSERT(r.load_mail(mail.id) == mail);

    s.shard.write(delete_mail_template{s.store.id, text.name, text.language}, delete_suppression{s.store.id, quiet.email});
    RC_ASSERT(!r.load_mail_template(s.store.id, text.name, text.language).has_value());
    RC_ASSERT(!r.load_suppression(s.store.id, quiet.email).has_value());
  }));
}
