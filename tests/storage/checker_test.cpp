#include "storage/checker/invariants.hpp"
#include "storage/shop_rows.hpp"
#include "storage/simulated/database.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <set>

using namespace souk::storage;
using namespace souk::tests;
namespace checker = souk::storage::checker;

namespace {

/// A small shop that has seen most of what can happen, in good order: a sale, a hold, a release, a refund.
struct good_world {
  timestamp now = at();
  simulated::database db{{[this] { return now; }, {}, {}}};
  checker::observations seen;
  simulated::tables rows;
  store_row store = new_store(7);
  product_row product = new_product(store.id);
  variant_row variant = new_variant(product);
  order_row paid = order_of("paid"), pending = order_of("pending"), cancelled = order_of("cancelled");
  payment_row payment = new_payment(paid);

  order_row order_of(const std::string& marker) {
    auto order = new_order(store.id, new_id(3));
    order.email = marker + "@example.com";
    order.subtotal = 2 * variant.price;
    order.tax = item_of(order, variant, 2).tax;
    order.total = order.subtotal + order.shipping;
    order.pricing.tax_inclusive = true;
    return order;
  }

  good_world() {
    auto journal = db.open_journal();
    auto held = db.open_ownership()->acquire(unregistered_node("a"), {7}, stale_after).at(0);
    auto write = [&](const write_set& ws) {
      std::vector sets{ws};
      if (journal->commit(batch_of({held}, sets)).what != commit_outcome::kind::committed)
        throw std::runtime_error("the good world is not good");
      ++held.seq;
    };
    write(in_shard(7, insert_store{store}, insert_product{product}, put_variant{variant}, level_of(variant),
                   moved(variant, 10, 0, "initial")));
    for (const auto* order : {&paid, &pending, &cancelled}) {
      write(in_shard(7, insert_order{*order, {item_of(*order, variant, 2)}}, reserved(*order, variant, 2),
                     moved(variant, 0, 2, "reserved"), key_of(*order, "key-" + order->email),
                     event_about(order->id, "order.created"), event_about(order->id, "order.held")));
      seen.operations.push_back(
        {store.id, order->user_id, "key-" + order->email, order->email, order->id, true});
    }
    auto done = payment;
    done.state = attempt_state::succeeded;
    done.captured = done.amount;
    auto now_paid = paid;
    now_paid.status = order_status::paid;
    now_paid.payment = payment_status::completed;
    write(in_shard(7, insert_payment{payment}));
    write(in_shard(7, update_payment{done}, update_order{now_paid, 1},
                   all_reservations(paid, reservation_state::claimed), moved(variant, -2, -2, "sold"),
                   event_about(paid.id, "order.paid")));
    auto now_cancelled = cancelled;
    now_cancelled.status = order_status::cancelled;
    now_cancelled.payment = payment_status::failed;
    write(in_shard(7, update_order{now_cancelled, 1},
                   all_reservations(cancelled, reservation_state::released),
                   moved(variant, 0, -2, "released"), event_about(cancelled.id, "order.cancelled")));
    rows = db.dump();
    for (const auto& e : rows.outbox[7])
      seen.deliveries.push_back({"mail", e.shard, e.seq, e.n});
    seen.consumers = {"mail"};
    seen.at_rest = true;
    seen.now = at(60);
  }

  std::set<std::string> broken() const {
    std::set<std::string> out;
    for (const auto& v : checker::check(rows, seen))
      out.insert(v.invariant);
    return out;
  }

  order_row& row(const order_row& order) { return rows.orders.at(order.id); }
  reservation_row& hold(const order_row& order) { return rows.reservations.at({order.id, variant.id}); }
  level_row& level() { return rows.levels.at(variant.id); }
};

} // namespace

TEST_CASE("a shop in good order breaks no invariant", "[checker]") {
  good_world w;
  auto found = checker::check(w.rows, w.seen);
  INFO(checker::report(found));
  CHECK(found.empty());
}

// Each damage is what some bug would leave behind; the checker must name the promise it breaks.
TEST_CASE("every kind of damage is noticed by the invariant it breaks", "[checker]") {
  struct damage {
    std::string invariant;
    std::function<void(good_world&)> inflict;
  };
  const std::vector<damage> damages{
    {"reserved_is_sum_of_holds", [](auto& w) { ++w.level().reserved; }},
    {"reserved_is_sum_of_holds", [](auto& w) { w.hold(w.pending).state = reservation_state::released; }},
    {"stock_is_sum_of_ledger", [](auto& w) { ++w.level().on_hand; }},
    {"stock_is_sum_of_ledger", [](auto& w) { w.rows.ledger[7].pop_back(); }},
    {"stock_within_bounds", [](auto& w) { w.level().reserved = 9; }},
    {"stock_within_bounds", [](auto& w) { w.level().reserved = -1; }},
    {"ledger_runs_on", [](auto& w) { std::swap(w.rows.ledger[7][1], w.rows.ledger[7][4]); }},
    {"sold_is_claimed", [](auto& w) { w.hold(w.paid).quantity = 1; }},
    {"acknowledged_order_exists", [](auto& w) { w.rows.orders.erase(w.pending.id); }},
    {"order_was_asked_for", [](auto& w) { w.row(w.pending).email = "nobody@example.com"; }},
    {"order_was_asked_for",
     [](auto& w) {
       w.seen.operations[1].acknowledged = false;
       w.seen.operations[1].refused = true;
     }},
    {"amounts_add_up", [](auto& w) { --w.rows.order_items.begin()->second.total; }},
    {"amounts_add_up", [](auto& w) { ++w.rows.order_items.begin()->second.tax; }},
    {"amounts_add_up", [](auto& w) { --w.row(w.pending).subtotal; }},
    {"amounts_add_up", [](auto& w) { ++w.row(w.pending).total; }},
    {"one_order_per_key",
     [](auto& w) {
       auto twin = w.seen.operations[0];
       twin.order_id = w.pending.id;
       w.seen.operations.push_back(twin);
     }},
    {"one_order_per_key",
     [](auto& w) {
       w.rows.idempotency_keys.at({w.store.id, w.paid.user_id, "key-" + w.paid.email}).order_id =
         w.pending.id;
     }},
    {"one_order_per_purchase", [](auto& w) { w.row(w.cancelled).email = w.pending.email; }},
    {"key_names_an_order", [](auto& w) { w.rows.idempotency_keys.begin()->second.order_id = new_id(7); }},
    {"numbers_without_gaps", [](auto& w) { w.row(w.cancelled).number = 1004; }},
    {"numbers_without_gaps", [](auto& w) { w.row(w.cancelled).number = 1002; }},
    {"numbers_without_gaps", [](auto& w) { ++w.rows.next_order_number.at(w.store.id); }},
    {"hold_belongs_to_order",
     [](auto& w) {
       w.rows.reservations.erase({w.pending.id, w.variant.id});
     }},
    {"hold_belongs_to_order", [](auto& w) { w.row(w.pending).status = order_status::cancelled; }},
    {"hold_belongs_to_order", [](auto& w) { w.hold(w.pending).quantity = 1; }},
    {"paid_is_claimed", [](auto& w) { w.hold(w.paid).state = reservation_state::held; }},
    {"never_paid_and_released", [](auto& w) { w.hold(w.paid).state = reservation_state::released; }},
    {"no_hold_overdue", [](auto& w) { w.seen.now = at(911); }},
    {"paid_once",
     [](auto& w) {
       auto again = w.rows.payments.at(w.payment.id);
       again.id = new_id(7);
       w.rows.payments.emplace(again.id, again);
     }},
    {"money_belongs_to_paid_order", [](auto& w) { w.row(w.paid).status = order_status::cancelled; }},
    {"money_belongs_to_paid_order", [](auto& w) { w.rows.orders.erase(w.paid.id); }},
    {"paid_order_has_money",
     [](auto& w) { w.rows.payments.at(w.payment.id).state = attempt_state::declined; }},
    {"paid_order_has_money", [](auto& w) { w.row(w.pending).status = order_status::paid; }},
    {"amount_is_total", [](auto& w) { --w.rows.payments.at(w.payment.id).amount; }},
    {"no_payment_under_way",
     [](auto& w) { w.rows.payments.at(w.payment.id).state = attempt_state::pending; }},
    {"seq_without_gaps", [](auto& w) { ++w.rows.shards[7].seq; }},
    {"seq_without_gaps", [](auto& w) { w.rows.history.erase(w.rows.history.begin() + 2); }},
    {"epochs_rise", [](auto& w) { w.rows.history[3].epoch = 0; }},
    {"no_commit_after_take_over",
     [](auto& w) {
       auto taken = w.rows.history[0];
       taken.epoch = 2;
       w.rows.history.insert(w.rows.history.end() - 1, taken);
     }},
    {"owned_where_it_lives", [](auto& w) { w.rows.shards[7].where = residence::quarantined; }},
    {"owned_where_it_lives", [](auto& w) { w.rows.shards[7].where = residence::elsewhere; }},
    {"outbox_follows_commits", [](auto& w) { w.rows.outbox[7].erase(w.rows.outbox[7].begin()); }},
    {"outbox_follows_commits", [](auto& w) { w.rows.outbox[7].back().seq += 1; }},
    {"delivered_in_order", [](auto& w) { std::swap(w.seen.deliveries[0], w.seen.deliveries[3]); }},
    {"delivered_all", [](auto& w) { w.seen.deliveries.pop_back(); }},
    {"delivered_only_committed",
     [](auto& w) {
       w.seen.deliveries.push_back({"mail", 7, 99, 0});
     }},
    {"row_in_its_shard",
     [](auto& w) {
       auto stray = w.rows.payments.at(w.payment.id);
       stray.id = new_id(8);
       w.rows.payments.emplace(stray.id, stray);
     }},
    {"row_in_its_store", [](auto& w) { w.rows.variants.at(w.variant.id).store_id = new_id(7); }},
    {"row_in_its_store", [](auto& w) { w.hold(w.pending).store_id = new_id(7); }},
  };
  auto i = GENERATE_REF(range(std::size_t{0}, damages.size()));
  good_world w;
  damages[i].inflict(w);
  auto broken = w.broken();
  CAPTURE(i, damages[i].invariant, broken);
  CHECK(broken.contains(damages[i].invariant));
}

TEST_CASE("an event delivered twice or parked is no violation, and unrest forgives what is under way",
          "[checker]") {
  good_world w;
  w.seen.deliveries.insert(w.seen.deliveries.begin() + 3, w.seen.deliveries[1]);
  CHECK(w.broken().empty());

  w.seen.deliveries.pop_back();
  w.rows.parked.push_back({"mail", w.rows.outbox[7].back(), "no such address"});
  CHECK(w.broken().empty());

  w.rows.parked.clear();
  w.seen.now = at(100'000);
  CHECK(w.broken() == std::set<std::string>{"delivered_all", "no_hold_overdue"});
  w.seen.at_rest = false;
  CHECK(w.broken().empty());
}

TEST_CASE("the report names violations and counts those it leaves out", "[checker]") {
  std::vector<checker::violation> many(5, {"paid_once", "order X: paid 2 times"});
  CHECK(checker::report(many, 2)
        == "paid_once: order X: paid 2 times\npaid_once: order X: paid 2 times\nand 3 more\n");
  CHECK(checker::report({}).empty());
}
