#include "http/auth/token.hpp"

#include <array>
#include <cctype>
#include <stdexcept>

#include <sodium.h>

namespace souk::http {

namespace {

constexpr std::string_view prefix = "souk_"; // lets scanners of leaked secrets know whose it is
constexpr std::size_t id_size = 26;
constexpr std::size_t secret_bytes = 32;
constexpr std::size_t secret_size = 43;
constexpr int base64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

void start_sodium() {
  static const int started = sodium_init();
  if (started < 0)
    throw std::runtime_error("libsodium cannot start");
}

} // namespace

storage::token_hash hash_of(std::string_view text) {
  static_assert(sizeof(storage::token_hash) == crypto_hash_sha256_BYTES);
  storage::token_hash out;
  crypto_hash_sha256(out.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return out;
}

fresh_token make_token(const storage::ulid& user) {
  start_sodium();
  std::array<unsigned char, secret_bytes> secret;
  randombytes_buf(secret.data(), secret.size());
  std::array<char, secret_size + 1> text;
  sodium_bin2base64(text.data(), text.size(), secret.data(), secret.size(), base64);
  sodium_memzero(secret.data(), secret.size());
  fresh_token out;
  out.text.append(prefix).append(user.str()).append("_").append(text.data(), secret_size);
  out.hash = hash_of(out.text);
  return out;
}

std::optional<presented_token> parse_token(std::string_view text) {
  if (text.size() != prefix.size() + id_size + 1 + secret_size || !text.starts_with(prefix)
      || text[prefix.size() + id_size] != '_')
    return std::nullopt;
  auto user = storage::ulid::parse(text.substr(prefix.size(), id_size));
  if (!user || user->is_nil())
    return std::nullopt;
  std::array<unsigned char, secret_bytes> secret;
  std::size_t size = 0;
  auto encoded = text.substr(prefix.size() + id_size + 1);
  if (sodium_base642bin(secret.data(), secret.size(), encoded.data(), encoded.size(), nullptr, &size, nullptr,
                        base64)
        != 0
      || size != secret_bytes)
    return std::nullopt;
  return presented_token{*user, hash_of(text)};
}

std::optional<std::string_view> bearer_in(std::string_view header) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (header.size() <= scheme.size())
    return std::nullopt;
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(header[i])) != scheme[i])
      return std::nullopt;
  header.remove_prefix(scheme.size());
  while (!header.empty() && header.front() == ' ')
    header.remove_prefix(1);
  while (!header.empty() && header.back() == ' ')
    header.remove_suffix(1);
  if (header.empty())
    return std::nullopt;
  return header;
}

} // namespace souk::http
