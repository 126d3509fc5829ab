#include "integrations/provider_http/token_buckets.hpp"

#include <algorithm>

namespace souk::integrations {

namespace {

constexpr std::size_t tidy_first = 4096;

double seconds_between(token_buckets::clock::time_point from, token_buckets::clock::time_point to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

} // namespace

token_buckets::token_buckets(double calls_per_second, double burst)
  : rate_{calls_per_second}, burst_{burst}, tidy_at_{tidy_first} {
  // nop
}

bool token_buckets::take(const std::string& account, clock::time_point now) {
  std::lock_guard lock{mutex_};
  if (buckets_.size() >= tidy_at_)
    forget_full_ones(now);
  auto& mine = buckets_.try_emplace(account, bucket{burst_, now}).first->second;
  mine.tokens = std::min(burst_, mine.tokens + rate_ * seconds_between(mine.at, now));
  mine.at = std::max(mine.at, now); // another thread may have read its clock earlier
  if (now < mine.held_until || mine.tokens < 1)
    return false;
  mine.tokens -= 1;
  return true;
}

void token_buckets::hold_back(const std::string& account, clock::time_point until) {
  std::lock_guard lock{mutex_};
  auto& mine = buckets_.try_emplace(account, bucket{burst_, clock::now()}).first->second;
  mine.held_until = std::max(mine.held_until, until);
}

// A bucket that is full and not held back says what no bucket says.
void token_buckets::forget_full_ones(clock::time_point now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    const auto& b = entry.second;
    return b.held_until <= now && b.tokens + rate_ * seconds_between(b.at, now) >= burst_;
  });
  tidy_at_ = std::max(tidy_first, 2 * buckets_.size());
}

} // namespace souk::integrations
