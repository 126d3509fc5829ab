#pragma once

#include "storage/redis/redis_client.hpp"

namespace souk::storage::redis {

/// A value and the seq of the commit it was read after.
struct cached {
  std::string value;
  std::int64_t seq = 0;
};

/// Values with a lifetime. A value that carries a seq replaces only an older one, so a reader that was slow cannot bring old bytes
/// back. For one thread; without Redis every get is absent and every set is nothing.
class redis_cache {
public:
  explicit redis_cache(const std::string& url, client_limits limits = {});

  std::optional<cached> get(const std::string& key);
  /// One entry per key, in their order, in one round trip.
  std::vector<std::optional<cached>> get(const std::vector<std::string>& keys);
  /// @param seq of the shard when the value was read, or later
  /// @returns false when a newer value is there, or Redis is away
  bool set_if_newer(const std::string& key, const std::string& value, std::int64_t seq, std::chrono::milliseconds lifetime);
  /// Leaves a marker of that seq behind (a tombstone without a value) for `lifetime`: a value read before the commit that made
  /// `seq` is then not accepted any more, even if it arrives after this call.
  void invalidate(const std::vector<std::string>& keys, std::int64_t seq, std::chrono::milliseconds lifetime);
  void erase(const std::vector<std::string>& keys);

private:
  client client_;
};

} // namespace souk::storage::redis
