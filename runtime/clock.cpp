#include "runtime/clock.hpp"

#include <ctime>

namespace souk::runtime {

namespace {

std::chrono::nanoseconds boot_time() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
}

} // namespace

database_clock::database_clock(storage::timestamp database_now) : base_(database_now), booted_(boot_time()) {
  // nop
}

storage::timestamp database_clock::now() const {
  return base_ + std::chrono::duration_cast<std::chrono::microseconds>(boot_time() - booted_);
}

} // namespace souk::runtime
