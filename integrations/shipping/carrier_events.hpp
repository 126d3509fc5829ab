#pragma once

#include "actors/services.hpp"
#include "actors/shipping/carrier.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace souk::integrations {

/// Tells shipping services of orders: one that is paid is to be shipped, one that was cancelled or refunded before it left is not.
/// A service that takes no more for now is waited for, and the orders behind it in the shard with it: its limits are by the minute.
/// What it refuses (an address it cannot read, credentials that were withdrawn) is logged and left to the merchant.
class carrier_events final : public actors::event_consumer {
public:
  using order_loader = std::function<std::optional<storage::order_snapshot>(const storage::ulid&)>;
  using store_loader = std::function<std::optional<storage::store_row>(const storage::ulid&)>;

  /// Both loaders block within a time limit and throw storage::unavailable.
  carrier_events(std::map<std::string, std::shared_ptr<actors::carrier>> carriers, order_loader orders, store_loader stores)
    : carriers_(std::move(carriers)), orders_(std::move(orders)), stores_(std::move(stores)) {}

  std::string name() const override { return "carriers"; }
  std::size_t deliver(const std::vector<storage::outbox_event>& events) override;
  void stop() override { stopping_ = true; }
  bool parks_what_fails(storage::shard_id shard) const override { return !waits_[shard].load(); }

private:
  bool handle(const storage::outbox_event& event);
  bool ships_nothing(const storage::ulid& store);
  void learned(const storage::store_row& store);

  std::map<std::string, std::shared_ptr<actors::carrier>> carriers_;
  order_loader orders_;
  store_loader stores_;
  std::atomic<bool> stopping_{false};
  std::array<std::atomic<bool>, storage::shard_count> waits_{}; ///< by shard: shards are served side by side
  std::mutex guard_;
  /// Stores without an account when they were looked at, and until when that is believed.
  std::unordered_map<storage::ulid, std::chrono::steady_clock::time_point> without_;
};

} // namespace souk::integrations
