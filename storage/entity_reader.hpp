#pragma once

#include "storage/mutations.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::storage {

struct user_snapshot {
  user_row user;
  std::vector<session_row> sessions; ///< those that have not expired
  std::vector<user_cart_row> carts;
};

struct product_snapshot {
  product_row product;
  std::vector<variant_row> variants; ///< by position, removed ones included
  std::vector<level_row> levels;     ///< of the same variants
};

/// All an inventory actor knows of its variant.
struct stock_snapshot {
  level_row level;
  variant_row variant;
  std::string product_title;
  product_status product = product_status::draft;
  std::vector<reservation_row> open; ///< held and pinned ones
};

struct order_snapshot {
  order_row order;
  std::vector<order_item_row> items;
  std::vector<reservation_row> reservations; ///< in every state
  std::vector<payment_row> payments;         ///< oldest first; gift cards are made with the attempt
  std::vector<refund_row> refunds;           ///< oldest first
  order_life_row life;                       ///< version 0: there is none yet
};

/// What a shard must resume after its node died.
struct open_order {
  ulid order_id;
  bool payment_in_flight = false; ///< an attempt or a refund that is neither final nor held: ask the order now
  timestamp deadline{};
};

struct idempotency_row {
  std::array<std::uint8_t, 32> body_hash{};
  ulid order_id;
  timestamp at{};
};

/// A store's webhooks and the deliveries that wait, oldest first.
struct webhooks_snapshot {
  std::vector<webhook_row> webhooks;
  std::vector<webhook_delivery_row> waiting;
};

/// One event of the outbox, with the key that orders it.
struct outbox_event {
  shard_id shard = 0;
  std::int64_t seq = 0;
  std::int32_t n = 0;
  emit_event event;
};

/// Loads what an actor starts from. One instance per reader thread; calls block within a time limit, throw
/// storage::unavailable or storage::storage_error, and see everything committed before they were called.
class entity_reader {
public:
  virtual ~entity_reader() = default;

  virtual std::optional<user_snapshot> load_user(const ulid& user) = 0;
  virtual std::optional<store_row> load_store(const ulid& store) = 0;
  virtual std::optional<product_snapshot> load_product(const ulid& product) = 0;
  /// For imports: the product of that handle.
  virtual std::optional<product_snapshot> load_product_by_handle(const ulid& store, const std::string& handle) = 0;
  virtual std::optional<stock_snapshot> load_stock(const ulid& variant) = 0;
  virtual std::optional<cart_row> load_cart(const ulid& store, const ulid& user) = 0;
  virtual std::optional<order_snapshot> load_order(const ulid& order) = 0;
  virtual std::optional<idempotency_row> load_idempotency(const ulid& store, const ulid& caller, const std::string& key) = 0;
  virtual std::optional<review_row> load_review(const ulid& review) = 0;
  virtual std::optional<import_row> load_import(const ulid& import) = 0;
  /// Whether the user has a paid order that holds the product.
  virtual bool has_bought(const ulid& store, const ulid& user, const ulid& product) = 0;

  virtual std::vector<open_order> open_orders(shard_id shard) = 0;
  /// Carts of the shard that expired before `now`, at most `limit`.
  virtual std::vector<cart_row> expired_carts(shard_id shard, timestamp now, int limit) = 0;
  /// Carts of the shard that hold something, were last changed in [from, to) and whose shopper was not reminded since; oldest first.
  /// @param life how long after its last change a cart expires
  virtual std::vector<cart_row> abandoned_carts(shard_id shard, timestamp from, timestamp to, std::chrono::seconds life,
                                                int limit) = 0;

  virtual std::optional<discount_row> load_discount(const ulid& store, const std::string& code) = 0;
  /// Whether an order of the customer uses the code (and was not cancelled).
  virtual bool has_used(const ulid& store, const std::string& code, const std::string& customer) = 0;
  virtual std::optional<gift_card_row> load_gift_card(const ulid& store, const std::string& code_hash) = 0;
  virtual webhooks_snapshot load_webhooks(const ulid& store) = 0;
  /// Stores of the shard that have waiting deliveries.
  virtual std::vector<ulid> stores_with_deliveries(shard_id shard) = 0;
  virtual std::optional<webhook_delivery_row> load_delivery(const ulid& delivery) = 0;
  virtual std::optional<mail_template_row> load_mail_template(const ulid& store, const std::string& name,
                                                              const std::string& language) = 0;
  virtual std::optional<mail_suppression_row> load_suppression(const ulid& store, const std::string& email) = 0;
  virtual std::optional<mail_row> load_mail(const ulid& mail) = 0;
};

} // namespace souk::storage
