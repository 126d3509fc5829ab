#pragma once

#include "actors/secret/secret_box.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace souk::actors {

/// How long a link to a new password can be followed.
inline constexpr std::chrono::hours reset_link_life{1};

/// What a password link says, before its signature has been checked: whose hash to load for that.
struct reset_token {
  storage::ulid user;
  storage::timestamp expires{}; ///< whole seconds
  std::string signature;
};

/// A token for `PUBLIC_URL/password-reset/TOKEN`. The password's hash is signed as well, so it holds until the password is another
/// one: each link is good once, and all older ones with it.
/// @throws std::logic_error when the box has no key
std::string make_reset_token(const secret_box& box, const storage::ulid& user, const std::string& password_hash,
                             storage::timestamp expires);
/// @returns nothing for what is no such token; says nothing about whether it holds
std::optional<reset_token> read_reset_token(std::string_view token);
/// Whether we made it for the user while his password's hash was this one, and it has not expired.
bool holds(const secret_box& box, const reset_token& token, const std::string& password_hash, storage::timestamp now);

/// Whom a store must not send marketing to any more.
struct unsubscribe_claim {
  storage::ulid store;
  std::string email; ///< lower case
};

/// A token for `PUBLIC_URL/unsubscribe/TOKEN`; it holds for ever, as the law in many places asks.
/// @throws std::logic_error when the box has no key
std::string make_unsubscribe_token(const secret_box& box, const storage::ulid& store, const std::string& email);
/// @returns nothing for a token that we did not make
std::optional<unsubscribe_claim> read_unsubscribe_token(const secret_box& box, std::string_view token);

// Addresses as they stand in mails. `public_url` may end in "/".
std::string reset_url(const std::string& public_url, const std::string& token);
std::string unsubscribe_url(const std::string& public_url, const std::string& token);
std::string cart_url(const std::string& public_url, const storage::ulid& store);

} // namespace souk::actors
