#include "storage/simulated/fault_plan.hpp"

#include <array>
#include <utility>

namespace souk::storage::simulated {

std::uint64_t random_source::next() noexcept {
  state_ += 0x9e3779b97f4a7c15U;
  auto z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::uint64_t random_source::below(std::uint64_t limit) noexcept {
  return limit == 0 ? 0 : next() % limit; // the bias is below 2^-40 for every limit a simulation uses
}

bool random_source::chance(double probability) noexcept {
  // Drawn even when the answer is known, so that changing one rate leaves the other draws of a seed where
  // they were.
  auto x = static_cast<double>(next() >> 11) * 0x1.0p-53;
  return x < probability;
}

ulid random_source::id(shard_id shard, timestamp at) noexcept {
  ulid out;
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  for (std::size_t i = 6; i-- > 0; ms >>= 8)
    out.bytes[i] = static_cast<std::uint8_t>(ms & 255);
  out.bytes[6] = shard;
  auto high = next();
  for (std::size_t i = 7; i < 15; ++i, high >>= 8)
    out.bytes[i] = static_cast<std::uint8_t>(high & 255U);
  out.bytes[15] = static_cast<std::uint8_t>(next() & 255U);
  return out;
}

void fault_plan::stop() noexcept {
  auto latency = rates_.latency;
  rates_ = {};
  rates_.latency = latency;
  scripted_.clear();
}

fault fault_plan::next_commit() {
  auto x = static_cast<double>(random_.next() >> 11) * 0x1.0p-53;
  if (!scripted_.empty()) {
    auto next = scripted_.front();
    scripted_.pop_front();
    return next;
  }
  const std::array<std::pair<double, fault>, 7> bands{{{rates_.unavailable, fault::unavailable},
                                                       {rates_.lost_ack_applied, fault::lost_ack_applied},
                                                       {rates_.lost_ack_dropped, fault::lost_ack_dropped},
                                                       {rates_.lost_ack_late, fault::lost_ack_late},
                                                       {rates_.fenced, fault::fenced},
                                                       {rates_.restart, fault::restart},
                                                       {rates_.crash_in_commit, fault::crash_in_commit}}};
  for (auto [width, what] : bands) {
    if (x < width)
      return what;
    x -= width;
  }
  return fault::none;
}

bool fault_plan::next_read_fails() noexcept {
  return rates_.read_unavailable > 0 && random_.chance(rates_.read_unavailable);
}

std::chrono::microseconds fault_plan::next_delay() noexcept {
  auto delay = rates_.latency;
  if (rates_.slow > 0 && random_.chance(rates_.slow))
    delay +=
      std::chrono::microseconds{random_.below(static_cast<std::uint64_t>(rates_.slow_up_to.count()) + 1)};
  return delay;
}

std::chrono::microseconds fault_plan::next_outage() noexcept {
  return std::chrono::microseconds{1 + random_.below(static_cast<std::uint64_t>(rates_.restart_for.count()))};
}

} // namespace souk::storage::simulated
