#include "storage/postgres/reachability.hpp"

namespace souk::storage::postgres {

namespace {

/// One failure may be one connection's.
constexpr int failures_that_count = 3;
constexpr std::chrono::milliseconds pause{1000};
/// Longer than any attempt: whoever looks has told by then.
constexpr std::chrono::milliseconds attempt{5000};

std::int64_t ticks(reachability::clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

} // namespace

bool reachability::may_ask(clock::time_point now) noexcept {
  if (failures_.load(std::memory_order_relaxed) < failures_that_count)
    return true;
  auto at = ask_again_at_.load(std::memory_order_relaxed);
  return ticks(now) >= at && ask_again_at_.compare_exchange_strong(at, ticks(now + attempt));
}

void reachability::failed(clock::time_point now) noexcept {
  failures_.fetch_add(1, std::memory_order_relaxed);
  ask_again_at_.store(ticks(now + pause), std::memory_order_relaxed);
}

} // namespace souk::storage::postgres
