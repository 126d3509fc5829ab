#pragma once

#include "simulation/world/timeline.hpp"
#include "storage/outbox_store.hpp"
#include "storage/ownership_store.hpp"
#include "storage/simulated/database.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace souk::simulation {

/// One process' way to the database, which can be cut or slow while the database is well.
struct database_road {
  bool cut = false;
  microseconds slow{0}; ///< what every call takes longer, at most
  storage::simulated::random_source* random = nullptr;

  /// @throws storage::unavailable while it is cut
  void pass() const;
};

std::shared_ptr<storage::journal_store> journal_over(std::shared_ptr<const database_road> road,
                                                     std::shared_ptr<storage::simulated::journal_client> store);
std::shared_ptr<storage::outbox_store> outbox_over(std::shared_ptr<const database_road> road,
                                                   std::shared_ptr<storage::outbox_store> store);

/// The ownership rows as a node sees them. A look may be an old one: what it read may have changed before the node acts on it.
class ownership_over final : public storage::ownership_store {
public:
  ownership_over(std::shared_ptr<const database_road> road, std::shared_ptr<storage::ownership_store> store)
    : road_(std::move(road)), store_(std::move(store)) {}

  /// Told what it took and gave away.
  std::function<void(const std::string&)> on_change;
  std::size_t gave = 0; ///< shards, to other nodes
  /// Reads now what the next observe() returns. Does nothing before the first one.
  void look_ahead();
  /// What was read ahead is void: a look never reads before it has collected what was refused until then.
  void look_afresh() { ahead_.reset(); }

  void register_node(const storage::node_row& self) override;
  storage::observation observe(const storage::node_row& self, std::chrono::milliseconds stale_after) override;
  void deregister(const storage::ulid& incarnation) override;
  bool propose_view(std::int64_t expected, const std::vector<storage::ulid>& members) override;
  std::vector<storage::fence> acquire(const storage::node_row& self, const std::vector<storage::shard_id>& wanted,
                                      std::chrono::milliseconds stale_after) override;
  std::vector<storage::fence> hand_over(const storage::ulid& self, const std::vector<storage::fence>& held,
                                        const storage::node_row& next) override;
  void release(const std::vector<storage::fence>& held) override;
  void bury(const storage::ulid& incarnation) override;
  bool ask_to_drain(const std::string& name, bool drain) override;
  void quarantine(const std::vector<storage::fence>& known) override;
  std::vector<storage::node_row> nodes(std::chrono::milliseconds stale_after) override;
  std::vector<storage::shard_row> shards() override;
  storage::timestamp now() override;

private:
  storage::ownership_store& there() const;
  void tell(const char* does, const std::vector<storage::fence>& fences, const std::string& rest) const;

  std::shared_ptr<const database_road> road_;
  std::shared_ptr<storage::ownership_store> store_;
  std::optional<storage::node_row> self_; ///< of the last look
  std::chrono::milliseconds stale_after_{0};
  std::optional<storage::observation> ahead_;
};

} // namespace souk::simulation
