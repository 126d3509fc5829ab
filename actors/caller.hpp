#pragma once

#include "storage/rows/user.hpp"

namespace souk::actors {

/// Who sends a command, as the edge has authenticated it. Every actor compares it with what it loaded: a tenant is checked
/// where the state is.
struct caller {
  storage::ulid user;                                              ///< nil: nobody signed in
  storage::session_kind session = storage::session_kind::login;
  storage::ulid only_store;                                        ///< an API token reaches this store only; nil otherwise

  bool anonymous() const noexcept { return user.is_nil(); }
  /// Whether the caller is this user (API tokens act for a store, never as a shopper).
  bool is(const storage::ulid& someone) const noexcept {
    return !anonymous() && session != storage::session_kind::api && user == someone;
  }
  /// Whether the caller may manage a store that `owner` owns.
  bool manages(const storage::ulid& store, const storage::ulid& owner) const noexcept {
    return !anonymous() && user == owner && session != storage::session_kind::guest
           && (session != storage::session_kind::api || only_store == store);
  }
};

template <class I>
typename I::result_type inspect(I& f, caller& x) {
  return f(x.user, x.session, x.only_store);
}

} // namespace souk::actors
