#include "config/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <regex>
#include <type_traits>

#include <arpa/inet.h>

namespace souk::config {

namespace {

using problem = std::optional<std::string>;
using values = std::span<const std::string>;

constexpr std::array level_names{"trace", "debug", "info", "warn", "error"};

struct range {
  std::int64_t low;
  std::int64_t high;
};

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || text.empty())
    return std::nullopt;
  return number;
}

/// Bytes may be written 1048576, 1024KiB or 1MiB.
std::optional<std::int64_t> parse_bytes(std::string_view text) {
  std::int64_t unit = 1;
  for (const auto& [suffix, bytes] : {std::pair{"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}}) {
    if (text.ends_with(suffix)) {
      text.remove_suffix(3);
      unit = bytes;
      break;
    }
  }
  const auto number = parse_integer(text);
  if (!number || *number > std::numeric_limits<std::int64_t>::max() / unit)
    return std::nullopt;
  return *number * unit;
}

template <class T>
T from_integer(std::int64_t number) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(number);
  else
    return T{static_cast<typename T::rep>(number)};
}

template <class T>
std::int64_t to_integer(T value) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<std::int64_t>(value);
  else
    return static_cast<std::int64_t>(value.count());
}

template <class T>
setting whole_number(std::string name, T settings::*member, range allowed, std::string_view unit,
                     std::string_view what) {
  const bool bytes = unit == "bytes";
  auto assign = [member, allowed, bytes](settings& into, values given) -> problem {
    const auto number = bytes ? parse_bytes(given.back()) : parse_integer(given.back());
    if (!number)
      return fmt::format("'{}' is not a whole number{}", given.back(),
                         bytes ? " (of bytes, KiB, MiB or GiB)" : "");
    if (*number < allowed.low || *number > allowed.high)
      return fmt::format("{} is not between {} and {}", *number, allowed.low, allowed.high);
    into.*member = from_integer<T>(*number);
    return std::nullopt;
  };
  auto show = [member](const settings& from) {
    return std::vector{std::to_string(to_integer(from.*member))};
  };
  return {.name = std::move(name),
          .description =
            fmt::format("{} ({}{}{} to {})", what, unit, unit.empty() ? "" : ", ", allowed.low, allowed.high),
          .assign = std::move(assign),
          .show = std::move(show)};
}

/// `check` returns why a text is refused, or nothing.
setting text(std::string name, std::string settings::*member, problem (*check)(const std::string&),
             std::string what, bool secret = false) {
  auto assign = [member, check](settings& into, values given) -> problem {
    if (auto refused = check(given.back()))
      return refused;
    into.*member = given.back();
    return std::nullopt;
  };
  auto show = [member](const settings& from) {
    return (from.*member).empty() ? std::vector<std::string>{} : std::vector{from.*member};
  };
  return {.name = std::move(name),
          .description = std::move(what),
          .secret = secret,
          .assign = std::move(assign),
          .show = std::move(show)};
}

problem anything(const std::string&) {
  return std::nullopt;
}

problem host_name(const std::string& given) {
  static const std::regex allowed{"[A-Za-z0-9.:_-]{1,253}"};
  return std::regex_match(given, allowed) ? problem{}
                                          : fmt::format("'{}' is not a host name or address", given);
}

problem host_and_port(const std::string& given) {
  static const std::regex allowed{R"((\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253}):\d{1,5})"};
  return given.empty() || std::regex_match(given, allowed) ? problem{} : fmt::format("'{}' is not host:port", given);
}

problem node_name(const std::string& given) {
  static const std::regex allowed{"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"};
  return std::regex_match(given, allowed)
         ? problem{}
         : fmt::format("'{}' is not a name of 1 to 63 letters, digits, dots, dashes and underscores", given);
}

problem http_url(const std::string& given) {
  static const std::regex allowed{"https?://[^/\\s]+(/\\S*)?"};
  return given.empty() || std::regex_match(given, allowed)
         ? problem{}
         : fmt::format("'{}' is not an http:// or https:// URL", given);
}

problem redis_url(const std::string& given) {
  static const std::regex allowed{R"((redis://([^@\s]*@)?[^/:\s]+(:\d{1,5})?(/\d+)?)|(unix:///\S+))"};
  return given.empty() || std::regex_match(given, allowed)
         ? problem{}
         : fmt::format("'{}' is neither redis://host:port nor unix:///path", redacted(given));
}

problem database_url(const std::string& given) {
  const bool url = given.starts_with("postgresql://") || given.starts_with("postgres://");
  const bool keywords = given.find('=') != std::string::npos;
  return url || keywords ? problem{} : fmt::format("'{}' is not a postgresql:// URL", redacted(given));
}

setting database_urls() {
  auto assign = [](settings& into, values given) -> problem {
    std::vector<std::string> urls{given.begin(), given.end()};
    for (const auto& url : urls) {
      if (auto refused = database_url(url))
        return refused;
    }
    auto sorted = urls;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end())
      return "the same database is named twice";
    into.database_url = std::move(urls);
    return std::nullopt;
  };
  return {.name = "database_url",
          .description = "PostgreSQL, one or several; the first also holds the directory (postgresql:// URL)",
          .secret = true,
          .repeatable = true,
          .assign = std::move(assign),
          .show = [](const settings& from) { return from.database_url; }};
}

problem secret_key(const std::string& given) {
  static const std::regex allowed{"[0-9a-fA-F]{64}"};
  return std::regex_match(given, allowed) ? problem{} : problem{"a secret key is 64 hex characters: openssl rand -hex 32"};
}

setting secret_keys() {
  auto assign = [](settings& into, values given) -> problem {
    for (const auto& key : given)
      if (auto refused = secret_key(key))
        return refused;
    into.secret_key = {given.begin(), given.end()};
    return std::nullopt;
  };
  return {.name = "secret_key",
          .description = "seals merchants' credentials: the first seals, all open (64 hex characters)",
          .hidden = true,
          .repeatable = true,
          .assign = std::move(assign),
          .show = [](const settings& from) { return from.secret_key; }};
}

problem smtp_server(const std::string& given) {
  static const std::regex allowed{R"(smtps?://([^@\s/]+@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?)"};
  return given.empty() || std::regex_match(given, allowed)
         ? problem{}
         : fmt::format("'{}' is not smtp://host:port or smtps://user:password@host:port", redacted(given));
}

problem mail_address(const std::string& given) {
  static const std::regex allowed{"[^@\\s<>]{1,64}@[A-Za-z0-9.-]{1,190}"};
  return std::regex_match(given, allowed) ? problem{} : fmt::format("'{}' is not an e-mail address", given);
}

setting yes_or_no(std::string name, bool settings::*member, std::string what) {
  auto assign = [member](settings& into, values given) -> problem {
    if (given.back() != "true" && given.back() != "false")
      return fmt::format("'{}' is neither true nor false", given.back());
    into.*member = given.back() == "true";
    return std::nullopt;
  };
  return {.name = std::move(name),
          .description = std::move(what) + " (true or false)",
          .assign = std::move(assign),
          .show = [member](const settings& from) { return std::vector<std::string>{from.*member ? "true" : "false"}; }};
}

/// A text that is never shown, like a key.
setting hidden(setting of) {
  of.hidden = true;
  return of;
}

setting log_levels() {
  auto assign = [](settings& into, values given) -> problem {
    const auto found = std::ranges::find(level_names, given.back());
    if (found == level_names.end())
      return fmt::format("'{}' is not one of {}", given.back(), fmt::join(level_names, ", "));
    into.log_level = static_cast<log_level>(found - level_names.begin());
    return std::nullopt;
  };
  return {.name = "log_level",
          .description = fmt::format("what to log ({})", fmt::join(level_names, ", ")),
          .assign = std::move(assign),
          .show = [](const settings& from) { return std::vector{std::string{to_string(from.log_level)}}; }};
}

constexpr std::int64_t ms_per_minute = 60'000;
constexpr std::int64_t gib = std::int64_t{1} << 30;

std::vector<setting> make_table() {
  using s = settings;
  return {
    database_urls(),
    text("redis_url", &s::redis_url, redis_url, "redis://host:port or unix:///path; empty: run without Redis",
         true),
    text("node_name", &s::node_name, node_name,
         "this node; restarted under its name it takes its shards back at once"),
    text("public_url", &s::public_url, http_url,
         "where shoppers reach the shop; empty: the listening address"),
    text("listen_host", &s::listen_host, host_name, "address to listen on"),
    whole_number("listen_port", &s::listen_port, {0, 65535}, "", "port to listen on, 0: any free one"),
    whole_number("http_threads", &s::http_threads, {1, 10000}, "threads", "connections served at once"),
    whole_number("max_in_flight", &s::max_in_flight, {1, 100000}, "requests",
                 "more at once are answered 503"),
    whole_number("request_timeout_ms", &s::request_timeout_ms, {10, 10 * ms_per_minute}, "ms",
                 "deadline of a request"),
    whole_number("max_body_bytes", &s::max_body_bytes, {1024, gib}, "bytes", "largest request body"),
    whole_number("max_import_bytes", &s::max_import_bytes, {1024, gib}, "bytes", "largest product import"),
    whole_number("journal_lanes", &s::journal_lanes, {1, 64}, "lanes",
                 "writers per database, a connection each"),
    whole_number("journal_batch_max", &s::journal_batch_max, {1, 4096}, "write sets",
                 "most in one transaction"),
    whole_number("journal_queue_max", &s::journal_queue_max, {1, 1'000'000}, "write sets",
                 "most waiting in a lane"),
    whole_number("readers", &s::readers, {1, 256}, "connections", "reader pool per database"),
    whole_number("reader_timeout_ms", &s::reader_timeout_ms, {10, 10 * ms_per_minute}, "ms",
                 "time limit of a read"),
    whole_number("reservation_seconds", &s::reservation_seconds, {1, 86400}, "s",
                 "how long unpaid stock is held"),
    whole_number("cart_days", &s::cart_days, {1, 3650}, "days", "how long an untouched cart is kept"),
    whole_number("session_days", &s::session_days, {1, 3650}, "days", "how long a log-in lasts"),
    whole_number("checkout_wait_ms", &s::checkout_wait_ms, {0, ms_per_minute}, "ms",
                 "how long a checkout waits for its payment gateway"),
    whole_number("entity_idle_seconds", &s::entity_idle_seconds, {1, 86400}, "s",
                 "idle actors are passivated after"),
    whole_number("entity_max", &s::entity_max, {1000, 100'000'000}, "actors", "most kept active"),
    whole_number("scheduler_threads", &s::scheduler_threads, {0, 1024}, "threads",
                 "run actors, 0: one per core"),
    text("cluster_name", &s::cluster_name, node_name, "nodes of another cluster are refused"),
    text("cluster_host", &s::cluster_host, host_name, "address to listen on for other nodes"),
    whole_number("cluster_port", &s::cluster_port, {0, 65535}, "", "port for other nodes, 0: this node is alone"),
    text("cluster_address", &s::cluster_address, host_and_port, "host:port that other nodes dial, if not the two above"),
    text("cluster_certificate", &s::cluster_certificate, anything, "PEM file: this node's certificate"),
    text("cluster_key", &s::cluster_key, anything, "PEM file: its key"),
    text("cluster_authority", &s::cluster_authority, anything, "PEM file: the private authority of all nodes"),
    whole_number("moves_at_once", &s::moves_at_once, {1, 256}, "shards", "handed over at once"),
    whole_number("drain_ms", &s::drain_ms, {0, ms_per_minute}, "ms", "a moving shard waits for what is under way"),
    whole_number("peer_calls_max", &s::peer_calls_max, {1, 1'000'000}, "calls", "to other nodes at once"),
    whole_number("peer_timeout_ms", &s::peer_timeout_ms, {100, ms_per_minute}, "ms", "per call to another node"),
    whole_number("heartbeat_ms", &s::heartbeat_ms, {50, ms_per_minute}, "ms", "time between heartbeats"),
    whole_number("node_stale_ms", &s::node_stale_ms, {200, 10 * ms_per_minute}, "ms",
                 "a node silent for this long may lose its shards"),
    whole_number("gateway_workers", &s::gateway_workers, {1, 1024}, "threads",
                 "gateway calls under way at once"),
    text("sandbox_gateway_url", &s::sandbox_gateway_url, http_url, "the payment sandbox; empty: not offered"),
    whole_number("gateway_timeout_ms", &s::gateway_timeout_ms, {100, 5 * ms_per_minute}, "ms",
                 "per gateway call"),
    text("stripe_url", &s::stripe_url, http_url, "where Stripe is reached"),
    text("paypal_url", &s::paypal_url, http_url, "where PayPal is reached"),
    text("shipstation_url", &s::shipstation_url, http_url, "where ShipStation is reached"),
    secret_keys(),
    text("secret_key_file", &s::secret_key_file, anything, "file with the secret keys, one per line"),
    text("smtp_url", &s::smtp_url, smtp_server, "smtp://host:port or smtps://user:password@host:port; empty: no mail by SMTP",
         true),
    yes_or_no("smtp_require_tls", &s::smtp_require_tls, "refuse an smtp:// server without STARTTLS"),
    text("sendgrid_url", &s::sendgrid_url, http_url, "where SendGrid is reached"),
    hidden(text("sendgrid_key", &s::sendgrid_key, anything, "API key; with it mail goes through SendGrid")),
    text("sendgrid_webhook_key", &s::sendgrid_webhook_key, anything, "public key of SendGrid's signed events, base64"),
    text("mail_from", &s::mail_from, mail_address, "sender of all mail; stores give their name to it"),
    whole_number("mail_timeout_ms", &s::mail_timeout_ms, {100, 5 * ms_per_minute}, "ms", "per mail"),
    whole_number("mail_workers", &s::mail_workers, {1, 256}, "threads", "mails sent at once"),
    whole_number("cart_abandoned_seconds", &s::cart_abandoned_seconds, {1, 30 * 86400}, "s",
                 "a cart left for so long is abandoned"),
    whole_number("webhook_workers", &s::webhook_workers, {1, 256}, "threads", "merchants' webhooks called at once"),
    whole_number("webhook_timeout_ms", &s::webhook_timeout_ms, {100, ms_per_minute}, "ms", "per call of a webhook"),
    yes_or_no("webhook_allow_insecure", &s::webhook_allow_insecure, "webhooks to http and private addresses, for tests"),
    whole_number("hash_workers", &s::hash_workers, {1, 64}, "threads", "hash passwords"),
    whole_number("hash_queue_max", &s::hash_queue_max, {1, 10000}, "log-ins", "most waiting for their hash"),
    log_levels(),
    text("log_file", &s::log_file, anything, "where to log; empty: stderr"),
  };
}

} // namespace

std::string_view to_string(log_level level) {
  return level_names[static_cast<std::size_t>(level)];
}

const std::vector<setting>& all_settings() {
  static const auto table = make_table();
  return table;
}

/// @param address a host, or a host and a port: "127.0.0.1", "[::1]:7100"
static bool loopback(std::string_view address) {
  auto host = std::string{address};
  if (host.starts_with('['))
    host = host.substr(1, host.find(']') - 1);
  else if (std::count(host.begin(), host.end(), ':') == 1)
    host.resize(host.find(':'));
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return ntohl(v4.s_addr) >> 24 == 127;
  return host == "localhost" || (inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

std::optional<std::string> contradiction(const settings& chosen) {
  if (chosen.node_stale_ms < 2 * chosen.heartbeat_ms)
    return "node_stale_ms must be at least twice heartbeat_ms: one late heartbeat is no death";
  const bool some = !chosen.cluster_certificate.empty() || !chosen.cluster_key.empty() || !chosen.cluster_authority.empty();
  const bool all = !chosen.cluster_certificate.empty() && !chosen.cluster_key.empty() && !chosen.cluster_authority.empty();
  if (some && !all)
    return "cluster_certificate, cluster_key and cluster_authority go together";
  const auto advertised = chosen.cluster_address.empty() ? chosen.cluster_host : chosen.cluster_address;
  if (chosen.cluster_port != 0 && !all && !(loopback(chosen.cluster_host) && loopback(advertised)))
    return "nodes speak plain TCP on loopback addresses only: give cluster_certificate, cluster_key and cluster_authority";
  if (chosen.checkout_wait_ms >= chosen.request_timeout_ms)
    return "checkout_wait_ms must be below request_timeout_ms: a waiting checkout still has to answer";
  if (chosen.max_import_bytes < chosen.max_body_bytes)
    return "max_import_bytes must not be below max_body_bytes";
  return std::nullopt;
}

std::string redacted(std::string_view url) {
  static const std::regex authority{R"((://[^:/@\s]*):[^@\s]*@)"};
  static const std::regex keyword{R"((password\s*=\s*)('[^']*'|[^\s&]+))"};
  const auto hidden = std::regex_replace(std::string{url}, authority, "$1:***@");
  return std::regex_replace(hidden, keyword, "$1***");
}

std::vector<std::string> describe(const settings& chosen) {
  std::vector<std::string> lines;
  for (const auto& each : all_settings()) {
    auto shown = each.show(chosen);
    if (each.hidden)
      std::ranges::fill(shown, "***");
    else if (each.secret)
      std::ranges::transform(shown, shown.begin(), [](const std::string& url) { return redacted(url); });
    lines.push_back(fmt::format("{}={}", each.name, fmt::join(shown, ";")));
  }
  return lines;
}

} // namespace souk::config
