#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace souk::config {

enum class log_level : std::uint8_t { trace, debug, info, warn, error };

std::string_view to_string(log_level level);

/// Everything an operator can choose. A member's name is its key in the file, with dashes its flag
/// (`--listen-port`), and in capitals after `SOUK_` its environment variable. The unit is in the name because
/// files and flags have no types. Ranges are enforced where a value enters (see `all_settings`), so the code
/// that reads a setting need not check it again.
struct settings {
  // -- where things are ---------------------------------------------------------

  /// libpq URLs. Shards are spread over all of them; the first also holds the directory. Order matters, and
  /// is for ever.
  std::vector<std::string> database_url;
  /// `redis://host:port[/db]` or `unix:///path`; empty runs without Redis: everything works, slower.
  std::string redis_url;
  /// A node that comes back under the same name takes its own shards at once instead of waiting until it is
  /// stale.
  std::string node_name = "node-1";
  /// Where shoppers reach this shop from outside; empty means http://listen_host:listen_port.
  std::string public_url;

  // -- http ----------------------------------------------------------------------

  std::string listen_host = "127.0.0.1";
  /// 0 lets the kernel choose.
  std::uint16_t listen_port = 8081;
  /// Each holds one connection of the edge proxy, and waits on commits most of the time.
  std::size_t http_threads = 200;
  /// Requests beyond this many at a time hear 503 with Retry-After.
  std::size_t max_in_flight = 512;
  /// The one deadline that a request carries from the edge to its actors.
  std::chrono::milliseconds request_timeout_ms{5000};
  std::size_t max_body_bytes = std::size_t{1} << 20;
  /// The same limit for product imports.
  std::size_t max_import_bytes = std::size_t{32} << 20;

  // -- storage -------------------------------------------------------------------

  /// Journal workers per database, one connection each.
  std::size_t journal_lanes = 2;
  /// Write sets in one transaction. More adds latency to the first without making the batch cheaper.
  std::size_t journal_batch_max = 256;
  /// Write sets that may wait in one lane; more are refused with 503.
  std::size_t journal_queue_max = 32768;
  /// Connections of the reader pool, per database.
  std::size_t readers = 4;
  std::chrono::milliseconds reader_timeout_ms{2000};

  // -- shopping ------------------------------------------------------------------

  /// How long unpaid stock is held for a shopper.
  std::chrono::seconds reservation_seconds{900};
  std::chrono::days cart_days{30};
  std::chrono::days session_days{30};
  /// How long a checkout waits for its gateway before it answers `pending`.
  std::chrono::milliseconds checkout_wait_ms{1000};

  // -- actors --------------------------------------------------------------------

  /// An actor without messages for this long is passivated.
  std::chrono::seconds entity_idle_seconds{300};
  /// Active actors per node; beyond it the least recently used are passivated.
  std::size_t entity_max = 200000;
  /// Threads that run actors; 0 means one per core.
  std::size_t scheduler_threads = 0;

  // -- cluster -------------------------------------------------------------------

  /// Nodes of different clusters refuse each other, even on the same database.
  std::string cluster_name = "souk";
  /// Where this node listens for other nodes; port 0 means that it is alone and takes no calls from others.
  std::string cluster_host = "127.0.0.1";
  std::uint16_t cluster_port = 0;
  /// host:port that other nodes are told to dial; empty means cluster_host:cluster_port.
  std::string cluster_address;
  /// PEM files: our certificate and key, and the private authority whose certificates are believed. All or none; without them
  /// nodes speak plain TCP, which is allowed on loopback addresses only.
  std::string cluster_certificate;
  std::string cluster_key;
  std::string cluster_authority;
  std::chrono::milliseconds heartbeat_ms{500};
  /// A node silent for this long, by the database's clock, may lose its shards.
  std::chrono::milliseconds node_stale_ms{4000};
  /// Shards that a node hands over at once when ownership is evened out.
  std::size_t moves_at_once = 8;
  /// How long a shard that moves waits for what is under way before it cuts it off.
  std::chrono::milliseconds drain_ms{3000};
  /// Calls to other nodes under way at once; more are refused with 503.
  std::size_t peer_calls_max = 32768;
  /// A node that does not answer a call for so long is given up on.
  std::chrono::milliseconds peer_timeout_ms{4000};

  // -- payment -------------------------------------------------------------------

  /// Calls to payment gateways under way at once.
  std::size_t gateway_workers = 32;
  /// Empty means that no sandbox is offered to shoppers.
  std::string sandbox_gateway_url;
  std::chrono::milliseconds gateway_timeout_ms{10000};
  /// Where the providers are reached. Other addresses than these are for tests.
  std::string stripe_url = "https://api.stripe.com";
  std::string paypal_url = "https://api-m.paypal.com";
  std::string shipstation_url = "https://ssapi.shipstation.com";

  // -- secrets -------------------------------------------------------------------

  /// Seals merchants' credentials and signs links in mails: 64 hex characters each, the first seals, all open. None here: read
  /// from the file, one per line.
  std::vector<std::string> secret_key;
  std::string secret_key_file;

  // -- mail ----------------------------------------------------------------------

  /// `smtp://host:port` or `smtps://user:password@host:port`; empty sends no mail unless SendGrid does.
  std::string smtp_url;
  /// Whether a server on smtp:// must offer STARTTLS.
  bool smtp_require_tls = true;
  std::string sendgrid_url = "https://api.sendgrid.com";
  std::string sendgrid_key;
  /// base64 of the public key that SendGrid signs its events with.
  std::string sendgrid_webhook_key;
  std::string mail_from = "shop@localhost";
  std::chrono::milliseconds mail_timeout_ms{10000};
  std::size_t mail_workers = 4;
  /// A cart left for so long is abandoned: its shopper is reminded, once.
  std::chrono::seconds cart_abandoned_seconds{3600};

  // -- merchants' webhooks -------------------------------------------------------

  /// They wait for receivers most of the time.
  std::size_t webhook_workers = 32;
  std::chrono::milliseconds webhook_timeout_ms{5000};
  /// Whether webhooks may go to plain http and to private addresses: for tests only.
  bool webhook_allow_insecure = false;

  // -- passwords -----------------------------------------------------------------

  /// argon2id takes 19 MiB and tens of milliseconds each, hence few at a time and a bounded queue.
  std::size_t hash_workers = 2;
  std::size_t hash_queue_max = 64;

  // -- log -----------------------------------------------------------------------

  config::log_level log_level = config::log_level::info;
  /// Empty means stderr.
  std::string log_file;
};

/// One row of the table that help, file, environment and flags are all made from.
struct setting {
  std::string name;        ///< as in the file: listen_port
  std::string description; ///< for the help text, with unit and range
  bool secret = false;     ///< may hold a password: shown redacted
  bool hidden = false;     ///< is a secret: never shown
  bool repeatable = false; ///< takes several values
  /// Sets the member, or returns why it cannot ("must be between 1 and 65535").
  std::function<std::optional<std::string>(settings&, std::span<const std::string>)> assign;
  /// What the member is now, as one would write it.
  std::function<std::vector<std::string>(const settings&)> show;
};

const std::vector<setting>& all_settings();

/// What no single value shows: settings that contradict each other. Empty when all is well.
std::optional<std::string> contradiction(const settings& chosen);

/// `postgres://shop:secret@db/souk` becomes `postgres://shop:***@db/souk`; a `password=` keyword is hidden as
/// well.
std::string redacted(std::string_view url);

/// `name=value` of every setting, without secrets: for the log.
std::vector<std::string> describe(const settings& chosen);

} // namespace souk::config
