#include "integrations/webhooks/webhook_signature.hpp"

#include "actors/webhooks/secret.hpp"

#include <array>
#include <ctime>
#include <sodium.h>

namespace souk::integrations {

namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::int64_t seconds_of(storage::timestamp at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

} // namespace

std::string hmac_sha256_base64(std::string_view key, std::string_view text) {
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(text), text.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  std::string out(sodium_base64_encoded_len(mac.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), mac.data(), mac.size(), sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();
  return out;
}

std::string utc_time(storage::timestamp at) {
  const auto seconds = static_cast<std::time_t>(seconds_of(at));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), length};
}

std::vector<std::pair<std::string, std::string>> webhook_headers(const storage::webhook_delivery_row& what,
                                                                 std::string_view secret, const std::string& store_slug,
                                                                 storage::timestamp now) {
  const auto id = what.id.str();
  const auto sent = std::to_string(seconds_of(now));
  const auto key = actors::webhook_secret_bytes(secret).value_or(std::string{secret});
  return {{"Content-Type", "application/json"},
          {"X-Shopify-Topic", what.topic},
          {"X-Shopify-Hmac-Sha256", hmac_sha256_base64(secret, what.payload)},
          {"X-Shopify-Shop-Domain", store_slug},
          {"X-Shopify-Webhook-Id", id},
          {"X-Shopify-Event-Id", what.event_id},
          {"X-Shopify-Triggered-At", utc_time(what.created_at)},
          {"webhook-id", id},
          {"webhook-timestamp", sent},
          {"webhook-signature", "v1," + hmac_sha256_base64(key, id + "." + sent + "." + what.payload)}};
}

} // namespace souk::integrations
