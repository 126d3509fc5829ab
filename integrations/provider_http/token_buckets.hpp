#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>

namespace souk::integrations {

/// A token bucket per account: so many calls a second in the long run, and a burst at once. Nobody waits for a token: who gets
/// none comes back later, so that one busy merchant does not hold the workers of all. Safe from any thread.
class token_buckets {
public:
  using clock = std::chrono::steady_clock;

  /// @param calls_per_second and burst above zero
  token_buckets(double calls_per_second, double burst);

  /// Takes a token. @returns false when there is none, or the account is held back
  bool take(const std::string& account, clock::time_point now);
  /// The provider said that nothing more of this account is welcome before `until`.
  void hold_back(const std::string& account, clock::time_point until);

private:
  struct bucket {
    double tokens;
    clock::time_point at; ///< when `tokens` was true
    clock::time_point held_until{};
  };
  void forget_full_ones(clock::time_point now);

  double rate_;
  double burst_;
  std::mutex mutex_;
  std::unordered_map<std::string, bucket> buckets_;
  std::size_t tidy_at_; ///< number of buckets at which those that are full again are forgotten
};

} // namespace souk::integrations
