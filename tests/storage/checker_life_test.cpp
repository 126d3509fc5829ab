// What the checker says of damage to an order's later life, to what is prepaid and to what goes out.

#include "storage/checker/invariants.hpp"
#include "storage/seasoned_rows.hpp"
#include "storage/simulated/database.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <set>

using namespace souk::storage;
using namespace souk::tests;
namespace checker = souk::storage::checker;

namespace {

struct seasoned_world {
  seasoned_rows s{7, at(900)};
  simulated::tables rows;
  checker::observations seen;

  seasoned_world() {
    simulated::database db{{[] { return at(); }, {}, {}}};
    auto journal = db.open_journal();
    auto held = db.open_ownership()->acquire(unregistered_node("a"), {7}, stale_after).at(0);
    for (const auto& ws : s.history()) {
      std::vector sets{ws};
      if (journal->commit(batch_of({held}, sets)).what != commit_outcome::kind::committed)
        throw std::runtime_error("the seasoned world is not good");
      ++held.seq;
    }
    rows = db.dump();
    seen.at_rest = true;
    seen.now = at(60);
  }

  std::set<std::string> broken() const {
    std::set<std::string> out;
    for (const auto& v : checker::check(rows, seen))
      out.insert(v.invariant);
    return out;
  }

  order_life_row& life() { return rows.lives.at(s.sold.id); }
  order_return& back() { return life().returns.at(0); }
  refund_row& refund() { return rows.refunds.at(s.first.id); }
  payment_row& paid() { return rows.payments.at(s.paid.id); }
  /// Another refund of the same payment, just asked for.
  void ask_for(std::int64_t amount) {
    auto more = new_refund(s.paid, amount);
    rows.refunds.emplace(more.id, more);
    rows.refunds_of.insert({more.order_id, more.id});
  }
};

} // namespace

TEST_CASE("a shop whose orders were shipped, returned and refunded in order breaks no invariant", "[checker][life]") {
  seasoned_world w;
  auto found = checker::check(w.rows, w.seen);
  INFO(checker::report(found));
  CHECK(found.empty());
}

TEST_CASE("damage to a later life is noticed by the invariants it breaks, and by no other", "[checker][life]") {
  struct damage {
    std::set<std::string> invariants;
    std::function<void(seasoned_world&)> inflict;
  };
  const std::vector<damage> damages{
    {{"no_refund_under_way"}, [](auto& w) { w.ask_for(w.s.paid.amount - 500); }},
    {{"no_refund_under_way", "no_more_back_than_taken"}, [](auto& w) { w.ask_for(w.s.paid.amount - 499); }},
    {{"refunds_are_counted"}, [](auto& w) { ++w.paid().refunded; }},
    {{"refunds_are_counted"}, [](auto& w) { ++w.refund().amount; }},
    {{"refunds_are_counted"}, [](auto& w) { ++w.rows.orders.at(w.s.sold.id).refunded; }},
    {{"refund_belongs_to_payment", "refunds_are_counted"}, [](auto& w) { w.refund().order_id = w.s.cancelled.id; }},
    {{"capture_is_counted", "no_more_back_than_taken"}, [](auto& w) { w.paid().captured = 0; }},
    {{"capture_is_counted"},
     [](auto& w) {
       auto& p = w.rows.payments.at(w.s.authorized.id);
       p.state = attempt_state::cancelled;
       p.captured = 1;
     }},
    {{"amount_is_total"}, [](auto& w) { --w.rows.orders.at(w.s.sold.id).gift_card; }},
    {{"gift_card_balance"}, [](auto& w) { --w.rows.gift_cards.at(w.s.card.id).balance; }},
    {{"gift_card_balance", "cards_paid_for_orders"}, [](auto& w) { w.rows.gift_card_history.pop_back(); }},
    {{"cards_paid_for_orders"}, [](auto& w) { w.rows.gift_card_history[0].order_id = w.s.promised.id; }},
    {{"gift_card_balance", "row_in_its_store"}, [](auto& w) { w.rows.gift_cards.clear(); }},
    {{"discount_uses_are_counted"}, [](auto& w) { ++w.rows.discounts.begin()->second.used; }},
    {{"discount_uses_are_counted"}, [](auto& w) { w.rows.discount_uses.erase({w.s.sold.id, "TEA10"}); }},
    {{"cancelled_keeps_no_code"},
     [](auto& w) {
       w.rows.discount_uses.at({w.s.cancelled.id, "TEA10"}).row.given_back = false;
       ++w.rows.discounts.begin()->second.used;
     }},
    {{"used_once_per_customer"},
     [](auto& w) {
       for (const auto& order : {w.s.sold.id, w.s.promised.id})
         w.rows.discount_uses[{order, "TEA10"}] = {use_of(w.s.discount, order).row, true};
       w.rows.discounts.begin()->second.used = 2;
     }},
    {{"pieces_within_sold"}, [](auto& w) { ++w.life().fulfilments[0].lines[0].quantity; }},
    {{"pieces_within_sold"}, [](auto& w) { w.life().fulfilments[0].lines[0].line = 2; }},
    {{"pieces_within_sold"}, [](auto& w) { ++w.refund().lines[0].quantity; }},
    {{"pieces_within_sold"},
     [](auto& w) { // without a parcel
       w.life().fulfilments.clear();
       w.refund().lines[0].quantity = 2;
     }},
    {{}, [](auto& w) { w.refund().lines[0] = {1, 2, 500, false}; }},
    {{"return_within_announced"}, [](auto& w) { w.back().lines[0].quantity = 0; }},
    {{"return_within_announced"}, [](auto& w) { w.back().lines[0].restocked = 2; }},
    {{"return_names_refund"}, [](auto& w) { w.back().refund_id = new_id(7); }},
    {{"heard_once"}, [](auto& w) { w.life().heard.push_back(w.life().heard[0]); }},
    {{"delivery_has_its_webhook"}, [](auto& w) { w.rows.webhooks.clear(); }},
    {{"delivery_has_its_webhook"}, [](auto& w) { w.rows.deliveries.begin()->second.store_id = new_id(7); }},
    {{"row_in_its_store"}, [](auto& w) { w.refund().store_id = new_id(7); }},
    {{"row_in_its_store"}, [](auto& w) { w.life().store_id = new_id(7); }},
    {{"row_in_its_store"}, [](auto& w) { w.rows.mails.begin()->second.store_id = new_id(7); }},
    {{"row_in_its_store"},
     [](auto& w) {
       const auto nobody = new_id(7);
       w.rows.mail_suppressions[{nobody, "a"}] = {nobody, "a", suppression_reason::bounced, at()};
     }},
    {{"row_in_its_store"}, [](auto& w) { w.rows.mail_templates[{new_id(7), "order_paid", "en"}].store_id = new_id(7); }},
    {{"row_in_its_shard"},
     [](auto& w) {
       auto stray = w.s.mail;
       stray.id = new_id(8);
       w.rows.mails.emplace(stray.id, stray);
     }},
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    seasoned_world w;
    damages[i].inflict(w);
    CAPTURE(i, checker::report(checker::check(w.rows, w.seen)));
    CHECK(w.broken() == damages[i].invariants);
  }
}
