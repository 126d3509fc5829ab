#include "actors/gift_card/code.hpp"

#include <array>
#include <sodium.h>
#include <stdexcept>

namespace souk::actors::gift_card_code {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t length = 16;
constexpr std::size_t group = 4;

} // namespace

std::string fresh() {
  if (sodium_init() < 0)
    throw std::runtime_error("libsodium does not start");
  std::array<unsigned char, length> random{};
  randombytes_buf(random.data(), random.size());
  std::string out;
  for (auto byte : random)
    out += alphabet[byte % alphabet.size()]; // 256 is a multiple of 32: every character is as likely as the others
  return out;
}

std::string grouped(std::string_view code) {
  std::string out;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (i > 0 && i % group == 0)
      out += '-';
    out += code[i];
  }
  return out;
}

std::string normalised(std::string_view typed) {
  std::string out;
  for (char c : typed) {
    if (c == '-' || c == ' ')
      continue;
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O')
      c = '0';
    if (c == 'I' || c == 'L')
      c = '1';
    if (out.size() == length || alphabet.find(c) == alphabet.npos)
      return {};
    out += c;
  }
  return out.size() == length ? out : std::string{};
}

std::string hash_of(std::string_view code) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(code.data()), code.size());
  std::string out(hash.size() * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), hash.data(), hash.size());
  out.pop_back();
  return out;
}

} // namespace souk::actors::gift_card_code
