// Mails made from real rows, and their own rows written and found again.

#include "integrations/mail/mail_events.hpp"
#include "integrations/mail/stored_mail_world.hpp"
#include "storage/postgres_fixture.hpp"
#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::storage;
using namespace souk::tests;
using Catch::Matchers::Contains;

namespace {

struct fixed_clock : runtime::clock {
  timestamp now() const override { return at(10); }
};

struct post_office : actors::mailer {
  std::vector<actors::mail> sent;
  actors::mail_answer send(const actors::mail& m) override {
    sent.push_back(m);
    return {actors::mail_outcome::sent, false, false, "ref-" + std::to_string(sent.size()), ""};
  }
};

} // namespace

TEST_CASE("a paid order in the database becomes one mail", "[mail]") {
  ON_POSTGRES_ONLY;
  shop s{db};
  auto user = new_user(s.shard.id());
  auto order = new_order(s.store.id, user.id);
  order.email = "Ada@Example.com";
  order.language = "de";
  order.total = order.subtotal = 1999;
  s.shard.write_set(s.checkout(order, 1));
  s.shard.write(put_mail_template{{s.store.id, "order_delivered", "de", "Da ist sie: {{order_number}}", "", "", at()}});

  postgres::databases all{{postgres_url(db)}};
  all.place(s.shard.id(), 0);
  auto world = std::make_shared<integrations::stored_mail_world>(all, postgres::reader_limits{}, [&](shard_id shard, write_set rows) {
    CHECK(shard == s.shard.id());
    s.shard.write_set(rows);
    return true;
  });
  auto office = std::make_shared<post_office>();
  fixed_clock time;
  integrations::mail_events mails{world,
                                  office,
                                  std::make_shared<integrations::mail_composer>(),
                                  std::make_shared<actors::secret_box>(),
                                  time,
                                  {"https://shop.example", "mail@shop.example"}};
  outbox_event paid{s.shard.id(), 5, 1, {s.store.id, "order.paid", order.id, {}, at(5)}};
  outbox_event delivered{s.shard.id(), 6, 0, {s.store.id, "order.delivered", order.id, {}, at(6)}};
  CHECK(mails.deliver({paid, delivered}) == 2);
  CHECK(mails.deliver({paid, delivered}) == 2);
  REQUIRE(office->sent.size() == 2);
  CHECK_THAT(office->sent[0].text, Contains("vielen Dank für Ihre Bestellung 1001"));
  CHECK(office->sent[1].subject == "Da ist sie: 1001");

  auto row = db.reader().load_mail(*ulid::parse(office->sent[0].id));
  REQUIRE(row);
  CHECK(row->store_id == s.store.id);
  CHECK(row->email == "ada@example.com");
  CHECK(row->name == "order_confirmed");
  CHECK(row->provider_reference == "ref-1");
  CHECK(row->at == at(10));

  s.shard.write(put_suppression{{s.store.id, "ada@example.com", suppression_reason::bounced, at()}});
  outbox_event shipped{s.shard.id(), 7, 0, {s.store.id, "order.shipped", order.id, {}, at(7)}};
  CHECK(mails.deliver({shipped}) == 1);
  CHECK(office->sent.size() == 2);
}

TEST_CASE("a shard that no database is known to hold makes mails wait", "[mail]") {
  ON_POSTGRES_ONLY;
  postgres::databases all{{postgres_url(db)}};
  integrations::stored_mail_world world{all, {}, [](shard_id, write_set) { return true; }};
  CHECK_THROWS_AS(world.load_store(new_id(3)), unavailable);
}
