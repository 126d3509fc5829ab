#pragma once

#include "storage/rows/user.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace souk::http {

/// `souk_<user ULID>_<43 base64url characters>`: 32 random bytes that nobody can guess, and the user's id,
/// which routes to the user's shard without a look-up. Only the SHA-256 of the whole text is kept: 256 random
/// bits need no salt and no slow hash.
struct fresh_token {
  std::string text; ///< for the client, once
  storage::token_hash hash{};
};

/// Draws a token from the operating system's random numbers.
fresh_token make_token(const storage::ulid& user);

/// What a client presents. That it is well formed proves nothing yet.
struct presented_token {
  storage::ulid user;
  storage::token_hash hash{};
};

/// @returns nullopt when it is not a token of souk's
std::optional<presented_token> parse_token(std::string_view text);

/// The token in an `Authorization: Bearer …` header; nullopt for anything else (RFC 6750, section 2.1).
std::optional<std::string_view> bearer_in(std::string_view header) noexcept;

/// SHA-256.
storage::token_hash hash_of(std::string_view text);

} // namespace souk::http
