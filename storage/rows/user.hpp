#pragma once

#include "storage/ulid.hpp"

#include <array>
#include <string>
#include <vector>

namespace souk::storage {

enum class user_kind : std::uint8_t { registered = 1, guest = 2 };

struct user_row {
  ulid id;
  user_kind kind = user_kind::registered;
  std::string email; ///< empty for a guest; lower case, unique in the deployment: see directory.hpp
  std::string name;
  std::string password_hash; ///< argon2id, as crypto_pwhash_str writes it
  std::int64_t version = 1;
  timestamp created_at{};
  bool operator==(const user_row&) const = default;
};

/// SHA-256 of a bearer token: the token itself is never at rest.
using token_hash = std::array<std::uint8_t, 32>;

enum class session_kind : std::uint8_t { login = 1, guest = 2, api = 3 };

struct session_row {
  token_hash hash{};
  ulid user_id;
  session_kind kind = session_kind::login;
  ulid store_id; ///< an API token reaches only this store; nil otherwise
  std::string label;
  timestamp created_at{};
  timestamp expires_at{};
  bool operator==(const session_row&) const = default;
};

/// The user's side of a cart or an order that lives in a store's shard.
struct user_cart_row {
  ulid user_id;
  ulid store_id;
  ulid cart_id;
  timestamp touched_at{};
  bool operator==(const user_cart_row&) const = default;
};
struct user_order_row {
  ulid user_id;
  ulid order_id;
  ulid store_id;
  timestamp placed_at{};
  bool operator==(const user_order_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, user_row& x) {
  return f(x.id, x.kind, x.email, x.name, x.password_hash, x.version, x.created_at);
}
template <class I>
typename I::result_type inspect(I& f, session_row& x) {
  return f(x.hash, x.user_id, x.kind, x.store_id, x.label, x.created_at, x.expires_at);
}
template <class I>
typename I::result_type inspect(I& f, user_cart_row& x) {
  return f(x.user_id, x.store_id, x.cart_id, x.touched_at);
}
template <class I>
typename I::result_type inspect(I& f, user_order_row& x) {
  return f(x.user_id, x.order_id, x.store_id, x.placed_at);
}

} // namespace souk::storage
