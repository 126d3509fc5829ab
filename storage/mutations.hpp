#pragma once

#include "storage/rows/cart.hpp"
#include "storage/rows/catalog.hpp"
#include "storage/rows/discount.hpp"
#include "storage/rows/import.hpp"
#include "storage/rows/inventory.hpp"
#include "storage/rows/order.hpp"
#include "storage/rows/order_life.hpp"
#include "storage/rows/outgoing.hpp"
#include "storage/rows/review.hpp"
#include "storage/rows/store.hpp"
#include "storage/rows/user.hpp"

#include <utility>
#include <variant>
#include <vector>

namespace souk::storage {

// Every way in which a command changes rows. `expected_version` is the version the row must have (its new version is one
// more); anything else fails the write set, because a fenced single writer can only be wrong about it through a bug.

struct insert_user { user_row row; };
struct update_user { user_row row; std::int64_t expected_version; };
struct insert_session { session_row row; };
struct delete_session { token_hash hash; ulid user_id; };
struct put_user_cart { user_cart_row row; };   ///< insert or move touched_at forward
struct delete_user_cart { ulid user_id, store_id; };
struct put_user_order { user_order_row row; }; ///< insert; again is nothing (delivered at least once)

struct insert_store { store_row row; }; ///< also starts its order numbers at 1001
struct update_store { store_row row; std::int64_t expected_version; };

struct insert_product { product_row row; };
struct update_product { product_row row; std::int64_t expected_version; };
struct put_variant { variant_row row; };  ///< insert or replace; a SKU of another variant of the store refuses the write set
struct insert_level { level_row row; };   ///< on_hand and reserved must be 0: stock arrives by move_stock
struct set_level_policy { ulid variant_id, store_id; bool backorder; std::int64_t low_stock_threshold; };

/// The only way stock changes: a delta and its line in the ledger. Deltas commute, so they are summed per variant over a
/// batch; the CHECK on the level refuses an oversell whatever the actors believed.
struct move_stock {
  ulid variant_id;
  ulid store_id;
  std::int64_t on_hand_delta = 0;
  std::int64_t reserved_delta = 0;
  std::string reason; ///< see ledger_entry
  ulid order_id;
  ulid by;
  std::string note;
  timestamp at{};
};

struct insert_cart { cart_row row; };
struct update_cart { cart_row row; std::int64_t expected_version; };
struct delete_cart { ulid id, store_id; };

/// Also draws the order's number: see write_result::drawn_number.
struct insert_order { order_row row; std::vector<order_item_row> items; };
/// Rewrites status, payment, note, carrier, tracking, refunded, fulfilment and updated_at; nothing else of an order changes after
/// it is placed.
struct update_order { order_row row; std::int64_t expected_version; };
/// A released one may be made again (money that came late); any other that is there refuses the write set (`exists`).
struct insert_reservation { reservation_row row; };
/// Moves all *open* (held or pinned) reservations of an order; a held one gets the deadline.
struct set_reservations { ulid order_id, store_id; reservation_state state; timestamp deadline; };
struct insert_payment { payment_row row; };
struct update_payment { payment_row row; }; ///< state, reference, error, action_url, captured, refunded, updated_at
struct insert_refund { refund_row row; };
struct update_refund { refund_row row; }; ///< state, reference, error, updated_at
/// Inserts (expected_version 0) or replaces.
struct put_order_life { order_life_row row; std::int64_t expected_version; };

/// The checkout's idempotency row, kept a day. A key that exists refuses the write set (`key_used`).
struct insert_idempotency_key {
  ulid store_id;
  ulid caller;
  std::string key;
  std::array<std::uint8_t, 32> body_hash; ///< SHA-256 of the request body
  ulid order_id;
  timestamp at{};
};

/// Inserts (expected_version 0; a code that is there refuses, `exists`) or replaces everything but `used`.
struct put_discount { discount_row row; std::int64_t expected_version; };
/// An order uses a code, or (`given_back`) no longer does. Counts `used`, which the CHECK keeps within the limit. `once`: a second
/// order of the customer refuses the write set (`already_used`). The same order again is nothing.
struct put_discount_use { discount_use_row row; bool once; };
/// Inserts (expected_version 0; a code that is there refuses, `exists`) or replaces active, expires_at, note and updated_at.
struct put_gift_card { gift_card_row row; std::int64_t expected_version; };
/// The only way a balance changes: a delta and its line in the card's history. Summed over a batch, checked to stay within
/// 0 and initial.
struct move_gift_card { gift_card_entry entry; };

/// Inserts (expected_version 0) or replaces.
struct put_webhook { webhook_row row; std::int64_t expected_version; };
struct delete_webhook { ulid id, store_id; };            ///< with its deliveries
struct put_webhook_delivery { webhook_delivery_row row; bool fresh; }; ///< fresh: insert, again is nothing; else replaces
struct put_mail_template { mail_template_row row; };     ///< insert or replace
struct delete_mail_template { ulid store_id; std::string name, language; };
struct put_suppression { mail_suppression_row row; };    ///< insert or replace
struct delete_suppression { ulid store_id; std::string email; };
struct put_mail { mail_row row; };                       ///< insert or replace

struct insert_review { review_row row; };       ///< a second one of the user for the product refuses (`already_reviewed`)
struct insert_review_vote { ulid review_id, product_id, store_id, user_id; }; ///< again refuses (`already_voted`)

struct insert_import { import_row row; };
struct update_import { import_row row; };

/// An event for the outbox. Its key (shard, seq, n) is given by the commit: seq is the shard's, n counts within the batch.
struct emit_event {
  ulid store_id;   ///< nil for a user's events
  std::string topic; ///< "order.created", "inventory.low_stock", …
  ulid subject;    ///< what it is about; also decides the shard
  std::vector<std::pair<std::string, std::string>> fields; ///< becomes the JSON payload, all strings
  timestamp at{};
};

using mutation =
  std::variant<insert_user, update_user, insert_session, delete_session, put_user_cart, delete_user_cart, put_user_order,
               insert_store, update_store, insert_product, update_product, put_variant, insert_level, set_level_policy,
               move_stock, insert_cart, update_cart, delete_cart, insert_order, update_order, insert_reservation,
               set_reservations, insert_payment, update_payment, insert_idempotency_key, insert_review, insert_review_vote,
               insert_import, update_import, emit_event, insert_refund, update_refund, put_order_life, put_discount,
               put_discount_use, put_gift_card, move_gift_card, put_webhook, delete_webhook, put_webhook_delivery,
               put_mail_template, delete_mail_template, put_suppression, delete_suppression, put_mail>;

/// The rows one command writes: all of them or none. Everything in it lives in one shard.
struct write_set {
  shard_id shard = 0;
  std::vector<mutation> mutations;
};

} // namespace souk::storage
