#pragma once

#include <cstdint>
#include <memory>
#include <openssl/evp.h>
#include <string>
#include <string_view>

namespace souk::providers {

/// @returns HMAC-SHA256 in hex.
std::string hmac_sha256_hex(std::string_view key, std::string_view text);

std::string base64(std::string_view bytes);

/// @returns the bytes; empty when the text is not base64.
std::string from_base64(std::string_view text);

/// @returns the checksum PayPal puts into what it signs (as zlib's crc32).
std::uint32_t crc32(std::string_view bytes);

/// A key pair made by this process; the private half never leaves it.
class signing_key {
public:
  static signing_key rsa();  ///< 2048 bits
  static signing_key p256(); ///< ECDSA on prime256v1

  /// @returns a signature over SHA-256 of the text: PKCS #1 v1.5, or DER for ECDSA.
  std::string sign(std::string_view text) const;

  bool verifies(std::string_view text, std::string_view signature) const;

  /// @returns a self-signed certificate for `name`, PEM.
  std::string certificate(const std::string& name) const;

  /// @returns the public half as SubjectPublicKeyInfo, DER.
  std::string public_der() const;

  std::string private_pem() const;

  /// @throws std::runtime_error when the text is no private key.
  static signing_key from_pem(const std::string& pem);

private:
  struct free_key {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  explicit signing_key(EVP_PKEY* key) : key_{key} {}
  std::unique_ptr<EVP_PKEY, free_key> key_;
};

} // namespace souk::providers
