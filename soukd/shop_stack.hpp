#pragma once

#include "actors/secret/secret_box.hpp"
#include "actors/services.hpp"
#include "actors/webhooks/sender.hpp"
#include "config/settings.hpp"
#include "runtime/clock.hpp"
#include "runtime/id_source.hpp"
#include "runtime/node.hpp"
#include "runtime/thread_pool.hpp"
#include "soukd/event_figures.hpp"
#include "soukd/mail_parts.hpp"
#include "storage/postgres/postgres.hpp"

#include <functional>
#include <map>
#include <memory>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

namespace souk::integrations {
class webhook_http_sender;
} // namespace souk::integrations

namespace souk::server {

/// The actor system's configuration: message types, error names, the scheduler that wakes fastest when idle.
struct actor_config : caf::actor_system_config {
  actor_config(const config::settings& s, std::size_t threads);
};

/// A whole shop without its HTTP edge: databases, gateways, actors, shards. What soukd serves and what benchmarks drive.
class shop_stack {
public:
  /// Connects and asks the database for its time. @throws storage::unavailable
  explicit shop_stack(const config::settings& s);
  ~shop_stack();

  /// What the actors share: gateways, carriers, keys.
  std::shared_ptr<const actors::shop_services> services() const { return services_; }
  /// Takes the shards and begins to serve. `hooks` are called after commits that make pages old.
  /// @param fatal this process must end: it was declared dead
  /// @param on_notice what another node told all others; called on an actor's thread
  void start(std::function<void(const storage::ulid& store, const storage::ulid& product)> product_changed,
             std::function<void(const storage::ulid& variant, std::int64_t available)> stock_changed,
             std::function<void(const std::string&)> fatal,
             std::function<void(const std::string& topic, const std::string& body)> on_notice = {});
  /// Somebody more who hears of every event. @pre not started yet
  void listen(std::shared_ptr<actors::event_consumer> consumer) { listeners_.push_back(std::move(consumer)); }
  /// Drains within the grace period. Safe to call twice.
  void stop(std::chrono::milliseconds grace);

  caf::actor_system& system() { return system_; }
  runtime::node& node() { return node_; }
  runtime::id_source& ids() { return ids_; }
  const runtime::clock& clock() const { return clock_; }
  const storage::postgres::databases& databases() const { return databases_; }
  const config::settings& settings() const { return settings_; }
  /// The names of the outbox's consumers. @pre start()
  const std::vector<std::string>& consumer_names() const { return consumer_names_; }
  /// Gives a consumer an event once more; @returns whether it was taken. @pre start()
  bool deliver_again(const std::string& consumer, const storage::outbox_event& event) const;
  const server::event_figures& event_figures() const { return event_figures_; }
  /// Without a key when the settings have none.
  const std::shared_ptr<const actors::secret_box>& secrets() const { return secrets_; }
  const mail_parts& mail() const { return mail_; }
  /// Whether a merchant's webhook may be called; empty, or why not. Resolves its name.
  std::string vet_webhook(const std::string& address) const;

private:
  void make_services();
  void make_consumers();
  bool note_mail(storage::write_set rows);
  void add_consumer(std::shared_ptr<actors::event_consumer> consumer, std::size_t threads);

  config::settings settings_;
  storage::postgres::databases databases_;
  runtime::database_clock clock_;
  runtime::id_source ids_;
  actor_config actor_config_;
  caf::actor_system system_;
  server::event_figures event_figures_;
  std::shared_ptr<runtime::thread_pool> gateway_workers_;
  std::shared_ptr<runtime::thread_pool> event_workers_;
  std::shared_ptr<runtime::thread_pool> webhook_workers_;
  std::map<std::string, std::shared_ptr<runtime::thread_pool>> consumer_workers_; ///< by the consumer's name
  std::shared_ptr<const actors::secret_box> secrets_;
  std::shared_ptr<integrations::webhook_http_sender> webhooks_;
  std::map<std::string, std::shared_ptr<runtime::thread_pool>> provider_workers_; ///< by the provider's name
  mail_parts mail_;
  runtime::node node_;
  std::shared_ptr<actors::shop_services> services_; ///< not changed once started
  std::vector<std::string> consumer_names_;
  std::vector<std::shared_ptr<actors::event_consumer>> listeners_, consumers_;
  bool stopped_ = false;
};

} // namespace souk::server
