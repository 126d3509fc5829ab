#pragma once

#include "storage/ulid.hpp"

#include <compare>
#include <string>

namespace souk::runtime {

/// What sort of entity an address names. The numbers are given by actors/kinds.hpp and travel between nodes: never reuse one.
using kind_id = std::uint8_t;

/// Where an entity is found: its kind and its key. The first id decides the shard, so it alone says which node to ask.
struct entity_address {
  kind_id kind = 0;
  storage::ulid id;  ///< a store, a variant, an order, a user, …
  storage::ulid sub; ///< the second half of a two-part key (a cart is store + user), else nil
  std::string name;  ///< the third part (a checkout is store + caller + Idempotency-Key), else empty

  storage::shard_id shard() const noexcept { return id.shard(); }
  auto operator<=>(const entity_address&) const = default;
};

/// An address for the one entity of a kind that a shard has (its supervisor, its dispatcher).
inline entity_address shard_address(kind_id kind, storage::shard_id shard) {
  entity_address at;
  at.kind = kind;
  at.id.bytes[6] = shard;
  return at;
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, entity_address& x) {
  return f(x.kind, x.id, x.sub, x.name);
}

} // namespace souk::runtime

template <>
struct std::hash<souk::runtime::entity_address> {
  std::size_t operator()(const souk::runtime::entity_address& x) const noexcept {
    std::hash<souk::storage::ulid> of;
    auto h = of(x.id) * 31 + x.kind;
    if (!x.sub.is_nil())
      h = h * 0x9E3779B97F4A7C15U + of(x.sub);
    return x.name.empty() ? h : h * 31 + std::hash<std::string>{}(x.name);
  }
};
