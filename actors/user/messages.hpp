#pragma once

#include "actors/caller.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::actors {

struct user_view {
  storage::user_row user; ///< password_hash is left out
  std::vector<storage::user_cart_row> carts; ///< last touched first
};

/// delivery::create. The e-mail has been claimed in the directory, the password hashed by the edge's bounded pool. → user_view
struct sign_up {
  storage::user_row user;
  storage::session_row session;
};
/// → user_view; only to the user
struct get_user {
  caller by;
};
/// The hash to verify a password against, for the edge's hash pool. → std::string; errc::not_found for guests
struct get_credentials {};
/// The password was right: opens a session. Also used for a store's API token (kind api, only_store set). → user_view
struct open_session {
  storage::session_row session;
};
/// → session_row, or errc::bad_credentials when it is unknown, expired or closed
struct authenticate {
  storage::token_hash hash{};
};
/// Log-out. Closing what is closed is fine. → bool
struct close_session {
  caller by;
  storage::token_hash hash{};
};
/// Somebody followed the link that was mailed while the password had this hash: sets another one and ends every log-in; API tokens
/// stay, a merchant's shop depends on them. The second time the hash is no longer the same: errc::bad_credentials.
/// → std::vector<storage::session_row>, the log-ins that ended
struct reset_password {
  std::string old_hash;
  std::string new_hash;
};
/// Has a link mailed to the user's address; more often than once a minute nothing happens. → bool, whether it will be mailed
struct ask_password_reset {
  std::string language; ///< of the mail
};
/// API tokens of one store. → std::vector<storage::session_row>
struct list_api_tokens {
  caller by;
  storage::ulid store_id;
};
/// From the cart itself, before it writes: the user's cart in this store is the one meant when no store is named. Answered after
/// the commit, at once when it is the last one already. → bool
struct note_cart {
  storage::ulid store_id;
  storage::ulid cart_id;
};
/// From the cart itself, after it is gone. → bool, whether it was known
struct forget_cart {
  storage::ulid store_id;
};
/// From the dispatcher: an order was placed. Again is nothing. → bool, after the commit
struct note_order {
  storage::ulid order_id;
  storage::ulid store_id;
  storage::timestamp placed_at{};
};

template <class I>
typename I::result_type inspect(I& f, user_view& x) {
  return f(x.user, x.carts);
}
template <class I>
typename I::result_type inspect(I& f, sign_up& x) {
  return f(x.user, x.session);
}
template <class I>
typename I::result_type inspect(I& f, get_user& x) {
  return f(x.by);
}
template <class I>
typename I::result_type inspect(I& f, get_credentials&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, open_session& x) {
  return f(x.session);
}
template <class I>
typename I::result_type inspect(I& f, authenticate& x) {
  return f(x.hash);
}
template <class I>
typename I::result_type inspect(I& f, close_session& x) {
  return f(x.by, x.hash);
}
template <class I>
typename I::result_type inspect(I& f, reset_password& x) {
  return f(x.old_hash, x.new_hash);
}
template <class I>
typename I::result_type inspect(I& f, ask_password_reset& x) {
  return f(x.language);
}
template <class I>
typename I::result_type inspect(I& f, list_api_tokens& x) {
  return f(x.by, x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, note_cart& x) {
  return f(x.store_id, x.cart_id);
}
template <class I>
typename I::result_type inspect(I& f, forget_cart& x) {
  return f(x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, note_order& x) {
  return f(x.order_id, x.store_id, x.placed_at);
}

} // namespace souk::actors
