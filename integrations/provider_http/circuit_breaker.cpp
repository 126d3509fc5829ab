#include "integrations/provider_http/circuit_breaker.hpp"

#include <utility>

namespace souk::integrations {

circuit_breaker::circuit_breaker(int failures, std::chrono::milliseconds window, std::chrono::milliseconds pause)
  : limit_{failures}, window_{window}, pause_{pause} {
  // nop
}

bool circuit_breaker::admits(clock::time_point now) {
  std::lock_guard lock{mutex_};
  if (!open_)
    return true;
  if (now < probe_at_)
    return false;
  probe_at_ = now + pause_; // one probe per pause: should its report never come, another one follows
  return true;
}

void circuit_breaker::succeeded() {
  std::lock_guard lock{mutex_};
  failures_ = 0;
  open_ = false;
}

bool circuit_breaker::failed(clock::time_point now) {
  std::lock_guard lock{mutex_};
  failures_ = failures_ > 0 && now - last_failure_ > window_ ? 1 : failures_ + 1;
  last_failure_ = now;
  if (!open_ && failures_ < limit_)
    return false;
  probe_at_ = now + pause_;
  return !std::exchange(open_, true);
}

bool circuit_breaker::open() const {
  std::lock_guard lock{mutex_};
  return open_;
}

} // namespace souk::integrations
