#include "storage/ulid.hpp"

namespace souk::storage {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Value of a Crockford character, or -1.
int value_of(char c) noexcept {
  if (c >= 'a' && c <= 'z')
    c = static_cast<char>(c - 'a' + 'A');
  if (c == 'I' || c == 'L')
    return 1;
  if (c == 'O')
    return 0;
  auto at = alphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

} // namespace

timestamp ulid::drawn_at() const noexcept {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i)
    ms = ms << 8 | bytes[i];
  return timestamp{std::chrono::milliseconds{ms}};
}

// 26 characters carry 130 bits: the first one holds only the top 3 bits of the 128.
std::string ulid::str() const {
  std::string out(26, '0');
  unsigned buffer = 0;
  int bits = 0;
  std::size_t at = 26;
  for (std::size_t i = 16; i-- > 0;) {
    buffer |= static_cast<unsigned>(bytes[i]) << bits;
    bits += 8;
    while (bits >= 5) {
      out[--at] = alphabet[buffer & 31U];
      buffer >>= 5;
      bits -= 5;
    }
  }
  out[--at] = alphabet[buffer & 31U];
  return out;
}

std::optional<ulid> ulid::parse(std::string_view text) noexcept {
  if (text.size() != 26 || value_of(text[0]) > 7)
    return std::nullopt;
  ulid out;
  unsigned buffer = 0;
  int bits = 0;
  std::size_t at = 16;
  for (std::size_t i = 26; i-- > 0;) {
    int v = value_of(text[i]);
    if (v < 0)
      return std::nullopt;
    buffer |= static_cast<unsigned>(v) << bits;
    bits += 5;
    if (bits >= 8 && at > 0) {
      out.bytes[--at] = static_cast<std::uint8_t>(buffer & 255U);
      buffer >>= 8;
      bits -= 8;
    }
  }
  return out;
}

} // namespace souk::storage
