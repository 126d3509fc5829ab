#pragma once

#include "storage/postgres/connection.hpp"

// The statements of the journal: each takes all rows of its kind in a batch as arrays. Those that must find rows count them
// (souk_expect), so that a stale version, a missing row or another store's row fails the transaction.
namespace souk::storage::postgres::writes {

extern const statement fence, retake;
extern const statement insert_users, update_users, insert_sessions, delete_sessions;
extern const statement put_user_carts, delete_user_carts, put_user_orders;
extern const statement insert_stores, insert_counters, update_stores;
extern const statement insert_products, park_handles, update_products, blank_skus, put_variants, insert_levels;
extern const statement move_stock, move_stock_and_policy, insert_history;
extern const statement insert_carts, update_carts, delete_carts;
extern const statement draw_numbers, insert_orders, insert_items, update_orders;
extern const statement insert_reservations, replace_reservations, set_reservations;
extern const statement insert_payments, update_payments, insert_keys;
extern const statement insert_reviews, add_ratings, insert_votes, add_helpful;
extern const statement insert_imports, update_imports, insert_outbox;
extern const statement insert_refunds, update_refunds, insert_lives, update_lives;
extern const statement insert_discounts, update_discounts, insert_uses, give_uses_back;
extern const statement insert_gift_cards, update_gift_cards, move_gift_cards, insert_gift_card_history;
extern const statement insert_webhooks, update_webhooks, delete_webhooks, insert_deliveries, update_deliveries;
extern const statement put_templates, delete_templates, put_suppressions, delete_suppressions, put_mails;

} // namespace souk::storage::postgres::writes
