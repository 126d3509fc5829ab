#pragma once

#include "storage/redis/redis_client.hpp"

#include <utility>

namespace souk::storage::redis {

/// Fields of one entry, in order.
using stream_entry = std::vector<std::pair<std::string, std::string>>;

/// Appends to a Redis stream. For one thread. The stream is for whoever listens now: it is trimmed, and an entry may be there twice
/// when an answer was lost.
class redis_stream {
public:
  /// @param length_max about how many entries the stream keeps
  redis_stream(const std::string& url, std::string key, std::int64_t length_max, client_limits limits = {});

  /// Appends all entries in one round trip, in their order.
  /// @returns false when Redis is away or refused one: the caller delivers them again later
  bool append(const std::vector<stream_entry>& entries);

private:
  client client_;
  std::string key_;
  std::int64_t length_max_;
};

} // namespace souk::storage::redis
