#pragma once

#include "storage/directory.hpp"
#include "storage/outbox_store.hpp"
#include "storage/ownership_store.hpp"

#include <array>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace souk::storage::simulated {

using id_pair = std::pair<ulid, ulid>;

struct ledger_line {
  shard_id shard = 0;
  std::int64_t seq = 0;
  std::int32_t n = 0;
  ulid store_id;
  ledger_entry entry;
};

struct idempotency_key {
  ulid store_id;
  ulid caller;
  std::string key;
  auto operator<=>(const idempotency_key&) const = default;
};

using store_code = std::pair<ulid, std::string>;

struct discount_use {
  discount_use_row row;
  bool once = false;
};

struct parked_event {
  std::string consumer;
  outbox_event event;
  std::string error;
};

/// One thing that happened to a shard's row, in the order in which it happened.
struct shard_event {
  enum class kind : std::uint8_t { committed, taken };
  kind what = kind::committed;
  shard_id shard = 0;
  std::int64_t epoch = 0; ///< the writer's, or the taker's new one
  std::int64_t seq = 0;   ///< after the commit
  timestamp at{};
};

/// All rows, ordered by key: what a run does never depends on the order of a hash table.
struct tables {
  std::map<ulid, user_row> users;
  std::map<token_hash, session_row> sessions;
  std::map<id_pair, user_cart_row> user_carts;   ///< user, store
  std::map<id_pair, user_order_row> user_orders; ///< user, order

  std::map<ulid, store_row> stores;
  std::map<ulid, std::int64_t> next_order_number;
  std::map<ulid, product_row> products;
  std::map<ulid, variant_row> variants;
  std::map<ulid, level_row> levels;
  std::map<ulid, cart_row> carts;

  std::map<ulid, order_row> orders;
  std::map<std::pair<ulid, std::int32_t>, order_item_row> order_items; ///< order, line
  std::map<id_pair, reservation_row> reservations;                     ///< order, variant
  std::map<ulid, payment_row> payments;
  std::map<idempotency_key, idempotency_row> idempotency_keys;

  std::map<ulid, refund_row> refunds;
  std::map<ulid, order_life_row> lives; ///< order
  std::map<store_code, discount_row> discounts;
  std::map<std::pair<ulid, std::string>, discount_use> discount_uses; ///< order, code
  std::map<ulid, gift_card_row> gift_cards;
  std::map<store_code, ulid> gift_card_of; ///< store, hash of the code
  std::vector<gift_card_entry> gift_card_history; ///< in commit order
  std::map<ulid, webhook_row> webhooks;
  std::map<ulid, webhook_delivery_row> deliveries;
  std::map<std::tuple<ulid, std::string, std::string>, mail_template_row> mail_templates; ///< store, name, language
  std::map<store_code, mail_suppression_row> mail_suppressions;                           ///< store, e-mail
  std::map<ulid, mail_row> mails;

  std::map<ulid, review_row> reviews;
  std::set<id_pair> review_votes; ///< review, user
  std::map<ulid, import_row> imports;

  // What PostgreSQL has as unique or secondary indexes.
  std::map<std::pair<ulid, std::string>, ulid> handles; ///< store, handle -> product
  std::map<std::pair<ulid, std::string>, ulid> skus;    ///< store, SKU -> variant that is not removed
  std::set<id_pair> variants_of;                        ///< product, variant
  std::map<id_pair, ulid> cart_of;                      ///< store, user -> cart
  std::set<id_pair> orders_of;                          ///< user, order
  std::set<id_pair> open_reservations;                  ///< variant, order
  std::set<id_pair> payments_of;                        ///< order, payment
  std::set<id_pair> refunds_of;                         ///< order, refund
  std::map<id_pair, ulid> review_of;                    ///< product, user -> review

  std::array<std::vector<ledger_line>, shard_count> ledger;  ///< by (seq, n)
  std::array<std::vector<outbox_event>, shard_count> outbox; ///< by (seq, n)
  std::map<std::pair<std::string, shard_id>, outbox_cursor> cursors;
  std::vector<parked_event> parked;
  std::int64_t pruned = 0; ///< events deleted by prune()

  std::array<shard_row, shard_count> shards;
  std::map<ulid, node_row> nodes;
  std::set<ulid> asked_to_drain; ///< incarnations
  cluster_view view;
  std::map<std::pair<name_kind, std::string>, directory_entry> directory;

  std::vector<shard_event> history;
};

} // namespace souk::storage::simulated
