#pragma once

#include "storage/entity_reader.hpp"
#include "storage/postgres/connection.hpp"

// Rows as the readers select them. Each `…_columns` is the select list that the function of the same name reads, from column
// `first` on; the table must be named by the alias in front of the dots.
namespace souk::storage::postgres {

inline constexpr const char* user_columns = "u.id, u.kind, u.email, u.name, u.password_hash, u.version, u.created_at";
user_row user_of(const result& r, int row);

inline constexpr const char* session_columns = "s.hash, s.user_id, s.kind, s.store_id, s.label, s.created_at, s.expires_at";
session_row session_of(const result& r, int row);

inline constexpr const char* store_columns
  = "s.id, s.owner_id, s.name, s.slug, s.currency, s.tax_rate_ppm, s.tax_inclusive, s.shipping_zones, s.logo_url, s.description, "
    "s.status, s.version, s.created_at, s.updated_at, s.settings";
store_row store_of(const result& r, int row);

inline constexpr const char* product_columns
  = "p.id, p.store_id, p.handle, p.title, p.description, p.vendor, p.category, p.product_type, p.tags, p.status, p.options, "
    "p.images, p.seo_title, p.seo_description, p.version, p.created_at, p.updated_at";
inline constexpr int product_width = 17;
product_row product_of(const result& r, int row);

inline constexpr const char* variant_columns
  = "v.id, v.store_id, v.product_id, v.position, v.sku, v.barcode, v.option_values, v.price, v.compare_at, v.grams, v.attributes, "
    "v.requires_shipping, v.taxable, v.removed, v.image_url";
inline constexpr int variant_width = 15;
variant_row variant_of(const result& r, int row, int first = 0);

inline constexpr const char* level_columns
  = "l.variant_id, l.store_id, l.on_hand, l.reserved, l.backorder, l.low_stock_threshold";
inline constexpr int level_width = 6;
level_row level_of(const result& r, int row, int first = 0);

inline constexpr const char* reservation_columns = "r.order_id, r.variant_id, r.store_id, r.quantity, r.state, r.deadline";
reservation_row reservation_of(const result& r, int row);

inline constexpr const char* cart_columns = "c.id, c.store_id, c.user_id, c.lines, c.version, c.updated_at, c.expires_at, c.reminded_at";
cart_row cart_of(const result& r, int row);

inline constexpr const char* order_columns
  = "o.id, o.store_id, o.user_id, o.number, o.status, o.payment, o.currency, o.subtotal, o.shipping, o.tax, o.total, o.address, "
    "o.shipping_method, o.email, o.note, o.carrier, o.tracking_number, o.tracking_url, o.version, o.created_at, o.updated_at, "
    "o.discount, o.gift_card, o.refunded, o.fulfilment, o.language, o.recovered, o.pricing";
order_row order_of(const result& r, int row);

inline constexpr const char* item_columns
  = "i.order_id, i.line, i.store_id, i.product_id, i.variant_id, i.sku, i.title, i.variant_title, i.quantity, i.unit_price, i.tax, "
    "i.total, i.discount, i.tax_rate_ppm, i.grams, i.requires_shipping";
order_item_row item_of(const result& r, int row);

inline constexpr const char* payment_columns
  = "p.id, p.order_id, p.store_id, p.provider, p.method_token, p.amount, p.currency, p.state, p.provider_reference, p.error_code, "
    "p.action_url, p.created_at, p.updated_at, p.captured, p.refunded";
payment_row payment_of(const result& r, int row);

inline constexpr const char* review_columns
  = "r.id, r.product_id, r.store_id, r.user_id, r.author, r.rating, r.comment, r.verified, r.helpful, r.created_at";
review_row review_of(const result& r, int row);

inline constexpr const char* import_columns
  = "i.id, i.store_id, i.status, i.products, i.variants, i.errors, i.created_at, i.updated_at";
import_row import_of(const result& r, int row);

inline constexpr const char* refund_columns
  = "r.id, r.order_id, r.store_id, r.payment_id, r.amount, r.currency, r.state, r.lines, r.reason, r.note, r.provider_reference, "
    "r.error_code, r.by_user, r.created_at, r.updated_at";
refund_row refund_of(const result& r, int row);

inline constexpr const char* life_columns = "l.order_id, l.store_id, l.fulfilments, l.returns, l.timeline, l.heard, l.version";
order_life_row life_of(const result& r, int row);

inline constexpr const char* discount_columns
  = "d.id, d.store_id, d.code, d.active, d.once_per_customer, d.usage_limit, d.used, d.rule, d.version, d.created_at, d.updated_at";
discount_row discount_of(const result& r, int row);

inline constexpr const char* gift_card_columns
  = "g.id, g.store_id, g.code_hash, g.last_characters, g.currency, g.initial, g.balance, g.active, g.expires_at, g.note, "
    "g.version, g.created_at, g.updated_at";
gift_card_row gift_card_of(const result& r, int row);

inline constexpr const char* webhook_columns
  = "w.id, w.store_id, w.address, w.topics, w.sealed_secret, w.state, w.failing_since, w.version, w.created_at, w.updated_at";
webhook_row webhook_of(const result& r, int row);

inline constexpr const char* delivery_columns
  = "d.id, d.webhook_id, d.store_id, d.event_id, d.topic, d.payload, d.state, d.attempts, d.next_at, d.status, d.error, d.took_ms, "
    "d.created_at, d.updated_at";
webhook_delivery_row delivery_of(const result& r, int row);

inline constexpr const char* template_columns = "t.store_id, t.name, t.language, t.subject, t.html, t.text, t.updated_at";
mail_template_row template_of(const result& r, int row);

inline constexpr const char* suppression_columns = "s.store_id, s.email, s.reason, s.at";
mail_suppression_row suppression_of(const result& r, int row);

inline constexpr const char* mail_columns
  = "m.id, m.store_id, m.event_id, m.name, m.email, m.subject_id, m.state, m.provider_reference, m.error, m.at";
mail_row mail_of(const result& r, int row);

inline constexpr const char* event_columns = "e.shard, e.seq, e.n, e.store_id, e.topic, e.subject, e.payload, e.at";
outbox_event event_of(const result& r, int row);

/// A statement whose SQL is put together from the lists above; made once, lives for ever.
class composed_statement : public statement {
public:
  composed_statement(const char* statement_name, std::string text) : statement{statement_name, nullptr}, text_(std::move(text)) {
    sql = text_.c_str();
  }
  composed_statement(const composed_statement&) = delete;
  composed_statement& operator=(const composed_statement&) = delete;

private:
  std::string text_;
};

} // namespace souk::storage::postgres
