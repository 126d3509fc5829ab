#pragma once

#include "actors/services.hpp"
#include "integrations/webhooks/webhook_payload.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <unordered_map>

namespace caf {
class actor_system;
} // namespace caf

namespace souk::runtime {
class router;
} // namespace souk::runtime

namespace souk::integrations {

/// Gives events that merchants may want to hear of to the webhooks of their store, which write them down before they answer.
class webhook_events final : public actors::event_consumer {
public:
  webhook_events(caf::actor_system& system, const runtime::router& routes) : system_(system), routes_(routes) {}

  std::string name() const override { return "webhooks"; }
  std::size_t deliver(const std::vector<storage::outbox_event>& events) override;
  bool parks_what_fails(storage::shard_id) const override { return false; } // a store's shard is away, not the event wrong
  /// From here on nothing is taken, so that whoever ends the process need not wait.
  void stop() override { stopping_ = true; }

private:
  bool has_none(const storage::ulid& store);
  void learned(const storage::outbox_event& e, bool has_webhooks);

  caf::actor_system& system_;
  const runtime::router& routes_;
  std::atomic<bool> stopping_{false};
  std::array<std::atomic<bool>, storage::shard_count> slow_{}; ///< shards that did not answer in time when they were last asked
  std::mutex guard_;
  /// Stores that had no webhook when they were asked, and until when that is believed. What may change it comes as an event of
  /// the same shard, in order; the time is for shards that were another node's in between.
  std::unordered_map<storage::ulid, std::chrono::steady_clock::time_point> without_;
};

} // namespace souk::integrations
