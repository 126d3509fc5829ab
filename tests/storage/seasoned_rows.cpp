#include "storage/seasoned_rows.hpp"

namespace souk::tests {

using namespace storage;

seasoned_rows::seasoned_rows(shard_id shard, timestamp later)
  : store(new_store(shard)), product(new_product(store.id)), variant(new_variant(product)), sold(new_order(store.id, new_id(1))),
    cancelled(new_order(store.id, new_id(1))), promised(new_order(store.id, new_id(1))), discount(new_discount(store.id, "TEA10")),
    card(new_gift_card(store.id, 5000)), webhook(new_webhook(store.id)), delivery(new_delivery(webhook)), mail(new_mail(store.id)),
    later_(later) {
  for (auto* order : {&sold, &cancelled, &promised}) {
    order->subtotal = item_of(*order, variant, 2).total;
    order->total = order->subtotal + order->shipping + order->tax;
  }
  sold.gift_card = 1000;
  paid = new_payment(sold);
  paid.amount = sold.total - sold.gift_card;
  with_card = new_payment(sold);
  with_card.provider = "gift_card";
  with_card.method_token = card.id.str();
  with_card.amount = with_card.captured = sold.gift_card;
  with_card.state = attempt_state::authorized;
  authorized = new_payment(promised);
  authorized.state = attempt_state::authorized;

  first = new_refund(paid, 500);
  first.lines = {{1, 1, 500, true}};
  second = new_refund(with_card, 100);
  first.state = second.state = refund_state::succeeded;
  life = new_life(sold);
  life.fulfilments = {new_parcel(sold, 2)};
  life.returns = {new_return(sold, 1, return_state::closed)};
  life.returns[0].refund_id = second.id;
  life.heard = {{"stripe", "evt_1", at()}, {"stripe", "evt_2", at()}, {"paypal", "evt_1", at()}};
  delivery.next_at = later;
}

write_set seasoned_rows::placed(const order_row& order, std::vector<mutation> with) const {
  auto hold = reserved(order, variant, 2);
  hold.row.deadline = later_;
  auto ws = in_shard(store.id.shard(), insert_order{order, {item_of(order, variant, 2)}}, hold, moved(variant, 0, 2, "reserved"));
  for (auto& m : with)
    ws.mutations.push_back(std::move(m));
  return ws;
}

write_set seasoned_rows::after_the_sale() const {
  auto order = sold;
  order.status = order_status::shipped;
  order.payment = payment_status::partially_refunded;
  order.fulfilment = fulfilment_status::fulfilled;
  order.refunded = first.amount + second.amount;
  auto card_payment = paid, gift_payment = with_card;
  card_payment.state = gift_payment.state = attempt_state::succeeded;
  card_payment.captured = card_payment.amount;
  card_payment.refunded = first.amount;
  gift_payment.refunded = second.amount;
  auto to_card = put_back(card, second.amount, sold.id);
  to_card.entry.reason = "refunded";
  return in_shard(store.id.shard(), update_order{order, 1}, update_payment{card_payment}, update_payment{gift_payment},
                  insert_refund{first}, insert_refund{second}, put_order_life{life, 0}, to_card);
}

std::vector<write_set> seasoned_rows::history() const {
  const auto shard = store.id.shard();
  auto given_up = cancelled;
  given_up.status = order_status::cancelled;
  const auto use = use_of(discount, cancelled.id);
  return {in_shard(shard, insert_store{store}, insert_product{product}, put_variant{variant}, level_of(variant),
                   moved(variant, 20, 0, "initial"), put_discount{discount, 0}, put_gift_card{card, 0}, put_webhook{webhook, 0}),
          placed(sold, {insert_payment{paid}, insert_payment{with_card}, spent(card, sold.gift_card, sold.id),
                        use_of(discount, sold.id)}),
          in_shard(shard, all_reservations(sold, reservation_state::claimed), moved(variant, -2, -2, "sold")),
          after_the_sale(),
          in_shard(shard, moved(variant, 1, 0, "returned")),
          placed(cancelled, {use}),
          in_shard(shard, update_order{given_up, 1}, given_back(use), all_reservations(cancelled, reservation_state::released),
                   moved(variant, 0, -2, "released")),
          placed(promised, {insert_payment{authorized}}),
          in_shard(shard, all_reservations(promised, reservation_state::pinned)),
          in_shard(shard, put_webhook_delivery{delivery, true}, put_mail{mail},
                   put_suppression{{store.id, "bob@example.com", suppression_reason::bounced, at()}})};
}

} // namespace souk::tests
