#include "actors/mail/links.hpp"

#include "actors/user/account.hpp"

#include <algorithm>
#include <sodium.h>

namespace souk::actors {

namespace {

constexpr std::string_view reset_purpose = "password_reset";
constexpr std::string_view unsubscribe_purpose = "unsubscribe";
constexpr std::size_t id_bytes = 16;
constexpr std::size_t time_bytes = 8;
constexpr std::size_t token_max = 1000;

std::string to_base64url(std::string_view raw) {
  std::string out(sodium_base64_encoded_len(raw.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(raw.data()), raw.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  out.resize(out.size() - 1); // its terminating zero
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out(text.size(), '\0');
  std::size_t length = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(), text.size(), nullptr, &length,
                        nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING)
      != 0)
    return std::nullopt;
  out.resize(length);
  return out;
}

struct halves {
  std::string raw;
  std::string signature;
};

/// "BASE64URL.SIGNATURE"
std::optional<halves> split(std::string_view token) {
  auto dot = token.find('.');
  if (token.size() > token_max || dot == std::string_view::npos)
    return std::nullopt;
  auto raw = from_base64url(token.substr(0, dot));
  if (!raw)
    return std::nullopt;
  return halves{std::move(*raw), std::string{token.substr(dot + 1)}};
}

std::string bytes_of(const storage::ulid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

storage::ulid id_at_front(const std::string& raw) {
  storage::ulid out;
  std::copy_n(raw.begin(), id_bytes, reinterpret_cast<char*>(out.bytes.data()));
  return out;
}

std::string claim_of(const storage::ulid& user, storage::timestamp expires) {
  auto out = bytes_of(user);
  auto seconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(expires.time_since_epoch()).count());
  for (std::size_t i = time_bytes; i-- > 0;)
    out += static_cast<char>(seconds >> (8 * i) & 0xFFU);
  return out;
}

std::string joined(std::string base, std::string_view path) {
  while (base.ends_with('/'))
    base.pop_back();
  return base + std::string{path};
}

} // namespace

std::string make_reset_token(const secret_box& box, const storage::ulid& user, const std::string& password_hash,
                             storage::timestamp expires) {
  auto claim = claim_of(user, expires);
  return to_base64url(claim) + "." + box.sign(reset_purpose, claim + password_hash);
}

std::optional<reset_token> read_reset_token(std::string_view token) {
  auto parts = split(token);
  if (!parts || parts->raw.size() != id_bytes + time_bytes)
    return std::nullopt;
  std::uint64_t seconds = 0;
  for (std::size_t i = 0; i < time_bytes; ++i)
    seconds = seconds << 8 | static_cast<unsigned char>(parts->raw[id_bytes + i]);
  if (seconds > 253'402'300'799) // year 9999: beyond it, time overflows
    return std::nullopt;
  return reset_token{id_at_front(parts->raw), storage::timestamp{std::chrono::seconds{static_cast<std::int64_t>(seconds)}},
                     std::move(parts->signature)};
}

bool holds(const secret_box& box, const reset_token& token, const std::string& password_hash, storage::timestamp now) {
  // A user without a password (a guest) has nothing to set anew.
  return !password_hash.empty() && now < token.expires
         && box.verify(reset_purpose, claim_of(token.user, token.expires) + password_hash, token.signature);
}

std::string make_unsubscribe_token(const secret_box& box, const storage::ulid& store, const std::string& email) {
  auto claim = bytes_of(store) + normal_email(email);
  return to_base64url(claim) + "." + box.sign(unsubscribe_purpose, claim);
}

std::optional<unsubscribe_claim> read_unsubscribe_token(const secret_box& box, std::string_view token) {
  auto parts = split(token);
  if (!parts || parts->raw.size() <= id_bytes || !box.verify(unsubscribe_purpose, parts->raw, parts->signature))
    return std::nullopt;
  return unsubscribe_claim{id_at_front(parts->raw), parts->raw.substr(id_bytes)};
}

std::string reset_url(const std::string& public_url, const std::string& token) {
  return joined(public_url, "/password-reset/" + token);
}

std::string unsubscribe_url(const std::string& public_url, const std::string& token) {
  return joined(public_url, "/unsubscribe/" + token);
}

std::string cart_url(const std::string& public_url, const storage::ulid& store) {
  return joined(public_url, "/stores/" + store.str() + "/cart");
}

} // namespace souk::actors
