#pragma once

#include "actors/secret/secret_box.hpp"
#include "config/settings.hpp"
#include "http/auth/password.hpp"
#include "http/auth/session_cache.hpp"
#include "http/catalog_pages.hpp"
#include "http/facts.hpp"
#include "http/lending_pool.hpp"
#include "http/page_cache.hpp"
#include "http/shop_client.hpp"
#include "runtime/clock.hpp"
#include "runtime/id_source.hpp"
#include "storage/catalog_reader.hpp"
#include "storage/directory.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace souk::actors {
class mail_desk;
class mail_templates;
class secret_box;
struct shop_services;
} // namespace souk::actors

namespace prometheus {
class Registry;
struct MetricFamily;
} // namespace prometheus

namespace souk::http {

/// What GET /readyz says.
struct readiness {
  int shards_owned = 0;
  bool all_shards = false; ///< every shard had an owner, and this node is not about to leave
  bool database = false;   ///< answered lately
  bool leaving = false;    ///< it gives its shards away, and answers until the edge has noticed
};

/// What the edge stands on; soukd's main fills it. Everything outlives the server.
struct foundation {
  const config::settings& settings;
  caf::actor_system& system;
  const runtime::router& routes;
  const runtime::clock& time;
  runtime::id_source& ids;
  /// What the actors share: gateways, carriers, keys. Null offers none of them.
  std::shared_ptr<const actors::shop_services> services{};
  /// Made before the actors, whose hooks product_changed and stock_changed it gets.
  std::shared_ptr<page_cache> pages;
  /// A connection each; may throw storage::unavailable.
  std::function<std::unique_ptr<storage::catalog_reader>()> make_catalog_reader;
  std::function<std::unique_ptr<storage::directory>()> make_directory;
  std::function<readiness()> ready;
  /// What the cluster looks like from this node, as JSON. May be empty.
  std::function<std::string()> cluster_status;
  /// A session ended here: caches of other nodes should know. May be empty.
  std::function<void(const storage::token_hash&)> session_forgotten;
  std::shared_ptr<prometheus::Registry> metrics;
  /// Figures that are taken when they are asked for. May be empty.
  std::function<std::vector<prometheus::MetricFamily>()> more_metrics;
  /// Seals what merchants entrust to us. Null or without a key: nothing can be.
  std::shared_ptr<const actors::secret_box> secrets = {};
  /// Null: this deployment sends no mail.
  std::shared_ptr<const actors::mail_templates> mail_templates = {};
  std::shared_ptr<actors::mail_desk> mail_desk = {};
  /// Whether a merchant's webhook may be called; empty, or why not. May block for a moment. May be empty: any may.
  std::function<std::string(const std::string& address)> vet_webhook = {};
};

/// What routes work with.
struct service {
  explicit service(foundation from);

  /// A session ended: this node forgets it at once, the others within milliseconds.
  void forget_session(const storage::token_hash& token) const;

  foundation base;
  shop_client actors;
  mutable lending_pool<storage::catalog_reader> catalog;
  mutable lending_pool<storage::directory> names;
  mutable password_hasher passwords;
  mutable session_cache sessions;
  mutable facts known;
  mutable catalog_pages pages;
};

} // namespace souk::http
