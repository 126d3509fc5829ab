// Pages of what a merchant set up and of what went out.

#include "storage/life_rows.hpp"
#include "storage/postgres_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

using namespace souk::storage;
using namespace souk::tests;

namespace {

std::unique_ptr<catalog_reader> open_catalog() {
  return postgres::make_catalog_reader({postgres_url()});
}

/// A store with some of everything.
struct full_shop : shop {
  explicit full_shop(store_under_test& db) : shop(db) {
    payment.state = attempt_state::succeeded;
    payment.captured = payment.amount;
    refund.lines = {{1, 1, 100, true}};
    life.returns = {new_return(order, 1, return_state::requested)};
    shard.write(insert_order{order, {item_of(order, variant, 1)}}, insert_payment{payment}, insert_refund{refund},
                put_order_life{life, 0}, put_discount{discount, 0}, put_gift_card{card, 0}, put_webhook{webhook, 0},
                put_webhook_delivery{delivery, true}, put_mail{mail}, put_mail_template{text});
    order.number = 1001;
    life.version = 1;
  }

  order_row order = new_order(store.id, new_id(3));
  payment_row payment = new_payment(order);
  refund_row refund = new_refund(payment, 100);
  order_life_row life = new_life(order);
  discount_row discount = new_discount(store.id, "TEA10");
  gift_card_row card = new_gift_card(store.id, 1000);
  webhook_row webhook = new_webhook(store.id);
  webhook_delivery_row delivery = new_delivery(webhook);
  mail_row mail = new_mail(store.id);
  mail_template_row text{store.id, "order_paid", "de", "Danke", "<p>Danke</p>", "Danke", at()};
};

/// Pages of two of five rows by number, and by cursor, newest first.
template <class Row, class Page>
void paged(std::vector<Row> rows, Page page) {
  REQUIRE(rows.size() == 5);
  std::reverse(rows.begin(), rows.end());
  const auto part = [&](std::size_t from, std::size_t to) {
    return std::vector<Row>(rows.begin() + static_cast<std::ptrdiff_t>(from), rows.begin() + static_cast<std::ptrdiff_t>(to));
  };
  auto first = page(page_request{1, 2, std::nullopt});
  CHECK(first.rows == part(0, 2));
  CHECK(first.total == 5);
  CHECK(first.more);
  CHECK(page(page_request{2, 2, std::nullopt}).rows == part(2, 4));
  auto last = page(page_request{3, 2, std::nullopt});
  CHECK(last.rows == part(4, 5));
  CHECK_FALSE(last.more);
  auto behind = page(page_request{9, 2, rows[1].id}); // a cursor is what counts
  CHECK(behind.rows == part(2, 4));
  CHECK(behind.more);
  CHECK(page(page_request{1, 2, rows[4].id}).rows.empty());
  CHECK(page(page_request{4, 2, std::nullopt}).rows.empty());
}

} // namespace

TEST_CASE("what a merchant set up and what went out is paged newest first", "[catalog][life][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db);
  auto hook = new_webhook(s.store.id), other_hook = new_webhook(s.store.id);
  s.shard.write(put_webhook{hook, 0}, put_webhook{other_hook, 0}, put_webhook_delivery{new_delivery(other_hook), true});
  std::vector<discount_row> discounts;
  std::vector<gift_card_row> cards;
  std::vector<mail_row> mails;
  std::vector<webhook_delivery_row> deliveries;
  for (int i = 0; i < 5; ++i) {
    discounts.push_back(new_discount(s.store.id, "CODE" + std::to_string(9 - i)));
    cards.push_back(new_gift_card(s.store.id, 100 + i));
    mails.push_back(new_mail(s.store.id));
    deliveries.push_back(new_delivery(hook, "7-" + std::to_string(i) + "-0"));
    s.shard.write(put_discount{discounts.back(), 0}, put_gift_card{cards.back(), 0}, put_mail{mails.back()},
                  put_webhook_delivery{deliveries.back(), true});
  }
  auto catalog = open_catalog();
  paged(discounts, [&](const page_request& p) { return catalog->discounts(s.store.id, p); });
  paged(cards, [&](const page_request& p) { return catalog->gift_cards(s.store.id, p); });
  paged(mails, [&](const page_request& p) { return catalog->mails(s.store.id, p); });
  paged(deliveries, [&](const page_request& p) { return catalog->deliveries(s.store.id, hook.id, p); });
  CHECK(catalog->deliveries(s.store.id, other_hook.id, {}).rows.size() == 1);
  CHECK(catalog->webhooks(s.store.id) == std::vector{hook, other_hook});
}

TEST_CASE("orders come with their refunds and later life", "[catalog][life][postgres]") {
  ON_POSTGRES_ONLY;
  full_shop s(db);
  auto plain = new_order(s.store.id, new_id(3));
  s.shard.write(insert_order{plain, {}});
  auto catalog = open_catalog();
  auto page = catalog->orders(s.store.id, std::nullopt, {});
  REQUIRE(page.rows.size() == 2);
  CHECK(page.rows[0].refunds.empty());
  CHECK(page.rows[0].life == order_life_row{});
  CHECK(page.rows[1].order == s.order);
  CHECK(page.rows[1].payments == std::vector{s.payment});
  CHECK(page.rows[1].refunds == std::vector{s.refund});
  CHECK(page.rows[1].life == s.life);
  CHECK(catalog->mail_templates(s.store.id) == std::vector{s.text});
}

TEST_CASE("orders with a return that waits for the merchant are paged newest first", "[catalog][life][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db);
  struct found_order {
    ulid id;
    bool operator==(const found_order&) const = default;
  };
  std::vector<found_order> waiting;
  std::map<ulid, order_life_row> lives;
  auto add = [&](std::vector<return_state> states) {
    auto order = new_order(s.store.id, new_id(3));
    auto life = new_life(order);
    for (auto state : states)
      life.returns.push_back(new_return(order, 1, state));
    s.shard.write(insert_order{order, {}}, put_order_life{life, 0});
    life.version = 1;
    lives[order.id] = life;
    return order.id;
  };
  auto catalog = open_catalog();
  auto page = [&](const page_request& p) {
    auto from = catalog->orders_with_returns(s.store.id, p);
    page_of<found_order> out{{}, from.total, from.more};
    for (const auto& o : from.rows) {
      CHECK(o.life == lives.at(o.order.id));
      out.rows.push_back({o.order.id});
    }
    return out;
  };
  CHECK(page({}).rows.empty());
  add({});
  for (auto state : {return_state::declined, return_state::closed, return_state::cancelled})
    add({state});
  for (auto state : {return_state::requested, return_state::approved, return_state::received})
    waiting.push_back({add({state})});
  waiting.push_back({add({return_state::closed, return_state::requested})});
  waiting.push_back({add({return_state::requested, return_state::approved})});
  s.shard.write(insert_order{new_order(s.store.id, new_id(3)), {}});
  paged(waiting, page);

  INFO("the merchant has dealt with one");
  auto& dealt_with = lives[waiting[4].id];
  for (auto& r : dealt_with.returns)
    r.state = return_state::closed;
  s.shard.write(put_order_life{dealt_with, 1});
  dealt_with.version = 2;
  CHECK(page({}).total == 4);
  CHECK(page({}).rows.front() == waiting[3]);

  dealt_with.returns.push_back(new_return(new_order(s.store.id, {}), 1, return_state::requested));
  s.shard.write(put_order_life{dealt_with, 2});
  dealt_with.version = 3;
  CHECK(page({}).rows.front() == waiting[4]);
}

TEST_CASE("a store sees nothing of another store's later life and mail", "[catalog][life][rls][postgres]") {
  ON_POSTGRES_ONLY;
  full_shop a(db), b(db);
  auto catalog = open_catalog();
  CHECK(catalog->discounts(a.store.id, {}).rows == std::vector{a.discount});
  CHECK(catalog->discounts(a.store.id, {}).total == 1);
  CHECK(catalog->gift_cards(a.store.id, {}).rows == std::vector{a.card});
  CHECK(catalog->webhooks(a.store.id) == std::vector{a.webhook});
  CHECK(catalog->deliveries(a.store.id, a.webhook.id, {}).rows == std::vector{a.delivery});
  CHECK(catalog->deliveries(a.store.id, b.webhook.id, {}).rows.empty());
  CHECK(catalog->deliveries(a.store.id, b.webhook.id, {}).total == 0);
  CHECK(catalog->mails(a.store.id, {}).rows == std::vector{a.mail});
  CHECK(catalog->mail_templates(a.store.id) == std::vector{a.text});
  CHECK(catalog->orders_with_returns(a.store.id, {}).rows.size() == 1);
  CHECK(catalog->orders_by_id(a.store.id, {b.order.id}).empty());
}

// The queries above name the store themselves; the policies hold without that.
TEST_CASE("row security hides other stores' rows from a query that does not ask", "[catalog][life][rls][postgres]") {
  ON_POSTGRES_ONLY;
  full_shop a(db), b(db);
  a.shard.write(put_suppression{{a.store.id, "ada@example.com", suppression_reason::bounced, at()}},
                use_of(a.discount, a.order.id), spent(a.card, 5, a.order.id));
  b.shard.write(put_suppression{{b.store.id, "ada@example.com", suppression_reason::bounced, at()}},
                use_of(b.discount, b.order.id), spent(b.card, 5, b.order.id));
  auto session = postgres_session();
  session->execute("SET ROLE souk_reader", std::chrono::seconds{5});
  static const postgres::statement seen{"rows_seen", R"(
    SELECT t, count(*) FILTER (WHERE store_id = $1::uuid), count(*) FILTER (WHERE store_id <> $1::uuid) FROM (
      SELECT 'refunds' AS t, store_id FROM refunds UNION ALL SELECT 'order_lives', store_id FROM order_lives
      UNION ALL SELECT 'discounts', store_id FROM discounts UNION ALL SELECT 'discount_uses', store_id FROM discount_uses
      UNION ALL SELECT 'gift_cards', store_id FROM gift_cards
      UNION ALL SELECT 'gift_card_history', store_id FROM gift_card_history
      UNION ALL SELECT 'webhooks', store_id FROM webhooks
      UNION ALL SELECT 'webhook_deliveries', store_id FROM webhook_deliveries
      UNION ALL SELECT 'mail_templates', store_id FROM mail_templates
      UNION ALL SELECT 'mail_suppressions', store_id FROM mail_suppressions UNION ALL SELECT 'mails', store_id FROM mails) x
    GROUP BY t ORDER BY t)"};
  CHECK(session->read(seen, postgres::parameters::of(a.store.id)).rows() == 0); // no store is set: nothing is seen
  session->execute("SELECT set_config('souk.store_id', (from_ulid('" + a.store.id.str() + "'))::text, false)",
                   std::chrono::seconds{5});
  const auto r = session->read(seen, postgres::parameters::of(a.store.id));
  CHECK(r.rows() == 11);
  for (int i = 0; i < r.rows(); ++i) {
    CAPTURE(r.text(i, 0));
    CHECK(r.int8(i, 1) == 1);
    CHECK(r.int8(i, 2) == 0);
  }
  for (const auto* table : {"refunds", "gift_cards", "mails", "webhook_deliveries"})
    CHECK_THROWS_AS(session->execute(std::string{"DELETE FROM "} + table, std::chrono::seconds{5}), storage_error);
}
