#include "storage/life_rows.hpp"

namespace souk::tests {

using namespace storage;

refund_row new_refund(const payment_row& payment, std::int64_t amount) {
  refund_row x;
  x.id = new_id_beside(payment.id);
  x.order_id = payment.order_id;
  x.store_id = payment.store_id;
  x.payment_id = payment.id;
  x.amount = amount;
  x.currency = payment.currency;
  x.reason = "requested_by_customer";
  x.created_at = at();
  x.updated_at = at();
  return x;
}

order_life_row new_life(const order_row& order) {
  order_life_row x;
  x.order_id = order.id;
  x.store_id = order.store_id;
  return x;
}

fulfilment new_parcel(const order_row& order, std::int64_t pieces, std::int32_t line) {
  fulfilment x;
  x.id = new_id_beside(order.id);
  x.state = fulfilment_state::shipped;
  x.lines = {{line, pieces}};
  x.carrier = "Post";
  x.source = "manual";
  x.created_at = at();
  x.shipped_at = at();
  return x;
}

order_return new_return(const order_row& order, std::int64_t pieces, return_state state) {
  order_return x;
  x.id = new_id_beside(order.id);
  x.state = state;
  x.lines = {{1, pieces, "too_small", 0, 0}};
  if (state == return_state::received || state == return_state::closed)
    x.lines[0].received = pieces;
  x.created_at = at();
  x.updated_at = at();
  return x;
}

discount_row new_discount(const ulid& store, const std::string& code, std::int64_t limit) {
  discount_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.code = code;
  x.usage_limit = limit;
  x.rule.title = "A tenth off";
  x.rule.percent_ppm = 100'000;
  x.created_at = at();
  x.updated_at = at();
  return x;
}

put_discount_use use_of(const discount_row& discount, const ulid& order, const std::string& customer, bool once) {
  return {{discount.store_id, discount.code, order, customer, false, at()}, once};
}

put_discount_use given_back(const put_discount_use& use) {
  auto out = use;
  out.row.given_back = true;
  out.once = false;
  return out;
}

gift_card_row new_gift_card(const ulid& store, std::int64_t worth) {
  gift_card_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.code_hash = "hash of " + x.id.str();
  x.last_characters = "7K2P";
  x.currency = "EUR";
  x.initial = x.balance = worth;
  x.created_at = at();
  x.updated_at = at();
  return x;
}

move_gift_card spent(const gift_card_row& card, std::int64_t amount, const ulid& order) {
  return {{card.id, card.store_id, order, -amount, "spent", at()}};
}

move_gift_card put_back(const gift_card_row& card, std::int64_t amount, const ulid& order) {
  return {{card.id, card.store_id, order, amount, "given_back", at()}};
}

webhook_row new_webhook(const ulid& store) {
  webhook_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.address = "https://example.com/hooks";
  x.topics = {"*"};
  x.sealed_secret = "sealed";
  x.created_at = at();
  x.updated_at = at();
  return x;
}

webhook_delivery_row new_delivery(const webhook_row& webhook, const std::string& event) {
  webhook_delivery_row x;
  x.id = new_id_beside(webhook.id);
  x.webhook_id = webhook.id;
  x.store_id = webhook.store_id;
  x.event_id = event;
  x.topic = "orders/paid";
  x.payload = "{}";
  x.next_at = at();
  x.created_at = at();
  x.updated_at = at();
  return x;
}

mail_row new_mail(const ulid& store) {
  mail_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.event_id = "7-1-0";
  x.name = "order_confirmed";
  x.email = "ada@example.com";
  x.subject_id = new_id_beside(store);
  x.provider_reference = "<1@example.com>";
  x.at = at();
  return x;
}

} // namespace souk::tests
