#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace souk::storage {

/// Time as PostgreSQL keeps it: microseconds since 1970-01-01 UTC.
using timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

/// One of the 256 parts into which all rows and all actors are divided, for ever.
using shard_id = std::uint8_t;
inline constexpr int shard_count = 256;

/// A ULID: 48 bits of milliseconds, then 80 random bits, of which the first 8 are the *shard*. Everything that belongs to
/// a store repeats the store's shard, so an id alone says which node runs its actors and which database holds its rows.
/// Kept in PostgreSQL as `uuid` (same 16 bytes, same order); 26 Crockford base32 characters everywhere else.
struct ulid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const ulid&) const = default;
  bool is_nil() const noexcept { return *this == ulid{}; }
  shard_id shard() const noexcept { return bytes[6]; }
  /// When the id was drawn, to the millisecond.
  timestamp drawn_at() const noexcept;

  std::string str() const;
  /// Accepts 26 Crockford characters, either case, I/L/O read as 1/1/0; anything else is nullopt.
  static std::optional<ulid> parse(std::string_view text) noexcept;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, ulid& x) {
  return f(x.bytes);
}

} // namespace souk::storage

template <>
struct std::hash<souk::storage::ulid> {
  std::size_t operator()(const souk::storage::ulid& id) const noexcept {
    std::uint64_t low = 0; // the tail is random, so it is already a good hash
    for (std::size_t i = 8; i < 16; ++i)
      low = low << 8 | id.bytes[i];
    return static_cast<std::size_t>(low ^ (std::uint64_t{id.bytes[5]} << 48));
  }
};
