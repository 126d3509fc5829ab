#include "storage/arbitrary_parts.hpp"

#include <algorithm>

namespace souk::tests {

using namespace storage;

discount_rule any_rule() {
  discount_rule x;
  x.kind = one_of({discount_kind::percent, discount_kind::fixed, discount_kind::free_shipping, discount_kind::buy_x_get_y});
  x.title = any_text();
  x.percent_ppm = any_ppm();
  x.amount = any_money();
  x.products = some(3, [] { return new_id(7); });
  x.gives = some(3, [] { return new_id(7); });
  x.buy_quantity = any_money();
  x.get_quantity = any_money();
  x.minimum_subtotal = any_money();
  x.minimum_quantity = any_money();
  x.combines = coin();
  x.starts_at = maybe_time();
  x.ends_at = maybe_time();
  return x;
}

store_settings any_settings() {
  store_settings x;
  x.language = any_text();
  x.tax_zones = some(3, [] { return tax_zone{any_text(), some(3, any_text), any_ppm(), coin()}; });
  x.shipping_taxed = coin();
  x.discounts = some(2, [] { return automatic_discount{new_id(7), coin(), any_rule()}; });
  x.payments = some(3, [] { return payment_account{any_text(), coin(), coin(), any_text(), any_text()}; });
  x.carriers = some(2, [] { return carrier_account{any_text(), coin(), any_text(), any_text(), any_text()}; });
  x.manual_payments = coin();
  x.mail = {any_text(), any_text(), any_text(), some(3, any_text)};
  return x;
}

order_pricing any_pricing() {
  order_pricing x;
  x.discounts = some(3, [] { return given_discount{any_text(), any_text(), any_money(), any_money()}; });
  x.taxes = some(3, [] { return tax_line{any_text(), any_ppm(), any_money()}; });
  x.shipping_before = coin() ? 0 : any_money();
  x.shipping_tax = coin() ? 0 : any_money();
  x.tax_inclusive = coin();
  return x;
}

refund_row any_refund(const payment_row& payment) {
  refund_row x;
  x.id = new_id_beside(payment.id);
  x.order_id = payment.order_id;
  x.store_id = payment.store_id;
  x.payment_id = payment.id;
  x.amount = 1 + any_money();
  x.currency = one_of<std::string>({"EUR", "JPY", "KWD"});
  x.state = one_of({refund_state::started, refund_state::pending, refund_state::succeeded, refund_state::failed});
  x.lines = some(3, [] { return refund_line{*rc::gen::inRange(1, 100), any_money(), any_money(), coin()}; });
  x.reason = any_text();
  x.note = any_text();
  x.provider_reference = any_text();
  x.error_code = any_text();
  x.by = maybe_id();
  x.created_at = any_time();
  x.updated_at = any_time();
  return x;
}

order_life_row any_life(const order_row& order) {
  order_life_row x;
  x.order_id = order.id;
  x.store_id = order.store_id;
  x.version = 1;
  x.fulfilments = some(3, [&] {
    fulfilment f;
    f.id = new_id_beside(order.id);
    f.state = one_of({fulfilment_state::open, fulfilment_state::shipped, fulfilment_state::delivered, fulfilment_state::cancelled});
    f.lines = some(3, [] { return parcel_line{*rc::gen::inRange(1, 100), any_money()}; });
    f.carrier = any_text();
    f.tracking_number = any_text();
    f.tracking_url = any_text();
    f.source = any_text();
    f.external_id = any_text();
    f.created_at = any_time();
    f.shipped_at = maybe_time();
    f.delivered_at = maybe_time();
    return f;
  });
  x.returns = some(3, [&] {
    order_return r;
    r.id = new_id_beside(order.id);
    r.state = one_of({return_state::requested, return_state::approved, return_state::declined, return_state::received,
                      return_state::closed, return_state::cancelled});
    r.lines = some(3, [] { return return_line{*rc::gen::inRange(1, 100), any_money(), any_text(), any_money(), any_money()}; });
    r.exchange = coin();
    r.note = any_text();
    r.refund_id = maybe_id();
    r.exchange_order_id = maybe_id();
    r.created_at = any_time();
    r.updated_at = any_time();
    return r;
  });
  x.timeline = some(5, [] { return timeline_entry{any_time(), any_text(), any_text(), maybe_id(), any_text()}; });
  x.heard = some(5, [] { return heard_event{any_text(), any_text(), any_time()}; });
  return x;
}

discount_row any_discount(const ulid& store) {
  discount_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.code = "CODE-" + x.id.str();
  x.active = coin();
  x.once_per_customer = coin();
  x.usage_limit = coin() ? -1 : any_money();
  x.rule = any_rule();
  x.created_at = any_time();
  x.updated_at = any_time();
  return x;
}

gift_card_row any_gift_card(const ulid& store) {
  gift_card_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.code_hash = any_text() + x.id.str();
  x.last_characters = any_text();
  x.currency = one_of<std::string>({"EUR", "JPY", "KWD"});
  x.initial = x.balance = 1 + any_money();
  x.active = coin();
  x.expires_at = maybe_time();
  x.note = any_text();
  x.created_at = any_time();
  x.updated_at = any_time();
  return x;
}

webhook_row any_webhook(const ulid& store) {
  webhook_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.address = any_text();
  x.topics = some(4, any_text);
  x.sealed_secret = any_text();
  x.state = one_of({webhook_state::active, webhook_state::paused, webhook_state::failing_too_long});
  x.failing_since = maybe_time();
  x.created_at = any_time();
  x.updated_at = any_time();
  return x;
}

webhook_delivery_row any_delivery(const webhook_row& webhook) {
  webhook_delivery_row x;
  x.id = new_id_beside(webhook.id);
  x.webhook_id = webhook.id;
  x.store_id = webhook.store_id;
  x.event_id = any_text();
  x.topic = any_text();
  x.payload = any_text();
  x.state = one_of({delivery_state::waiting, delivery_state::delivered, delivery_state::failed});
  x.attempts = *rc::gen::inRange(0, 1000);
  x.next_at = any_time();
  x.status = *rc::gen::inRange(0, 600);
  x.error = any_text();
  x.took_ms = any_int64();
  x.created_at = any_time();
  x.updated_at = any_time();
  return x;
}

mail_template_row any_template(const ulid& store) {
  return {store, any_text() + new_id(0).str(), any_text(), any_text(), any_text(), any_text(), any_time()};
}

mail_suppression_row any_suppression(const ulid& store) {
  return {store, any_text() + new_id(0).str(),
          one_of({suppression_reason::unsubscribed, suppression_reason::bounced, suppression_reason::complained}), any_time()};
}

mail_row any_mail(const ulid& store) {
  mail_row x;
  x.id = new_id_beside(store);
  x.store_id = store;
  x.event_id = any_text();
  x.name = any_text();
  x.email = any_text();
  x.subject_id = new_id(*rc::gen::arbitrary<std::uint8_t>());
  x.state = one_of({mail_state::sent, mail_state::suppressed, mail_state::refused, mail_state::bounced});
  x.provider_reference = any_text();
  x.error = any_text();
  x.at = any_time();
  return x;
}

} // namespace souk::tests
