#pragma once

#include "actors/caller.hpp"
#include "runtime/clock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace souk::http {

/// Whose session a token is, as the user's actor answered.
struct session_identity {
  actors::caller by;
  storage::timestamp expires_at{};
};

/// What this node knows of tokens for half a minute, so that not every request asks a user's actor. Bounded,
/// least recently used first out, safe from any thread. A log-out on this node is seen at once, one on
/// another node when it tells us, at the latest after the half minute.
class session_cache {
public:
  static constexpr std::chrono::seconds keep{30};

  /// @param capacity tokens, all together @param time outlives the cache
  session_cache(std::size_t capacity, const runtime::clock& time);

  /// `ticket` goes into put(): between the two, somebody may log out.
  struct answer {
    std::optional<session_identity> known;
    std::uint64_t ticket = 0;
  };
  answer find(const storage::token_hash& token);
  /// Keeps what the actor answered, unless a session was forgotten after the ticket was given: the answer may
  /// be that session's.
  void put(const storage::token_hash& token, const session_identity& who, std::uint64_t ticket);
  void forget(const storage::token_hash& token);

  std::size_t size() const;

private:
  struct hash_of {
    std::size_t operator()(const storage::token_hash& h) const noexcept {
      std::size_t out = 0; // a SHA-256: any part of it is as good as the whole
      std::memcpy(&out, h.data() + 8, sizeof out);
      return out;
    }
  };
  struct entry {
    storage::token_hash token{};
    session_identity who;
    storage::timestamp until{};
  };
  struct part {
    mutable std::mutex guard;
    std::list<entry> recent; ///< most recently used first
    std::unordered_map<storage::token_hash, std::list<entry>::iterator, hash_of> where;
    std::uint64_t forgotten = 0; ///< counts forget(): the ticket
  };
  static constexpr std::size_t part_count = 16; ///< so that 200 threads seldom meet at one lock

  part& part_of(const storage::token_hash& token) noexcept { return parts_[token[0] % part_count]; }

  std::size_t part_capacity_;
  const runtime::clock& time_;
  std::array<part, part_count> parts_;
};

} // namespace souk::http
