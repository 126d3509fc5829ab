#include "soukd/shop_stack.hpp"

#include "actors/asking.hpp"
#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"
#include "integrations/events/event_log.hpp"
#include "integrations/events/redis_events.hpp"
#include "integrations/mail/stored_mail_world.hpp"
#include "integrations/shipping/carrier_events.hpp"
#include "integrations/webhooks/webhook_events.hpp"
#include "integrations/webhooks/webhook_http_sender.hpp"
#include "soukd/network.hpp"
#include "soukd/providers.hpp"
#include "soukd/secret_keys.hpp"
#include "soukd/shared_outbox.hpp"
#include "storage/postgres/deployment.hpp"
#include "storage/error.hpp"
#include "storage/migrator.hpp"

#include <algorithm>
#include <thread>

#include <spdlog/spdlog.h>

namespace souk::server {

namespace {

constexpr std::size_t event_readers = 4;    ///< of each provider's events
constexpr std::size_t consumer_threads = 2; ///< of each consumer of events

std::size_t scheduler_threads(const config::settings& s) {
  if (s.scheduler_threads > 0)
    return s.scheduler_threads;
  return std::max(2U, std::thread::hardware_concurrency());
}

std::string public_url_of(const config::settings& s) {
  if (!s.public_url.empty())
    return s.public_url.ends_with('/') ? s.public_url.substr(0, s.public_url.size() - 1) : s.public_url;
  return "http://" + s.listen_host + ":" + std::to_string(s.listen_port);
}

std::string cluster_address(const config::settings& s) {
  if (s.cluster_port == 0)
    return {};
  return s.cluster_address.empty() ? s.cluster_host + ":" + std::to_string(s.cluster_port) : s.cluster_address;
}

runtime::node_options node_options_of(const config::settings& s) {
  runtime::node_options o;
  o.name = s.node_name;
  o.cluster = s.cluster_name;
  o.address = cluster_address(s);
  o.lanes = s.journal_lanes;
  o.readers = s.readers;
  o.heartbeat = s.heartbeat_ms;
  o.member.membership.stale_after = s.node_stale_ms;
  o.member.membership.heartbeat = s.heartbeat_ms;
  o.member.membership.wire_oldest = runtime::wire_version_oldest;
  o.member.membership.moves_at_once = s.moves_at_once;
  o.member.peers.calls_max = s.peer_calls_max;
  o.member.peers.timeout = s.peer_timeout_ms;
  // The largest message between nodes is a product import, read: what it is read into is at most about as large.
  o.member.peers.frame_max = std::max(o.member.peers.frame_max, 2 * s.max_import_bytes);
  o.member.peers.bytes_max = std::max(o.member.peers.bytes_max, o.member.peers.frame_max);
  o.member.lane.batch_max = s.journal_batch_max;
  o.member.lane.queue_max = s.journal_queue_max;
  o.shards.idle = s.entity_idle_seconds;
  o.shards.entities_max = std::max<std::size_t>(4, s.entity_max / storage::shard_count);
  o.shards.drain = s.drain_ms;
  return o;
}

std::vector<runtime::database_parts> database_parts_of(const config::settings& s, const storage::postgres::databases& all) {
  std::vector<runtime::database_parts> out;
  for (std::size_t i = 0; i < all.all().size(); ++i) {
    const auto& db = all.all()[i];
    runtime::database_parts parts;
    parts.membership = storage::postgres::make_ownership_store(db);
    parts.before_joining = [url = db.url] { storage::check_schema(url); };
    parts.journal = [&db, i](std::size_t lane) {
      return std::shared_ptr<storage::journal_store>{
        storage::postgres::make_journal_store(db, std::to_string(i + 1) + "-" + std::to_string(lane))};
    };
    parts.reader = [&db, limit = s.reader_timeout_ms] {
      storage::postgres::reader_limits limits;
      limits.query = limit;
      return std::unique_ptr<storage::entity_reader>{storage::postgres::make_entity_reader(db, limits)};
    };
    out.push_back(std::move(parts));
  }
  return out;
}

/// The time of the first database that answers.
storage::timestamp first_time(const storage::postgres::databases& all) {
  for (std::size_t i = 0;; ++i) {
    try {
      return storage::postgres::make_ownership_store(all.all()[i])->now();
    } catch (const storage::unavailable& e) {
      if (i + 1 == all.all().size())
        throw;
      spdlog::warn("database {} does not answer: {}", all.name_of(i), e.what());
    }
  }
}

/// A database that does not answer is looked at when the node has joined it; its schema is its deployment's.
void check_schemas(const storage::postgres::databases& all) {
  for (std::size_t i = 0; i < all.all().size(); ++i) {
    try {
      storage::check_schema(all.all()[i].url);
    } catch (const storage::unavailable& e) {
      spdlog::warn("the schema of database {} is not known yet: {}", all.name_of(i), e.what());
    }
  }
}

} // namespace

actor_config::actor_config(const config::settings& s, std::size_t threads) {
  configure_network(*this, s);
  runtime::add_runtime_types(*this);
  actors::add_shop_types(*this);
  // Measured: an idle wake-up takes half the time it takes with work stealing, and idle threads cost nothing.
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", threads);
}

shop_stack::shop_stack(const config::settings& s)
  : settings_(s),
    databases_(s.database_url),
    clock_(first_time(databases_)),
    ids_(clock_),
    actor_config_(s, scheduler_threads(s)),
    system_(actor_config_),
    gateway_workers_(std::make_shared<runtime::thread_pool>("souk-gateway", s.gateway_workers, 20'000)),
    event_workers_(std::make_shared<runtime::thread_pool>("souk-events", 2, 20'000)),
    webhook_workers_(std::make_shared<runtime::thread_pool>("souk-webhooks", s.webhook_workers, 20'000)),
    secrets_(std::make_shared<actors::secret_box>(secret_keys(s))),
    webhooks_(std::make_shared<integrations::webhook_http_sender>(
      integrations::webhook_http_options{s.webhook_timeout_ms, s.webhook_allow_insecure}, secrets_)),
    node_(system_, node_options_of(s), database_parts_of(s, databases_), clock_, ids_,
          [this](storage::shard_id shard, std::uint8_t database) { databases_.place(shard, database); }) {
  make_services();
}

void shop_stack::make_services() {
  services_ = std::make_shared<actors::shop_services>();
  auto& services = services_;
  services->options.reservation = settings_.reservation_seconds;
  services->options.checkout_wait = settings_.checkout_wait_ms;
  services->options.cart_life = settings_.cart_days;
  services->options.cart_abandoned = settings_.cart_abandoned_seconds;
  services->options.public_url = public_url_of(settings_);
  services->gateways = make_gateways(settings_, secrets_);
  services->carriers = make_carriers(settings_, secrets_);
  // A provider that hangs keeps its own workers busy, and nobody else's.
  // What they tell of their own accord has a few of its own: anybody can send something that only looks like it.
  for (const std::string name : {"stripe", "paypal", "shipstation"}) {
    provider_workers_[name] = std::make_shared<runtime::thread_pool>("souk-" + name, settings_.gateway_workers, 20'000);
    provider_workers_[name + "-events"] = std::make_shared<runtime::thread_pool>("souk-" + name + "-ev", event_readers, 200);
  }
  for (const auto& [name, workers] : provider_workers_)
    services->provider_workers[name] = workers;
  services->gateway_workers = gateway_workers_;
  services->event_workers = event_workers_;
  services->readers = node_.readers();
  services->outbox = std::make_shared<shared_outbox>(
    [this] { return storage::postgres::make_sharded_outbox_store(databases_); });
  services->secrets = secrets_;
  services->webhooks = webhooks_;
  services->webhook_workers = webhook_workers_;
  services->events_done = [this](const std::string& consumer, std::size_t events, std::chrono::microseconds lag) {
    event_figures_.done(consumer, events, lag);
  };
  make_consumers();
}

void shop_stack::make_consumers() {
  add_consumer(std::make_shared<integrations::event_log>([this](const std::string& topic) { event_figures_.happened(topic); }),
               consumer_threads);
  if (!settings_.redis_url.empty())
    add_consumer(std::make_shared<integrations::redis_events>(settings_.redis_url), consumer_threads);
  add_consumer(std::make_shared<integrations::webhook_events>(system_, node_.routes()), consumer_threads);
  mail_ = make_mail_parts(settings_, services_->options.public_url, databases_, clock_, secrets_,
                          [this](storage::shard_id, storage::write_set rows) { return note_mail(std::move(rows)); });
  if (mail_.consumer)
    add_consumer(mail_.consumer, settings_.mail_workers);
  if (!services_->carriers.empty()) {
    // Their own readers: a query that is slow here must not keep an actor from loading.
    storage::postgres::reader_limits limits;
    limits.query = settings_.reader_timeout_ms;
    auto world = std::make_shared<integrations::stored_mail_world>(databases_, limits, nullptr);
    add_consumer(std::make_shared<integrations::carrier_events>(
                   services_->carriers, [world](const storage::ulid& id) { return world->load_order(id); },
                   [world](const storage::ulid& id) { return world->load_store(id); }),
                 consumer_threads);
  }
}

// Rows of mails are the store's: its actor writes them, on whichever node it is.
bool shop_stack::note_mail(storage::write_set rows) {
  actors::note_mail news;
  for (auto& row : rows.mutations) {
    if (auto* mail = std::get_if<storage::put_mail>(&row)) {
      news.store_id = mail->row.store_id;
      news.mails.push_back(std::move(mail->row));
    } else if (auto* address = std::get_if<storage::put_suppression>(&row)) {
      news.store_id = address->row.store_id;
      news.suppress.push_back(std::move(address->row));
    }
  }
  const auto answers = actors::ask_all<bool>(system_, node_.routes(), std::vector{std::pair{actors::store_at(news.store_id), news}},
                                             std::chrono::milliseconds{settings_.request_timeout_ms});
  return answers.front().value.value_or(false);
}

shop_stack::~shop_stack() {
  stop(std::chrono::milliseconds{0});
}

void shop_stack::start(std::function<void(const storage::ulid&, const storage::ulid&)> product_changed,
                       std::function<void(const storage::ulid&, std::int64_t)> stock_changed,
                       std::function<void(const std::string&)> fatal,
                       std::function<void(const std::string&, const std::string&)> on_notice) {
  check_schemas(databases_);
  storage::postgres::check_deployment(databases_);
  for (auto& more : listeners_)
    add_consumer(std::move(more), consumer_threads);
  consumer_names_ = {actors::user_index_consumer};
  for (const auto& c : services_->consumers)
    consumer_names_.push_back(c->name());
  services_->product_changed = std::move(product_changed);
  services_->stock_changed = std::move(stock_changed);
  node_.start(actors::shop_catalog(services_), open_network(system_, settings_, node_.self()), std::move(fatal),
              std::move(on_notice));
}

void shop_stack::add_consumer(std::shared_ptr<actors::event_consumer> consumer, std::size_t threads) {
  auto workers = std::make_shared<runtime::thread_pool>("souk-" + consumer->name(), threads, 20'000);
  consumer_workers_[consumer->name()] = workers;
  services_->consumer_workers[consumer->name()] = std::move(workers);
  consumers_.push_back(consumer);
  services_->consumers.push_back(std::move(consumer));
}

std::string shop_stack::vet_webhook(const std::string& address) const {
  return webhooks_->vet(address);
}

bool shop_stack::deliver_again(const std::string& consumer, const storage::outbox_event& event) const {
  for (const auto& c : consumers_)
    if (c->name() == consumer)
      return c->deliver({event}) == 1;
  return false;
}

void shop_stack::stop(std::chrono::milliseconds grace) {
  if (stopped_)
    return;
  stopped_ = true;
  // Consumers ask actors, so they end first; what they have not done is in the outbox.
  for (const auto& c : consumers_)
    c->stop();
  for (const auto& [name, workers] : consumer_workers_)
    workers->stop();
  node_.stop(grace);
  webhooks_->stop(); // what is queued is in the rows
  gateway_workers_->stop();
  webhook_workers_->stop();
  for (const auto& [name, workers] : provider_workers_)
    workers->stop();
  event_workers_->stop();
}

} // namespace souk::server
