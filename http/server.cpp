#include "http/server.hpp"

#include "http/connection.hpp"
#include "http/connection_queue.hpp"
#include "http/dispatcher.hpp"
#include "http/json/fields.hpp"
#include "http/metrics.hpp"
#include "http/page_response.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <random>
#include <spdlog/spdlog.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

namespace souk::http {

namespace {

using clock = std::chrono::steady_clock;

/// Between two requests of a connection; haproxy closes its own idle ones earlier.
constexpr std::chrono::seconds keep_alive{60};
/// How often an idle connection looks whether it should end.
constexpr std::chrono::milliseconds idle_slice{250};
/// cpp-httplib asks for 5, which one burst of haproxy's overflows.
constexpr int listen_backlog = 1024;
/// Reading and writing whole catalogs takes longer than shopping.
constexpr int bulk_factor = 6;

constexpr std::string_view provider_paths = "/webhooks/";

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_request_id(std::string_view text) noexcept {
  return text.size() >= 8 && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'
               || c == '_' || c == '.';
         });
}

std::string new_request_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}{:016x}", random(), random());
}

/// A target as it may stand in a log: decoded, so that a card number shows itself however it was written, on
/// one line and not without end.
std::string for_log(std::string_view target) {
  constexpr std::size_t length_max = 500;
  auto text = percent_decoded(target, true);
  if (!text)
    text = std::string{split_target(target).first};
  auto out = json::without_card_numbers(*std::move(text)).substr(0, length_max);
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F)
      c = '?';
  return out;
}

/// One request between cpp-httplib's hooks.
struct passage {
  connection* client = nullptr;
  clock::time_point began{};
  request asked;
  matched found;
  bool has_body = false;
  bool chunked = false;
  std::uint64_t length = 0;
  std::optional<refusal>
    refused; ///< found wrong before the body was read: the connection ends with the answer
};

thread_local passage* current = nullptr;

} // namespace

class server::edge final : public httplib::Server {
public:
  explicit edge(foundation from)
    : shop_(std::move(from)), metrics_(*shop_.base.metrics), settings_(shop_.base.settings) {
    new_task_queue = [this] { return new connection_queue{settings_.http_threads, waiting_}; };
    set_tcp_nodelay(
      false); // set for each connection instead: on the listening socket it is only sometimes inherited
    set_keep_alive_timeout(keep_alive.count());
    set_keep_alive_max_count(1'000'000);
    set_payload_max_length(settings_.max_import_bytes);
    // cpp-httplib would also let a second server listen on the same port, and share its clients at random.
    set_socket_options([](socket_t sock) {
      int yes = 1;
      ::setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    set_default_headers({{"X-Content-Type-Options", "nosniff"},
                         {"Content-Security-Policy", "default-src 'self'"},
                         {"X-Frame-Options", "DENY"},
                         {"Referrer-Policy", "no-referrer"}});
    set_pre_routing_handler(
      [this](const httplib::Request&, httplib::Response& res) { return before_body(res); });
    const auto with_body = [this](const httplib::Request&, httplib::Response& res,
                                  const httplib::ContentReader& read) { read_body(res, read); };
    Post("/", with_body);
    Put("/", with_body);
    Patch("/", with_body);
    Delete("/", with_body);
    set_error_handler(httplib::Server::HandlerWithResponse{
      [this](const httplib::Request&, httplib::Response& res) { return own_error(res); }});
  }

  std::uint16_t bind_chosen() {
    const auto& s = settings_;
    const int port = s.listen_port == 0
                     ? bind_to_any_port(s.listen_host)
                     : (bind_to_port(s.listen_host, s.listen_port) ? int{s.listen_port} : -1);
    if (port <= 0)
      throw std::runtime_error(fmt::format("cannot listen on {}:{}", s.listen_host, s.listen_port));
    ::listen(svr_sock_, listen_backlog);
    return static_cast<std::uint16_t>(port);
  }

  void run_until_stopped() {
    entered_ = true;
    if (!stopping_)
      listen_after_bind();
    left_ = true;
  }

  void end() {
    if (stopping_.exchange(true))
      return;
    while (entered_ && !left_) {
      if (is_running()) {
        stop();
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }

private:
  bool process_and_close_socket(socket_t sock) override {
    int yes = 1;
    ::setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connection client{sock, {}};
    serve(client);
    client.linger();
    ::close(sock);
    return true;
  }

  void serve(connection& client) {
    while (!client.closes()) {
      const auto idle_until = clock::now() + keep_alive;
      while (!client.wait(idle_slice))
        if (stopping_ || waiting_ > 0 || clock::now() > idle_until)
          return;
      const auto head = client.read_head();
      if (head != connection::head::complete) {
        refuse_head(client, head);
        return;
      }
      passage now;
      now.client = &client;
      now.began = clock::now();
      current = &now;
      const bool last = stopping_ || waiting_ > 0; // somebody waits for a thread
      bool closed = false;
      const bool done =
        process_request(client, last, closed, [this](httplib::Request& req) { prepare(req); });
      current = nullptr;
      if (!client.flush() || !done || last || closed)
        return;
    }
  }

  void refuse_head(connection& client, connection::head why) {
    if (why == connection::head::closed)
      return;
    const auto code = why == connection::head::too_large ? errc::headers_too_large
                    : why == connection::head::timed_out ? errc::request_timeout
                                                         : errc::bad_request;
    const auto answer = refused({.why = code});
    metrics_.answered(nullptr, answer.status, {});
    const auto text =
      fmt::format("HTTP/1.1 {} Refused\r\nContent-Type: application/json\r\nConnection: close\r\n"
                  "X-Content-Type-Options: nosniff\r\nContent-Length: {}\r\n\r\n{}",
                  answer.status, answer.body.size(), answer.body);
    client.write(text.data(), text.size());
    client.flush();
  }

  // The headers are there. What is wrong with them is remembered; only hooks with a response can answer.
  void prepare(httplib::Request& req) {
    auto& p = *current;
    auto& asked = p.asked;
    asked.method = req.method == "HEAD" ? "GET" : req.method;
    asked.target = req.target;
    req.path.assign(1, '/'); // one handler takes all: our own table knows the routes
    req.ranges.clear();
    int lengths = 0;
    for (auto& [name, value] : req.headers) {
      if (same(name, "Authorization"))
        asked.authorization = value;
      else if (same(name, "Content-Type"))
        asked.content_type = value;
      else if (same(name, "If-None-Match"))
        asked.if_none_match = value;
      else if (same(name, "X-Request-Id")) {
        if (is_request_id(value))
          asked.id = value;
      } else if (same(name, "X-Forwarded-For"))
        asked.remote =
          value.substr(value.find_last_of(", ") == std::string::npos ? 0 : value.find_last_of(", ") + 1);
      else if (same(name, "Idempotency-Key")) {
        asked.idempotency_key = value;
        asked.has_idempotency_key = true;
      } else if (same(name, "Content-Length")) {
        ++lengths;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), p.length);
        if (error != std::errc{} || end != value.data() + value.size())
          p.refused = refusal{.why = errc::bad_request, .message = "Content-Length is not a number."};
      } else if (same(name, "Transfer-Encoding")) {
        p.chunked = true;
        if (!same(value, "chunked"))
          p.refused =
            refusal{.why = errc::bad_request, .message = "Only the transfer encoding \"chunked\" is known."};
      } else if (same(name, "Connection") && same(value, "close"))
        p.client->close_after();
    }
    // RFC 8058: the body is a form, perhaps one in parts; what is in it does not matter.
    if (asked.target.starts_with("/unsubscribe/")) {
      req.headers.erase("Content-Type");
      asked.content_type.clear();
    }
    if (asked.target.starts_with(provider_paths))
      for (const auto& [name, value] : req.headers)
        asked.headers.emplace(lower(name), value);
    if (asked.id.empty())
      asked.id = new_request_id();
    // cpp-httplib drops headers without a value, but an empty key is a mistake that must not pass for "no
    // key".
    if (!asked.has_idempotency_key && asked.method == "POST")
      asked.has_idempotency_key = p.client->head_names("idempotency-key");
    // Two lengths, or a length and chunks, are how requests are smuggled past a proxy.
    if (lengths > 1 || (lengths == 1 && p.chunked))
      p.refused = refusal{.why = errc::bad_request, .message = "The length of the body is ambiguous."};
    p.has_body = p.chunked || p.length > 0;
    req.headers.erase(
      "Accept-Encoding"); // haproxy compresses; here it would cost the pages their bytes ready to send
    if (p.refused)
      req.set_header("Connection", "close");
  }

  HandlerResponse before_body(httplib::Response& res) {
    auto& p = *current;
    if (p.refused)
      return finish(res, refused(*p.refused), true), HandlerResponse::Handled;
    const auto& asked = p.asked;
    std::shared_ptr<const page> kept;
    if (asked.method == "GET" && !p.has_body && asked.authorization.empty()) {
      const auto hit = shop_.base.pages->find(asked.target);
      if (hit.bytes && !hit.refresh)
        return send_page(res, *hit.bytes), HandlerResponse::Handled;
      p.asked.refresh = hit.refresh;
      kept = hit.bytes;
    }
    p.found = match(asked.method, split_target(asked.target).first);
    if (p.has_body) {
      if (auto why = body_unwelcome(p))
        return finish(res, refused(*why), true), HandlerResponse::Handled;
      return HandlerResponse::Unhandled; // cpp-httplib goes on to read_body()
    }
    auto answer = handle();
    if (kept && answer.status >= 500) // old by a little is better than nothing
      answer = page_response(asked, *kept);
    return finish(res, std::move(answer), false), HandlerResponse::Handled;
  }

  std::uint64_t body_max(const passage& p) const {
    return p.found.to != nullptr && p.found.to->body == body_kind::csv ? settings_.max_import_bytes
                                                                       : settings_.max_body_bytes;
  }

  std::optional<refusal> body_unwelcome(const passage& p) const {
    const auto* to = p.found.to;
    if (to == nullptr) {
      if (!p.found.allowed.empty())
        return refusal{.why = errc::method_not_allowed, .allowed = p.found.allowed};
      return refusal{.why = actors::errc::not_found, .message = "There is nothing at this address."};
    }
    if (to->body == body_kind::none)
      return refusal{.why = errc::bad_request, .message = "This request takes no body."};
    if (!takes(to->body, p.asked.content_type))
      return refusal{.why = errc::unsupported_media_type,
                     .message = to->body == body_kind::csv ? "The body must be text/csv." : std::string{}};
    if (p.length > body_max(p))
      return refusal{.why = errc::payload_too_large,
                     .message = fmt::format("The body has more than {} bytes.", body_max(p))};
    return std::nullopt;
  }

  void read_body(httplib::Response& res, const httplib::ContentReader& read) {
    auto& p = *current;
    auto& body = p.asked.body;
    body.reserve(static_cast<std::size_t>(p.length));
    const auto max = body_max(p);
    bool too_large = false;
    const bool whole = read([&](const char* piece, std::size_t size) {
      too_large = body.size() + size > max; // counted after decompression
      if (!too_large)
        body.append(piece, size);
      return !too_large;
    });
    if (!whole) {
      const auto why = too_large || res.status == 413 ? errc::payload_too_large
                     : res.status == 415              ? errc::unsupported_media_type
                                                      : errc::bad_request;
      return finish(res, refused({.why = why}), true);
    }
    finish(res, handle(), false);
  }

  response handle() {
    auto& p = *current;
    const auto* to = p.found.to;
    const auto now = in_flight_.fetch_add(1) + 1;
    const struct leave {
      std::atomic<std::int64_t>& count;
      ~leave() { count.fetch_sub(1); }
    } on_return{in_flight_};
    metrics_.in_flight(now);
    const bool for_operators =
      to != nullptr && to->pattern.find('/', 1) == std::string_view::npos
      && (to->pattern == "/healthz" || to->pattern == "/readyz" || to->pattern == "/metrics");
    if (now > static_cast<std::int64_t>(settings_.max_in_flight) && !for_operators) {
      metrics_.refused_overloaded();
      return refused({.why = errc::overloaded});
    }
    const bool bulk = to != nullptr && (to->body == body_kind::csv || to->pattern.ends_with("/products.csv"));
    const auto until = p.began + settings_.request_timeout_ms * (bulk ? bulk_factor : 1);
    return dispatch(shop_, p.asked, p.found, until);
  }

  /// @param close the rest of the request was not read: whatever follows on this connection is no request
  void finish(httplib::Response& res, response answer, bool close) {
    auto& p = *current;
    res.status = answer.status;
    for (auto& [name, value] : answer.headers)
      res.headers.emplace(std::move(name), std::move(value));
    if (!answer.content_type.empty())
      res.headers.emplace("Content-Type", std::move(answer.content_type));
    if (!res.has_header("Cache-Control"))
      res.headers.emplace("Cache-Control", "no-store");
    res.headers.emplace("X-Request-Id", p.asked.id);
    res.body = std::move(answer.body);
    if (close) {
      p.client->close_after();
      if (!res.has_header("Connection"))
        res.headers.emplace("Connection", "close");
    }
    const auto took = clock::now() - p.began;
    metrics_.answered(p.found.to, res.status, took);
    if (spdlog::should_log(spdlog::level::info))
      spdlog::info("{} {} {} {} {:.1f}ms {}", p.asked.id, p.asked.method, for_log(without_secret(p)), res.status,
                   std::chrono::duration<double, std::milli>(took).count(), for_log(p.asked.remote));
  }

  /// The target without what only the mail's reader or the provider knows: whoever reads the log must not act in their name.
  static std::string without_secret(const passage& p) {
    auto target = p.asked.target;
    const auto* to = p.found.to;
    const auto& token = p.found.token_id;
    if (to == nullptr || token.empty())
      return target;
    if (to->pattern.starts_with("/password-reset") || to->pattern.starts_with("/unsubscribe") || to->pattern.starts_with("/webhooks/"))
      if (const auto at = target.find('/' + token); at != std::string::npos)
        target.replace(at + 1, token.size(), "-");
    return target;
  }

  /// The path of nearly all requests: as little as possible.
  void send_page(httplib::Response& res, const page& bytes) {
    auto& p = *current;
    res.headers.emplace("ETag", bytes.etag);
    res.headers.emplace("Cache-Control", page_cache_control);
    res.headers.emplace("X-Request-Id", p.asked.id);
    if (!bytes.link.empty())
      res.headers.emplace("Link", bytes.link);
    if (!p.asked.if_none_match.empty() && matches(p.asked.if_none_match, bytes.etag))
      res.status = 304;
    else {
      res.status = 200;
      res.headers.emplace("Content-Type", "application/json");
      res.body = bytes.body;
    }
    metrics_.page_sent(res.status, clock::now() - p.began);
  }

  /// What cpp-httplib refuses by itself (a malformed request line, too long a target) comes here without a
  /// body.
  HandlerResponse own_error(httplib::Response& res) {
    if (!res.body.empty())
      return HandlerResponse::Unhandled;
    res.body = error_body(res.status);
    res.headers.emplace("Content-Type", "application/json");
    if (!res.has_header("Connection"))
      res.headers.emplace("Connection", "close");
    if (current != nullptr)
      current->client->close_after();
    metrics_.answered(nullptr, res.status, {});
    return HandlerResponse::Handled; // cpp-httplib then counts the body
  }

public:
  void forget_session(const storage::token_hash& token) { shop_.sessions.forget(token); }

private:
  service shop_;
  metrics metrics_;
  const config::settings& settings_;
  std::atomic<std::int64_t> in_flight_{0};
  std::atomic<std::size_t> waiting_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> entered_{false};
  std::atomic<bool> left_{false};
};

server::server(foundation from) : edge_(std::make_unique<edge>(std::move(from))) {}

server::~server() {
  stop();
}

std::uint16_t server::bind() {
  return edge_->bind_chosen();
}

void server::run() {
  edge_->run_until_stopped();
}

void server::stop() {
  edge_->end();
}

void server::forget_session(const storage::token_hash& token) {
  edge_->forget_session(token);
}

} // namespace souk::http
