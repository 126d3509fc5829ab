#include "actors/secret/secret_box.hpp"

#include <sodium.h>
#include <stdexcept>

namespace souk::actors {

namespace {

constexpr std::size_t nonce_bytes = crypto_secretbox_NONCEBYTES;
constexpr std::size_t overhead = nonce_bytes + crypto_secretbox_MACBYTES;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The owner's length first, so that no owner and text can be read as another owner and text.
std::string bound(std::string_view owner, std::string_view plain) {
  return std::to_string(owner.size()) + ":" + std::string{owner} + std::string{plain};
}

std::string hex_mac(const std::array<unsigned char, 32>& key, std::string_view purpose, std::string_view text) {
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> derived{}, mac{};
  crypto_auth_hmacsha256(derived.data(), bytes_of(purpose), purpose.size(), key.data());
  crypto_auth_hmacsha256(mac.data(), bytes_of(text), text.size(), derived.data());
  std::string out(mac.size() * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), mac.data(), mac.size());
  out.pop_back();
  return out;
}

} // namespace

secret_box::secret_box(const std::vector<std::string>& keys) {
  if (sodium_init() < 0)
    throw std::runtime_error("libsodium does not start");
  for (const auto& hex : keys) {
    std::array<unsigned char, 32> key{};
    std::size_t length = 0;
    if (hex.size() != 64 || sodium_hex2bin(key.data(), key.size(), hex.data(), hex.size(), nullptr, &length, nullptr) != 0
        || length != key.size())
      throw std::invalid_argument("a secret key is 64 hex characters");
    keys_.push_back(key);
  }
}

std::string secret_box::seal(std::string_view owner, std::string_view plain) const {
  if (keys_.empty())
    throw std::logic_error("nothing can be sealed without a secret key");
  const auto text = bound(owner, plain);
  std::string sealed(overhead + text.size(), '\0');
  auto* out = reinterpret_cast<unsigned char*>(sealed.data());
  randombytes_buf(out, nonce_bytes);
  crypto_secretbox_easy(out + nonce_bytes, bytes_of(text), text.size(), out, keys_.front().data());
  std::string encoded(sodium_base64_encoded_len(sealed.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(encoded.data(), encoded.size(), out, sealed.size(), sodium_base64_VARIANT_ORIGINAL);
  encoded.pop_back();
  return encoded;
}

std::optional<std::string> secret_box::open(std::string_view owner, std::string_view sealed) const {
  std::string raw(sealed.size(), '\0');
  std::size_t length = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(raw.data()), raw.size(), sealed.data(), sealed.size(), nullptr, &length,
                        nullptr, sodium_base64_VARIANT_ORIGINAL)
        != 0
      || length < overhead)
    return std::nullopt;
  raw.resize(length);
  const auto* in = bytes_of(raw);
  for (const auto& key : keys_) {
    std::string text(length - overhead, '\0');
    if (crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(text.data()), in + nonce_bytes, length - nonce_bytes, in,
                                   key.data())
        != 0)
      continue;
    const auto prefix = bound(owner, {});
    if (!text.starts_with(prefix))
      return std::nullopt;
    return text.substr(prefix.size());
  }
  return std::nullopt;
}

std::string secret_box::sign(std::string_view purpose, std::string_view text) const {
  if (keys_.empty())
    throw std::logic_error("nothing can be signed without a secret key");
  return hex_mac(keys_.front(), purpose, text);
}

bool secret_box::verify(std::string_view purpose, std::string_view text, std::string_view signature) const {
  bool found = false;
  for (const auto& key : keys_) {
    const auto right = hex_mac(key, purpose, text);
    found |= right.size() == signature.size() && sodium_memcmp(right.data(), signature.data(), right.size()) == 0;
  }
  return found;
}

std::string secret_owner(const storage::ulid& store, std::string_view purpose) {
  return store.str() + "/" + std::string{purpose};
}

} // namespace souk::actors
