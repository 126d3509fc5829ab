#pragma once

#include "actors/services.hpp"

#include <memory>
#include <mutex>

namespace souk::storage::redis {
class redis_stream;
}

namespace souk::integrations {

/// Puts every event into the Redis stream `souk:events`, for anyone outside. An entry carries its (shard, seq, n): a reader that sees one
/// twice knows it by that.
class redis_events final : public actors::event_consumer {
public:
  explicit redis_events(const std::string& url);
  ~redis_events() override;

  std::string name() const override { return "redis_stream"; }
  std::size_t deliver(const std::vector<storage::outbox_event>& events) override;
  bool parks_what_fails(storage::shard_id) const override { return false; } // Redis is away, not the event wrong

private:
  std::mutex guard_; ///< the stream is for one thread at a time
  std::unique_ptr<storage::redis::redis_stream> stream_;
};

} // namespace souk::integrations
