#include "integrations/webhooks/public_address.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>

namespace souk::integrations {

namespace {

struct range4 {
  std::uint32_t network;
  int bits;
};

constexpr std::uint32_t quad(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// IANA's registry of special-purpose addresses.
constexpr std::array<range4, 16> closed4{{
  {quad(0, 0, 0, 0), 8},       // "this network"
  {quad(10, 0, 0, 0), 8},      // private
  {quad(100, 64, 0, 0), 10},   // carriers' shared space
  {quad(127, 0, 0, 0), 8},     // this machine
  {quad(168, 63, 129, 16), 32},// a cloud's metadata
  {quad(169, 254, 0, 0), 16},  // link-local, clouds' metadata
  {quad(172, 16, 0, 0), 12},   // private
  {quad(192, 0, 0, 0), 24},    // protocol assignments
  {quad(192, 0, 2, 0), 24},    // documentation
  {quad(192, 88, 99, 0), 24},  // 6to4 relays
  {quad(192, 168, 0, 0), 16},  // private
  {quad(198, 18, 0, 0), 15},   // benchmarks
  {quad(198, 51, 100, 0), 24}, // documentation
  {quad(203, 0, 113, 0), 24},  // documentation
  {quad(224, 0, 0, 0), 4},     // multicast
  {quad(240, 0, 0, 0), 4},     // reserved, broadcast
}};

bool public4(std::uint32_t address) noexcept {
  for (const auto& r : closed4)
    if ((address ^ r.network) >> (32 - r.bits) == 0)
      return false;
  return true;
}

using bytes6 = std::array<std::uint8_t, 16>;

std::uint32_t quad_at(const bytes6& a, std::size_t at) noexcept {
  return quad(a[at], a[at + 1], a[at + 2], a[at + 3]);
}

// Only 2000::/3 is given out; of it, what carries an IPv4 address is as public as that is.
bool public6(const bytes6& a) noexcept {
  static constexpr std::array<std::uint8_t, 12> translated{0, 0x64, 0xff, 0x9b};
  if (std::memcmp(a.data(), translated.data(), translated.size()) == 0) // 64:ff9b::/96
    return public4(quad_at(a, 12));
  if ((a[0] & 0xe0) != 0x20)
    return false; // ::1, mapped and compatible IPv4, unique-local, link-local, multicast, …
  if (a[0] == 0x20 && a[1] == 0x02) // 6to4
    return public4(quad_at(a, 2));
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 0x02)
    return false; // 2001::/23: Teredo, benchmarks, ORCHID and the like
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8)
    return false; // documentation
  return !(a[0] == 0x3f && a[1] == 0xff && a[2] < 0x10); // documentation
}

} // namespace

bool is_public(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    return public4(ntohl(in.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    bytes6 bytes{};
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return public6(bytes);
  }
  return false;
}

} // namespace souk::integrations
