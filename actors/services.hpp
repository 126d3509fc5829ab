#pragma once

#include "actors/payment/gateway.hpp"
#include "runtime/entity.hpp"
#include "runtime/executor.hpp"
#include "storage/outbox_store.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace caf {
class actor_system_config;
} // namespace caf

namespace souk::actors {

class carrier;
class secret_box;
class webhook_sender;

/// Someone who hears of every committed event, at least once and in order per shard. Called on a worker thread.
class event_consumer {
public:
  virtual ~event_consumer() = default;
  /// Names its cursor: never change it.
  virtual std::string name() const = 0;
  /// @returns how many of the events, from the first on, are done; the rest is given again after a while.
  virtual std::size_t deliver(const std::vector<storage::outbox_event>& events) = 0;
  /// Whether an event of the shard that keeps failing is put aside. False for a target that is simply down at times: it is waited
  /// for.
  virtual bool parks_what_fails(storage::shard_id) const { return true; }
  /// The node ends: deliver() begins with no further event and says how many are done. Called on another thread.
  virtual void stop() {}
};

/// The consumer that the dispatcher serves itself: the users' index of their orders.
inline constexpr const char* user_index_consumer = "user_index";

struct shop_options {
  std::chrono::seconds reservation{900};         ///< how long goods are held for an unpaid order
  std::chrono::milliseconds checkout_wait{1000}; ///< how long a checkout waits for its gateway before it answers "pending"
  std::chrono::hours cart_life{24 * 30};
  std::string public_url{};                      ///< where shoppers reach the shop
  std::chrono::seconds cart_abandoned{3600};     ///< a cart left for so long is abandoned: its shopper is reminded, once
  std::chrono::seconds payment_retry{5};         ///< how long to wait before a gateway that did not answer is asked again
  bool skip_idempotency_row = false;             ///< a mutant for the simulation's self-test; nothing else sets it
};

/// What the shop's actors share on a node.
struct shop_services {
  shop_options options;
  std::map<std::string, std::shared_ptr<gateway>> gateways; ///< by payment_method.type
  std::shared_ptr<runtime::executor> gateway_workers;
  /// Workers of a provider's own, so that a slow one takes none from the others.
  std::map<std::string, std::shared_ptr<runtime::executor>> provider_workers;
  std::shared_ptr<runtime::executor> event_workers;
  std::shared_ptr<runtime::reader_pool> readers;
  std::shared_ptr<storage::outbox_store> outbox; ///< used on event_workers only
  std::vector<std::shared_ptr<event_consumer>> consumers;
  /// Opens what merchants entrusted to us; null or without a key: nothing was.
  std::shared_ptr<const secret_box> secrets;
  std::map<std::string, std::shared_ptr<carrier>> carriers; ///< by carrier_account.provider
  std::shared_ptr<webhook_sender> webhooks;                 ///< null: none are sent
  std::shared_ptr<runtime::executor> webhook_workers;
  /// Workers of a consumer's own, by its name, so that a slow one takes none from the others.
  std::map<std::string, std::shared_ptr<runtime::executor>> consumer_workers;
  /// A consumer has done so many events, the first of them so long after its commit. May be empty.
  std::function<void(const std::string& consumer, std::size_t events, std::chrono::microseconds lag)> events_done;
  /// After a commit: what pages and caches know of the product (its texts, prices) or of a variant's stock is old.
  std::function<void(const storage::ulid& store, const storage::ulid& product)> product_changed;
  std::function<void(const storage::ulid& variant, std::int64_t available)> stock_changed;

  const std::shared_ptr<runtime::executor>& workers_of_consumer(const std::string& name) const {
    auto at = consumer_workers.find(name);
    return at == consumer_workers.end() ? event_workers : at->second;
  }
  const std::shared_ptr<runtime::executor>& workers_of(const std::string& provider) const {
    auto at = provider_workers.find(provider);
    return at == provider_workers.end() ? gateway_workers : at->second;
  }
};

/// Registers the shop's message types and its errors' names.
void add_shop_types(caf::actor_system_config& config);

/// Every kind of entity of the shop, for the shards.
runtime::entity_catalog shop_catalog(std::shared_ptr<const shop_services> services);

// One per folder; each says in its own header what its messages are.
runtime::entity_kind store_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind product_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind inventory_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind cart_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind order_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind checkout_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind user_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind reviews_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind import_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind supervisor_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind dispatcher_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind discount_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind gift_card_kind(std::shared_ptr<const shop_services> services);
runtime::entity_kind webhooks_kind(std::shared_ptr<const shop_services> services);

} // namespace souk::actors
