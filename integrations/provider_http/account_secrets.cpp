#include "integrations/provider_http/account_secrets.hpp"

#include <array>
#include <sodium.h>

namespace souk::integrations {

std::optional<nlohmann::json> open_account(const actors::secret_box* box, const storage::ulid& store, std::string_view provider,
                                           const std::string& sealed) {
  if (box == nullptr || !box->ready() || sealed.empty())
    return std::nullopt;
  auto text = box->open(actors::secret_owner(store, provider), sealed);
  if (!text)
    return std::nullopt;
  auto secrets = nlohmann::json::parse(*text, nullptr, false);
  return secrets.is_object() ? std::optional{std::move(secrets)} : std::nullopt;
}

std::string account_name(std::string_view secret) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), nullptr, 0);
  return {hash.begin(), hash.end()};
}

std::string basic_authorization(std::string_view user, std::string_view password) {
  auto pair = std::string{user} + ':' + std::string{password};
  std::string out(sodium_base64_encoded_len(pair.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(pair.data()), pair.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();
  return "Authorization: Basic " + out;
}

std::string fingerprint(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t bytes = 8;
  std::string out;
  for (unsigned char byte : account_name(text).substr(0, bytes)) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

} // namespace souk::integrations
