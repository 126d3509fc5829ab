#include "integrations/payment/stripe_signature.hpp"

#include <array>
#include <charconv>
#include <sodium.h>

namespace souk::integrations {

namespace {

constexpr std::size_t signatures_max = 16;

using mac = std::array<unsigned char, crypto_auth_hmacsha256_BYTES>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool read_hex(std::string_view text, mac& out) {
  std::size_t length = 0;
  return text.size() == 2 * out.size()
      && sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, &length, nullptr) == 0 && length == out.size();
}

mac sign(std::string_view secret, std::string_view time, std::string_view body) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(secret), secret.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(time), time.size());
  crypto_auth_hmacsha256_update(&state, bytes_of("."), 1);
  crypto_auth_hmacsha256_update(&state, bytes_of(body), body.size());
  mac out{};
  crypto_auth_hmacsha256_final(&state, out.data());
  return out;
}

} // namespace

bool stripe_signature_holds(std::string_view header, std::string_view body, const std::vector<std::string>& secrets,
                            std::int64_t now_s) {
  std::string_view time;
  std::vector<mac> given;
  while (!header.empty()) {
    auto end = header.find(',');
    auto item = header.substr(0, end);
    header = end == std::string_view::npos ? std::string_view{} : header.substr(end + 1);
    while (!item.empty() && item.front() == ' ')
      item.remove_prefix(1);
    mac signature{};
    if (item.starts_with("t="))
      time = item.substr(2);
    else if (item.starts_with("v1=") && given.size() < signatures_max && read_hex(item.substr(3), signature))
      given.push_back(signature);
  }
  std::int64_t at = 0;
  auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), at);
  if (time.empty() || error != std::errc{} || end != time.data() + time.size() || at < now_s - stripe_tolerance_s
      || at > now_s + stripe_tolerance_s)
    return false;
  bool holds = false;
  for (const auto& secret : secrets) {
    if (secret.empty())
      continue; // anybody can sign with that
    const auto right = sign(secret, time, body);
    for (const auto& signature : given)
      holds = sodium_memcmp(right.data(), signature.data(), right.size()) == 0 || holds;
  }
  return holds;
}

} // namespace souk::integrations
