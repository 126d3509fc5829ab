#pragma once

#include "storage/ulid.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::actors {

/// Keeps what must not be read off a database or a backup: credentials of merchants at their providers, secrets of their webhooks.
/// XSalsa20-Poly1305 with a random nonce (libsodium's crypto_secretbox); the text is bound to what it belongs to, so that a row
/// copied to another store does not open there. Safe from any thread.
class secret_box {
public:
  /// Without a key nothing can be sealed or opened.
  secret_box() = default;
  /// @param keys 32 bytes each, as 64 hex characters: the first seals, all open (so that a key can be replaced)
  /// @throws std::invalid_argument for anything else
  explicit secret_box(const std::vector<std::string>& keys);

  bool ready() const noexcept { return !keys_.empty(); }
  /// @param owner what it belongs to: a store's id and a purpose, "01H…/stripe"
  /// @returns base64 @throws std::logic_error without a key
  std::string seal(std::string_view owner, std::string_view plain) const;
  /// @returns nothing when no key opens it, it was altered, or it belongs to somebody else
  std::optional<std::string> open(std::string_view owner, std::string_view sealed) const;
  /// HMAC-SHA256 under a key derived for `purpose`, as hex: signs links in mails.
  std::string sign(std::string_view purpose, std::string_view text) const;
  /// Whether any key made the signature; takes the same time for all that are as long.
  bool verify(std::string_view purpose, std::string_view text, std::string_view signature) const;

private:
  std::vector<std::array<unsigned char, 32>> keys_;
};

/// The owner of a store's secret: "01H…/stripe".
std::string secret_owner(const storage::ulid& store, std::string_view purpose);

} // namespace souk::actors
