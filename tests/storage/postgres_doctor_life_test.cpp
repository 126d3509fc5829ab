// What the doctor says of damage to an order's later life, to what is prepaid and to what goes out.

#include "storage/doctor_fixture.hpp"
#include "storage/seasoned_rows.hpp"

#include <catch2/catch.hpp>

using namespace souk::storage;
using namespace souk::tests;

namespace {

const std::string money_back = "no more money goes back than was taken, and it is counted where it was taken",
                  sum_of_refunds = "what went back of an order is the sum of its refunds",
                  pieces = "no more pieces left or came back than were sold",
                  in_shard_of_store = "every row of a store lies in the store's shard",
                  in_store_of_parent = "every row belongs to the same store as what it refers to",
                  delivery_sentence = "a delivery belongs to a webhook of its store, and none waits long past its time";

struct examined_shop {
  std::unique_ptr<store_under_test> db = make_fresh_postgres_store();
  owned_shard shard{*db};
  seasoned_rows s{shard.id(), db->ownership().now() + std::chrono::hours{1}};

  examined_shop() {
    for (const auto& ws : s.history())
      shard.write_set(ws);
  }

  found after(const std::string& damage, const std::string& repair) const { return found_after(*db, damage, repair); }
  /// A refund that has just been asked for.
  std::string insert_refund_of(std::int64_t amount, const std::string& updated_at) const {
    return "INSERT INTO refunds (id, order_id, store_id, payment_id, amount, currency, state, lines, reason, note, provider_reference, "
           "error_code, created_at, updated_at) SELECT "
         + quoted(refund) + ", order_id, store_id, payment_id, " + std::to_string(amount)
         + ", currency, 1, '[]', '', '', '', '', now(), " + updated_at + " FROM refunds WHERE id = " + quoted(s.first.id);
  }
  std::string delete_refund() const { return "DELETE FROM refunds WHERE id = " + quoted(refund); }

  ulid refund = new_id_beside(s.store.id);
};

} // namespace

TEST_CASE("a shop whose orders are shipped, returned and refunded in order is healthy", "[doctor][life][postgres]") {
  ON_POSTGRES_ONLY;
  examined_shop e;
  CHECK(failing(*e.db) == found{});
}

TEST_CASE("the doctor finds money that was given back, taken or prepaid wrongly", "[doctor][life][postgres]") {
  ON_POSTGRES_ONLY;
  examined_shop e;
  const auto& s = e.s;
  REQUIRE(failing(*e.db) == found{});
  const auto paid = " WHERE id = " + quoted(s.paid.id), first = " WHERE id = " + quoted(s.first.id),
             sold = " WHERE id = " + quoted(s.sold.id), card = " WHERE id = " + quoted(s.card.id);

  INFO("more is asked back than is left of what was taken");
  CHECK(e.after(e.insert_refund_of(s.paid.amount - 500, "now()"), e.delete_refund()) == found{});
  CHECK(e.after(e.insert_refund_of(s.paid.amount - 499, "now()"), e.delete_refund()) == found{money_back});
  CHECK(e.after(e.insert_refund_of(1, "now() - interval '25 hours'"), e.delete_refund())
        == found{"no refund has been under way for more than a day"});
  CHECK(e.after("UPDATE payments SET refunded = refunded + 1" + paid, "UPDATE payments SET refunded = refunded - 1" + paid)
        == found{money_back});
  CHECK(e.after("UPDATE payments SET refunded = 1 WHERE id = " + quoted(s.authorized.id),
                "UPDATE payments SET refunded = 0 WHERE id = " + quoted(s.authorized.id))
        == found{money_back}); // without any refund
  CHECK(e.after("UPDATE refunds SET amount = 501" + first, "UPDATE refunds SET amount = 500" + first)
        == found{money_back, sum_of_refunds});
  CHECK(e.after("UPDATE orders SET refunded = refunded + 1" + sold, "UPDATE orders SET refunded = refunded - 1" + sold)
        == found{sum_of_refunds});
  CHECK(e.after("UPDATE refunds SET order_id = " + quoted(s.cancelled.id) + first,
                "UPDATE refunds SET order_id = " + quoted(s.sold.id) + first)
        == found{in_store_of_parent, sum_of_refunds});

  INFO("captures");
  const std::string counted = "money that was taken is counted, and none is counted that was not taken";
  CHECK(e.after("UPDATE payments SET captured = 0" + paid, "UPDATE payments SET captured = amount" + paid)
        == found{counted, money_back});
  CHECK(e.after("UPDATE payments SET state = 7, captured = 1 WHERE id = " + quoted(s.authorized.id),
                "UPDATE payments SET state = 10, captured = 0 WHERE id = " + quoted(s.authorized.id))
        == found{counted});
  CHECK(e.after("UPDATE orders SET gift_card = gift_card - 1" + sold, "UPDATE orders SET gift_card = gift_card + 1" + sold)
        == found{"what an order's payments are worth together is its total"});
  CHECK(e.after("UPDATE reservations SET state = 4 WHERE order_id = " + quoted(s.promised.id),
                "UPDATE reservations SET state = 2 WHERE order_id = " + quoted(s.promised.id))
        == found{"promised money pins its goods", "reserved is the sum of a variant's open reservations"});

  INFO("gift cards");
  const std::string card_sum = "a gift card holds what it was sold for and its history left of it",
                    cards_of_orders = "what gift cards lost for an order is what it was paid with them, without what went back";
  CHECK(e.after("UPDATE gift_cards SET balance = balance - 1" + card, "UPDATE gift_cards SET balance = balance + 1" + card)
        == found{card_sum});
  CHECK(e.after("UPDATE gift_card_history SET delta = delta - 1 WHERE reason = 'spent'",
                "UPDATE gift_card_history SET delta = delta + 1 WHERE reason = 'spent'")
        == found{card_sum, cards_of_orders});
  CHECK(e.after("UPDATE gift_card_history SET order_id = " + quoted(s.promised.id) + " WHERE reason = 'refunded'",
                "UPDATE gift_card_history SET order_id = " + quoted(s.sold.id) + " WHERE reason = 'refunded'")
        == found{cards_of_orders});
  CHECK(e.after("UPDATE gift_card_history SET seq = seq + 1000000 WHERE reason = 'spent'",
                "UPDATE gift_card_history SET seq = seq - 1000000 WHERE reason = 'spent'")
        == found{"events and ledger lines are no further than their shard"});

  INFO("codes");
  const std::string uses = "a discount's code is used by as many orders as it says";
  const auto kept = "UPDATE discount_uses SET given_back = %s WHERE order_id = " + quoted(s.cancelled.id)
                  + "; UPDATE discounts SET used = used %s 1";
  auto with = [](std::string text, const std::string& a, const std::string& b) {
    text.replace(text.find("%s"), 2, a);
    text.replace(text.find("%s"), 2, b);
    return text;
  };
  CHECK(e.after("UPDATE discounts SET used = used + 1", "UPDATE discounts SET used = used - 1") == found{uses});
  CHECK(e.after("UPDATE discount_uses SET given_back = true WHERE order_id = " + quoted(s.sold.id),
                "UPDATE discount_uses SET given_back = false WHERE order_id = " + quoted(s.sold.id))
        == found{uses});
  CHECK(e.after(with(kept, "false", "+"), with(kept, "true", "-")) == found{"a cancelled order keeps no code"});
}

TEST_CASE("the doctor finds parcels and returns that cannot be", "[doctor][life][postgres]") {
  ON_POSTGRES_ONLY;
  examined_shop e;
  const auto& s = e.s;
  REQUIRE(failing(*e.db) == found{});
  const auto set = [](const std::string& column, const std::string& path, const std::string& value) {
    return "UPDATE order_lives SET " + column + " = jsonb_set(" + column + ", '" + path + "', '" + value + "')";
  };
  const auto lines = [&](const std::string& text) {
    return "UPDATE refunds SET lines = '" + text + "' WHERE id = " + quoted(s.first.id);
  };
  const std::string one_piece = R"([{"line": 1, "quantity": 1, "amount": 500, "restock": true}])";

  CHECK(e.after(set("fulfilments", "{0,lines,0,quantity}", "3"), set("fulfilments", "{0,lines,0,quantity}", "2")) == found{pieces});
  CHECK(e.after(set("fulfilments", "{0,lines,0,line}", "2"), set("fulfilments", "{0,lines,0,line}", "1")) == found{pieces});
  CHECK(e.after(set("returns", "{0,lines,0,line}", "2"), set("returns", "{0,lines,0,line}", "1")) == found{pieces});
  CHECK(e.after(lines(R"([{"line": 1, "quantity": 2, "amount": 500, "restock": true}])"), lines(one_piece)) == found{pieces});
  CHECK(e.after(lines(R"([{"line": 1, "quantity": 2, "amount": 500, "restock": false}])"), lines(one_piece)) == found{});
  CHECK(e.after(lines(R"([{"line": 9, "quantity": 1, "amount": 500, "restock": false}])"), lines(one_piece)) == found{pieces});

  INFO("a return without a parcel counts as well");
  CHECK(e.after(set("fulfilments", "{0,state}", "4") + "; "
                  + lines(R"([{"line": 1, "quantity": 2, "amount": 500, "restock": true}])"),
                set("fulfilments", "{0,state}", "2") + "; " + lines(one_piece))
        == found{pieces});

  const std::string announced = "of a return no more came than was announced, and no more is sold again than came";
  CHECK(e.after(set("returns", "{0,lines,0,quantity}", "0"), set("returns", "{0,lines,0,quantity}", "1")) == found{announced});
  CHECK(e.after(set("returns", "{0,lines,0,restocked}", "2"), set("returns", "{0,lines,0,restocked}", "0")) == found{announced});
  CHECK(e.after(set("returns", "{0,refund_id}", "\"" + new_id_beside(s.store.id).str() + "\""),
                set("returns", "{0,refund_id}", "\"" + s.second.id.str() + "\""))
        == found{"the refund of a return is one of its order"});
  const std::string listed = "an order is listed with open returns if and only if one waits for the merchant";
  CHECK(e.after("UPDATE order_lives SET returns_open = true", "UPDATE order_lives SET returns_open = false") == found{listed});
  CHECK(e.after(set("returns", "{0,state}", "2"), set("returns", "{0,state}", "5")) == found{listed});
  CHECK(e.after("UPDATE order_lives SET heard = heard || (heard->0)", "UPDATE order_lives SET heard = heard - 3")
        == found{"an order has dealt with a provider's event once"});
}

TEST_CASE("the doctor finds later lives, deliveries and mails in wrong hands", "[doctor][life][postgres]") {
  ON_POSTGRES_ONLY;
  examined_shop e;
  const auto& s = e.s;
  shop other(*e.db, 1);
  REQUIRE(failing(*e.db) == found{});
  const auto theirs = [&](const std::string& table, const ulid& store) {
    return "UPDATE " + table + " SET store_id = " + quoted(store);
  };
  const auto nobody = new_id_beside(s.store.id);

  for (const auto* table : {"refunds", "order_lives", "gift_card_history", "mails"}) {
    CAPTURE(table);
    auto expected = found{in_shard_of_store, in_store_of_parent};
    if (table == std::string{"gift_card_history"}) // has no shard of its own to say
      expected.erase(in_shard_of_store);
    if (table == std::string{"mails"}) // the other store is there
      expected.erase(in_store_of_parent);
    CHECK(e.after(theirs(table, other.store.id), theirs(table, s.store.id)) == expected);
    CHECK(e.after(theirs(table, nobody), theirs(table, s.store.id)) == found{in_store_of_parent});
  }
  CHECK(e.after(theirs("mail_suppressions", nobody), theirs("mail_suppressions", s.store.id)) == found{in_store_of_parent});
  CHECK(e.after(theirs("gift_cards", other.store.id), theirs("gift_cards", s.store.id))
        == found{in_shard_of_store, in_store_of_parent});
  CHECK(e.after("UPDATE discount_uses SET order_id = " + quoted(nobody) + " WHERE order_id = " + quoted(s.sold.id),
                "UPDATE discount_uses SET order_id = " + quoted(s.sold.id) + " WHERE order_id = " + quoted(nobody))
        == found{in_store_of_parent});
  const auto stray = new_id(other.shard.id());
  CHECK(e.after("UPDATE mails SET id = " + quoted(stray), "UPDATE mails SET id = " + quoted(s.mail.id)) == found{in_shard_of_store});

  CHECK(e.after(theirs("webhook_deliveries", other.store.id), theirs("webhook_deliveries", s.store.id))
        == found{delivery_sentence, in_shard_of_store});
  CHECK(e.after(theirs("webhook_deliveries", nobody), theirs("webhook_deliveries", s.store.id)) == found{delivery_sentence});
  CHECK(e.after("UPDATE webhook_deliveries SET next_at = now() - interval '11 minutes'",
                "UPDATE webhook_deliveries SET next_at = now()")
        == found{delivery_sentence});
  CHECK(e.after("UPDATE webhook_deliveries SET next_at = 'epoch', state = 3",
                "UPDATE webhook_deliveries SET next_at = now(), state = 1")
        == found{});
}
