#include "runtime/id_source.hpp"

#include <cstring>
#include <stdexcept>
#include <sys/random.h>

namespace souk::runtime {

id_source::id_source(const clock& time) : time_(time), secure_(true) {
  // nop
}

id_source::id_source(const clock& time, std::uint64_t seed) : time_(time), random_(seed), secure_(false) {
  // nop
}

storage::ulid id_source::draw() {
  storage::ulid id;
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time_.now().time_since_epoch()).count();
  for (std::size_t i = 6; i-- > 0; ms >>= 8)
    id.bytes[i] = static_cast<std::uint8_t>(ms & 255);
  if (secure_) {
    // The kernel's generator hands out small requests whole; a buffer saves the system call for most ids.
    thread_local std::array<std::uint8_t, 250> pool;
    thread_local std::size_t used = pool.size();
    if (used + 10 > pool.size()) {
      if (getrandom(pool.data(), pool.size(), 0) != static_cast<ssize_t>(pool.size()))
        throw std::runtime_error("the kernel gave no random bytes");
      used = 0;
    }
    std::memcpy(id.bytes.data() + 6, pool.data() + used, 10);
    used += 10;
  } else {
    std::lock_guard lock{guard_};
    auto a = random_();
    auto b = random_();
    std::memcpy(id.bytes.data() + 6, &a, 8);
    std::memcpy(id.bytes.data() + 14, &b, 2);
  }
  return id;
}

storage::ulid id_source::fresh() {
  constexpr int draws_max = 64; // with one shard of many served it may still miss: then the caller hears that it is not
  auto id = draw();
  for (int i = 1; served_ && i < draws_max && !served_(id.shard()); ++i)
    id = draw();
  return id;
}

storage::ulid id_source::fresh_beside(const storage::ulid& owner) {
  auto id = draw();
  id.bytes[6] = owner.shard();
  return id;
}

} // namespace souk::runtime
