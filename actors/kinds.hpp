#pragma once

#include "runtime/address.hpp"

#include <string>

namespace souk::actors {

/// The kinds of entity, one per folder. The numbers travel between nodes: never reuse one.
namespace kind {
inline constexpr runtime::kind_id store = 1;
inline constexpr runtime::kind_id product = 2;
inline constexpr runtime::kind_id inventory = 3;
inline constexpr runtime::kind_id cart = 4;
inline constexpr runtime::kind_id order = 5;
inline constexpr runtime::kind_id checkout = 6;
inline constexpr runtime::kind_id user = 7;
inline constexpr runtime::kind_id reviews = 8;
inline constexpr runtime::kind_id import = 9;
inline constexpr runtime::kind_id supervisor = 10;
inline constexpr runtime::kind_id dispatcher = 11;
inline constexpr runtime::kind_id discount = 12;
inline constexpr runtime::kind_id gift_card = 13;
inline constexpr runtime::kind_id webhooks = 14;
} // namespace kind

inline runtime::entity_address store_at(const storage::ulid& id) { return {kind::store, id, {}, {}}; }
inline runtime::entity_address product_at(const storage::ulid& id) { return {kind::product, id, {}, {}}; }
inline runtime::entity_address inventory_at(const storage::ulid& variant) { return {kind::inventory, variant, {}, {}}; }
inline runtime::entity_address cart_at(const storage::ulid& store, const storage::ulid& user) {
  return {kind::cart, store, user, {}};
}
inline runtime::entity_address order_at(const storage::ulid& id) { return {kind::order, id, {}, {}}; }
inline runtime::entity_address checkout_at(const storage::ulid& store, const storage::ulid& caller, std::string key) {
  return {kind::checkout, store, caller, std::move(key)};
}
inline runtime::entity_address user_at(const storage::ulid& id) { return {kind::user, id, {}, {}}; }
inline runtime::entity_address reviews_at(const storage::ulid& product) { return {kind::reviews, product, {}, {}}; }
inline runtime::entity_address import_at(const storage::ulid& id) { return {kind::import, id, {}, {}}; }
/// @param code as discount_code_of gives it
inline runtime::entity_address discount_at(const storage::ulid& store, std::string code) {
  return {kind::discount, store, {}, std::move(code)};
}
/// @param code_hash as gift_card_code::hash_of gives it
inline runtime::entity_address gift_card_at(const storage::ulid& store, std::string code_hash) {
  return {kind::gift_card, store, {}, std::move(code_hash)};
}
/// A store's webhooks and the deliveries to them.
inline runtime::entity_address webhooks_at(const storage::ulid& store) { return {kind::webhooks, store, {}, {}}; }
inline runtime::entity_address supervisor_at(storage::shard_id shard) {
  return runtime::shard_address(kind::supervisor, shard);
}
inline runtime::entity_address dispatcher_at(storage::shard_id shard) {
  return runtime::shard_address(kind::dispatcher, shard);
}

} // namespace souk::actors
