#pragma once

#include <chrono>
#include <mutex>

namespace souk::integrations {

/// Stops calling a provider that is down, so that workers and shoppers do not wait for one time limit after the other.
///
///   closed --so many failures in a row--> open --after a pause, one call--> half open --success--> closed
///                                          ^------------------failure-----------'
///
/// A failure is the provider's: no answer, or a 5xx. That it refuses something (4xx) shows that it is well. Safe from any thread.
class circuit_breaker {
public:
  using clock = std::chrono::steady_clock;

  /// @param failures in a row that open it, from 1
  /// @param window failures further apart than this are not in a row
  /// @param pause before the first call is let through again
  circuit_breaker(int failures, std::chrono::milliseconds window, std::chrono::milliseconds pause);

  /// Whether a call may be made now. Whoever hears yes must report how it went.
  bool admits(clock::time_point now);
  void succeeded();
  /// @returns whether this failure closed the way: time to tell somebody
  bool failed(clock::time_point now);
  bool open() const;

private:
  int limit_;
  std::chrono::milliseconds window_;
  std::chrono::milliseconds pause_;
  mutable std::mutex mutex_;
  int failures_ = 0;
  clock::time_point last_failure_{};
  bool open_ = false;
  clock::time_point probe_at_{}; ///< when open: the next call is let through then
};

} // namespace souk::integrations
