#pragma once

#include "storage/fixtures.hpp"

namespace souk::tests {

// Rows with everything that text, lists and figures may hold. Call them inside a RapidCheck property only.

/// UTF-8 without NUL (PostgreSQL keeps none): quotes, backslashes, braces, control characters, up to four
/// bytes a character.
std::string any_text();
std::int64_t any_money();      ///< 0 to beyond what 53 bits hold
std::int64_t any_int64();      ///< with its extremes
storage::timestamp any_time(); ///< to the microsecond, 1970 to 2200

storage::user_row any_user(storage::shard_id shard);
storage::session_row any_session(const storage::ulid& user);
storage::store_row any_store(storage::shard_id shard);
storage::product_row any_product(const storage::ulid& store);
storage::variant_row any_variant(const storage::product_row& product, std::int32_t position);
storage::cart_row any_cart(const storage::ulid& store);
storage::order_row any_order(const storage::ulid& store);
storage::order_item_row any_item(const storage::order_row& order, std::int32_t line);
storage::payment_row any_payment(const storage::order_row& order);
storage::review_row any_review(const storage::product_row& product);
storage::import_row any_import(const storage::ulid& store);
storage::emit_event any_event(storage::shard_id shard);

// An order's later life, and what goes out; arbitrary_life_rows.cpp.
storage::refund_row any_refund(const storage::payment_row& payment);
storage::order_life_row any_life(const storage::order_row& order); ///< of version 1
storage::discount_row any_discount(const storage::ulid& store);
storage::gift_card_row any_gift_card(const storage::ulid& store);
storage::webhook_row any_webhook(const storage::ulid& store);
storage::webhook_delivery_row any_delivery(const storage::webhook_row& webhook);
storage::mail_template_row any_template(const storage::ulid& store);
storage::mail_suppression_row any_suppression(const storage::ulid& store);
storage::mail_row any_mail(const storage::ulid& store);

} // namespace souk::tests
