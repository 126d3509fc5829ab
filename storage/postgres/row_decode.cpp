#include "storage/postgres/row_decode.hpp"

#include "storage/postgres/json_life.hpp"
#include "storage/postgres/json_text.hpp"

#include <algorithm>

namespace souk::storage::postgres {

namespace {

template <class E>
E enum_of(const result& r, int row, int column) {
  return static_cast<E>(r.int2(row, column));
}

timestamp time_or_epoch(const result& r, int row, int column) {
  return r.is_null(row, column) ? timestamp{} : r.time(row, column);
}

template <class T>
T nested(std::string_view text) {
  T out;
  from_json(text, out);
  return out;
}

} // namespace

user_row user_of(const result& r, int row) {
  user_row out;
  out.id = r.id(row, 0);
  out.kind = enum_of<user_kind>(r, row, 1);
  out.email = r.text(row, 2);
  out.name = r.text(row, 3);
  out.password_hash = r.text(row, 4);
  out.version = r.int8(row, 5);
  out.created_at = r.time(row, 6);
  return out;
}

session_row session_of(const result& r, int row) {
  session_row out;
  const auto hash = r.raw(row, 0);
  std::copy_n(hash.begin(), std::min(hash.size(), out.hash.size()), out.hash.begin());
  out.user_id = r.id(row, 1);
  out.kind = enum_of<session_kind>(r, row, 2);
  out.store_id = r.id(row, 3);
  out.label = r.text(row, 4);
  out.created_at = r.time(row, 5);
  out.expires_at = r.time(row, 6);
  return out;
}

store_row store_of(const result& r, int row) {
  store_row out;
  out.id = r.id(row, 0);
  out.owner_id = r.id(row, 1);
  out.name = r.text(row, 2);
  out.slug = r.text(row, 3);
  out.currency = r.text(row, 4);
  out.tax_rate_ppm = r.int4(row, 5);
  out.tax_inclusive = r.boolean(row, 6);
  from_json(r.jsonb(row, 7), out.shipping_zones);
  out.logo_url = r.text(row, 8);
  out.description = r.text(row, 9);
  out.status = enum_of<store_status>(r, row, 10);
  out.version = r.int8(row, 11);
  out.created_at = r.time(row, 12);
  out.updated_at = r.time(row, 13);
  from_json(r.jsonb(row, 14), out.settings);
  return out;
}

product_row product_of(const result& r, int row) {
  product_row out;
  out.id = r.id(row, 0);
  out.store_id = r.id(row, 1);
  out.handle = r.text(row, 2);
  out.title = r.text(row, 3);
  out.description = r.text(row, 4);
  out.vendor = r.text(row, 5);
  out.category = r.text(row, 6);
  out.product_type = r.text(row, 7);
  from_json(r.jsonb(row, 8), out.tags);
  out.status = enum_of<product_status>(r, row, 9);
  from_json(r.jsonb(row, 10), out.options);
  from_json(r.jsonb(row, 11), out.images);
  out.seo_title = r.text(row, 12);
  out.seo_description = r.text(row, 13);
  out.version = r.int8(row, 14);
  out.created_at = r.time(row, 15);
  out.updated_at = r.time(row, 16);
  return out;
}

variant_row variant_of(const result& r, int row, int first) {
  variant_row out;
  out.id = r.id(row, first);
  out.store_id = r.id(row, first + 1);
  out.product_id = r.id(row, first + 2);
  out.position = r.int4(row, first + 3);
  out.sku = r.text(row, first + 4);
  out.barcode = r.text(row, first + 5);
  from_json(r.jsonb(row, first + 6), out.option_values);
  out.price = r.int8(row, first + 7);
  out.compare_at = r.int8(row, first + 8);
  out.grams = r.int8(row, first + 9);
  from_json(r.json(row, first + 10), out.attributes);
  out.requires_shipping = r.boolean(row, first + 11);
  out.taxable = r.boolean(row, first + 12);
  out.removed = r.boolean(row, first + 13);
  out.image_url = r.text(row, first + 14);
  return out;
}

level_row level_of(const result& r, int row, int first) {
  return {r.id(row, first),       r.id(row, first + 1),      r.int8(row, first + 2),
          r.int8(row, first + 3), r.boolean(row, first + 4), r.int8(row, first + 5)};
}

reservation_row reservation_of(const result& r, int row) {
  return {r.id(row, 0), r.id(row, 1), r.id(row, 2), r.int8(row, 3), enum_of<reservation_state>(r, row, 4), r.time(row, 5)};
}

cart_row cart_of(const result& r, int row) {
  return {r.id(row, 0),   r.id(row, 1),   r.id(row, 2), nested<std::vector<cart_line>>(r.jsonb(row, 3)),
          r.int8(row, 4), r.time(row, 5), r.time(row, 6), time_or_epoch(r, row, 7)};
}

order_row order_of(const result& r, int row) {
  order_row out;
  out.id = r.id(row, 0);
  out.store_id = r.id(row, 1);
  out.user_id = r.id(row, 2);
  out.number = r.int8(row, 3);
  out.status = enum_of<order_status>(r, row, 4);
  out.payment = enum_of<payment_status>(r, row, 5);
  out.currency = r.text(row, 6);
  out.subtotal = r.int8(row, 7);
  out.shipping = r.int8(row, 8);
  out.tax = r.int8(row, 9);
  out.total = r.int8(row, 10);
  from_json(r.json(row, 11), out.address);
  out.shipping_method = r.text(row, 12);
  out.email = r.text(row, 13);
  out.note = r.text(row, 14);
  out.carrier = r.text(row, 15);
  out.tracking_number = r.text(row, 16);
  out.tracking_url = r.text(row, 17);
  out.version = r.int8(row, 18);
  out.created_at = r.time(row, 19);
  out.updated_at = r.time(row, 20);
  out.discount = r.int8(row, 21);
  out.gift_card = r.int8(row, 22);
  out.refunded = r.int8(row, 23);
  out.fulfilment = enum_of<fulfilment_status>(r, row, 24);
  out.language = r.text(row, 25);
  out.recovered = r.boolean(row, 26);
  from_json(r.json(row, 27), out.pricing);
  return out;
}

order_item_row item_of(const result& r, int row) {
  return {r.id(row, 0),   r.int4(row, 1), r.id(row, 2),   r.id(row, 3),   r.id(row, 4),    r.text(row, 5),
          r.text(row, 6), r.text(row, 7), r.int8(row, 8), r.int8(row, 9), r.int8(row, 10), r.int8(row, 11),
          r.int8(row, 12), r.int4(row, 13), r.int8(row, 14), r.boolean(row, 15)};
}

payment_row payment_of(const result& r, int row) {
  payment_row out;
  out.id = r.id(row, 0);
  out.order_id = r.id(row, 1);
  out.store_id = r.id(row, 2);
  out.provider = r.text(row, 3);
  out.method_token = r.text(row, 4);
  out.amount = r.int8(row, 5);
  out.currency = r.text(row, 6);
  out.state = enum_of<attempt_state>(r, row, 7);
  out.provider_reference = r.text(row, 8);
  out.error_code = r.text(row, 9);
  out.action_url = r.text(row, 10);
  out.created_at = r.time(row, 11);
  out.updated_at = r.time(row, 12);
  out.captured = r.int8(row, 13);
  out.refunded = r.int8(row, 14);
  return out;
}

refund_row refund_of(const result& r, int row) {
  refund_row out;
  out.id = r.id(row, 0);
  out.order_id = r.id(row, 1);
  out.store_id = r.id(row, 2);
  out.payment_id = r.id(row, 3);
  out.amount = r.int8(row, 4);
  out.currency = r.text(row, 5);
  out.state = enum_of<refund_state>(r, row, 6);
  from_json(r.jsonb(row, 7), out.lines);
  out.reason = r.text(row, 8);
  out.note = r.text(row, 9);
  out.provider_reference = r.text(row, 10);
  out.error_code = r.text(row, 11);
  out.by = r.id(row, 12);
  out.created_at = r.time(row, 13);
  out.updated_at = r.time(row, 14);
  return out;
}

order_life_row life_of(const result& r, int row) {
  order_life_row out;
  out.order_id = r.id(row, 0);
  out.store_id = r.id(row, 1);
  from_json(r.jsonb(row, 2), out.fulfilments);
  from_json(r.jsonb(row, 3), out.returns);
  from_json(r.jsonb(row, 4), out.timeline);
  from_json(r.jsonb(row, 5), out.heard);
  out.version = r.int8(row, 6);
  return out;
}

discount_row discount_of(const result& r, int row) {
  discount_row out;
  out.id = r.id(row, 0);
  out.store_id = r.id(row, 1);
  out.code = r.text(row, 2);
  out.active = r.boolean(row, 3);
  out.once_per_customer = r.boolean(row, 4);
  out.usage_limit = r.is_null(row, 5) ? -1 : r.int8(row, 5);
  out.used = r.int8(row, 6);
  from_json(r.jsonb(row, 7), out.rule);
  out.version = r.int8(row, 8);
  out.created_at = r.time(row, 9);
  out.updated_at = r.time(row, 10);
  return out;
}

gift_card_row gift_card_of(const result& r, int row) {
  gift_card_row out;
  out.id = r.id(row, 0);
  out.store_id = r.id(row, 1);
  out.code_hash = r.text(row, 2);
  out.last_characters = r.text(row, 3);
  out.currency = r.text(row, 4);
  out.initial = r.int8(row, 5);
  out.balance = r.int8(row, 6);
  out.active = r.boolean(row, 7);
  out.expires_at = time_or_epoch(r, row, 8);
  out.note = r.text(row, 9);
  out.version = r.int8(row, 10);
  out.created_at = r.time(row, 11);
  out.updated_at = r.time(row, 12);
  return out;
}

webhook_row webhook_of(const result& r, int row) {
  webhook_row out;
  out.id = r.id(row, 0);
  out.store_id = r.id(row, 1);
  out.address = r.text(row, 2);
  from_json(r.jsonb(row, 3), out.topics);
  out.sealed_secret = r.text(row, 4);
  out.state = enum_of<webhook_state>(r, row, 5);
  out.failing_since = time_or_epoch(r, row, 6);
  out.version = r.int8(row, 7);
  out.created_at = r.time(row, 8);
  out.updated_at = r.time(row, 9);
  return out;
}

webhook_delivery_row delivery_of(const result& r, int row) {
  webhook_delivery_row out;
  out.id = r.id(row, 0);
  out.webhook_id = r.id(row, 1);
  out.store_id = r.id(row, 2);
  out.event_id = r.text(row, 3);
  out.topic = r.text(row, 4);
  out.payload = r.text(row, 5);
  out.state = enum_of<delivery_state>(r, row, 6);
  out.attempts = r.int4(row, 7);
  out.next_at = r.time(row, 8);
  out.status = r.int4(row, 9);
  out.error = r.text(row, 10);
  out.took_ms = r.int8(row, 11);
  out.created_at = r.time(row, 12);
  out.updated_at = r.time(row, 13);
  return out;
}

mail_template_row template_of(const result& r, int row) {
  return {r.id(row, 0),   r.text(row, 1), r.text(row, 2), r.text(row, 3),
          r.text(row, 4), r.text(row, 5), r.time(row, 6)};
}

mail_suppression_row suppression_of(const result& r, int row) {
  return {r.id(row, 0), r.text(row, 1), enum_of<suppression_reason>(r, row, 2), r.time(row, 3)};
}

mail_row mail_of(const result& r, int row) {
  mail_row out;
  out.id = r.id(row, 0);
  out.store_id = r.id(row, 1);
  out.event_id = r.text(row, 2);
  out.name = r.text(row, 3);
  out.email = r.text(row, 4);
  out.subject_id = r.id(row, 5);
  out.state = enum_of<mail_state>(r, row, 6);
  out.provider_reference = r.text(row, 7);
  out.error = r.text(row, 8);
  out.at = r.time(row, 9);
  return out;
}

review_row review_of(const result& r, int row) {
  return {r.id(row, 0),   r.id(row, 1),   r.id(row, 2),      r.id(row, 3),   r.text(row, 4),
          r.int4(row, 5), r.text(row, 6), r.boolean(row, 7), r.int8(row, 8), r.time(row, 9)};
}

import_row import_of(const result& r, int row) {
  return {r.id(row, 0),   r.id(row, 1),   enum_of<import_status>(r, row, 2),
          r.int8(row, 3), r.int8(row, 4), nested<std::vector<import_error>>(r.jsonb(row, 5)),
          r.time(row, 6), r.time(row, 7)};
}

outbox_event event_of(const result& r, int row) {
  outbox_event out;
  out.shard = static_cast<shard_id>(r.int2(row, 0));
  out.seq = r.int8(row, 1);
  out.n = r.int4(row, 2);
  out.event.store_id = r.id(row, 3);
  out.event.topic = r.text(row, 4);
  out.event.subject = r.id(row, 5);
  from_json(r.json(row, 6), out.event.fields);
  out.event.at = r.time(row, 7);
  return out;
}

} // namespace souk::storage::postgres
