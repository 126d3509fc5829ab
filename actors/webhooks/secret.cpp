#include "actors/webhooks/secret.hpp"

#include <array>
#include <sodium.h>
#include <stdexcept>

namespace souk::actors {

namespace {

constexpr std::string_view prefix = "whsec_";
constexpr std::size_t secret_bytes = 32;
constexpr int variant = sodium_base64_VARIANT_ORIGINAL;

} // namespace

std::string new_webhook_secret() {
  if (sodium_init() < 0)
    throw std::runtime_error("libsodium does not start");
  std::array<unsigned char, secret_bytes> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();
  return std::string{prefix} + text;
}

std::optional<std::string> webhook_secret_bytes(std::string_view secret) {
  if (!secret.starts_with(prefix))
    return std::nullopt;
  secret.remove_prefix(prefix.size());
  std::string out(secret.size(), '\0');
  std::size_t length = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), secret.data(), secret.size(), nullptr, &length,
                        nullptr, variant)
        != 0
      || length < 24)
    return std::nullopt;
  out.resize(length);
  return out;
}

} // namespace souk::actors
