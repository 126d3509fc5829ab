#pragma once

#include <atomic>
#include <cstdint>

namespace souk::sandbox {

/// What a tester switches on while the gateway runs (`POST /v1/faults`); they hit calls about payments,
/// nothing else.
struct faults {
  std::atomic<std::int64_t> latency_ms{0}; ///< added before every call is looked at
  std::atomic<std::int64_t> drop_next{
    0}; ///< so many commands are executed, then the connection closes without an answer
  std::atomic<std::int64_t> fail_next{0}; ///< so many commands answer 500 and execute nothing
  std::atomic<std::int64_t> limit_next{0}; ///< so many commands answer 429 and execute nothing
  std::atomic<bool> refuse{false};        ///< every connection closes before anything is executed

  /// Takes one from a counter. Returns false when it is used up.
  static bool take(std::atomic<std::int64_t>& counter) {
    auto left = counter.load();
    while (left > 0)
      if (counter.compare_exchange_weak(left, left - 1))
        return true;
    return false;
  }
};

} // namespace souk::sandbox
