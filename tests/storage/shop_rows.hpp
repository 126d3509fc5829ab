#pragma once

#include "storage/fixtures.hpp"

namespace souk::tests {

// Plain, valid rows; a case changes what it is about.

storage::user_row new_user(storage::shard_id shard);
storage::session_row new_session(const storage::ulid& user);
storage::store_row new_store(storage::shard_id shard);
storage::product_row new_product(const storage::ulid& store);
storage::variant_row new_variant(const storage::product_row& product, std::int32_t position = 1);
storage::cart_row new_cart(const storage::ulid& store, const storage::ulid& user);
storage::order_row new_order(const storage::ulid& store, const storage::ulid& user);
storage::order_item_row item_of(const storage::order_row& order, const storage::variant_row& variant,
                                std::int64_t quantity);
storage::payment_row new_payment(const storage::order_row& order);
storage::review_row new_review(const storage::product_row& product, const storage::ulid& user);
storage::import_row new_import(const storage::ulid& store);
storage::token_hash new_hash();

/// A level without stock.
storage::insert_level level_of(const storage::variant_row& variant, bool backorder = false);
storage::move_stock moved(const storage::variant_row& variant, std::int64_t on_hand, std::int64_t reserved,
                          const std::string& reason);
storage::insert_reservation reserved(const storage::order_row& order, const storage::variant_row& variant,
                                     std::int64_t quantity);
storage::set_reservations all_reservations(const storage::order_row& order, storage::reservation_state state,
                                           storage::timestamp deadline = at());
storage::insert_idempotency_key key_of(const storage::order_row& order, const std::string& key);
storage::emit_event event_about(const storage::ulid& subject, const std::string& topic);

/// A store with one product of one variant, in a shard of its own.
struct shop {
  explicit shop(store_under_test& db, std::int64_t stock = 10);

  owned_shard shard;
  storage::store_row store;
  storage::product_row product;
  storage::variant_row variant;

  storage::level_row level() const;
  /// The mutations of a whole checkout: order, item, reservation, stock and event.
  storage::write_set checkout(const storage::order_row& order, std::int64_t quantity) const;
};

} // namespace souk::tests
