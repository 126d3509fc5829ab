#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace souk::storage::postgres {

/// What all readers of a process know about one database together: whether it is worth asking. While it is away one caller at a time
/// looks whether it is back and the others fail at once, so that a server that does not even refuse cannot hold every thread for the
/// whole of its time limit. Any thread.
class reachability {
public:
  using clock = std::chrono::steady_clock;

  /// Whether to ask. false: it was away a moment ago, and looking again is not this caller's turn.
  bool may_ask(clock::time_point now = clock::now()) noexcept;
  void answered() noexcept { failures_.store(0, std::memory_order_relaxed); }
  void failed(clock::time_point now = clock::now()) noexcept;

private:
  std::atomic<int> failures_{0}; ///< in a row
  std::atomic<std::int64_t> ask_again_at_{0};
};

} // namespace souk::storage::postgres
