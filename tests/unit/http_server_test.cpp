#include "http/openapi.hpp"
#include "http/server.hpp"
#include "runtime/router.hpp"

#include <arpa/inet.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <netinet/in.h>
#include <poll.h>
#include <prometheus/registry.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace souk::http {
namespace {

using namespace std::chrono_literals;

/// A server without actors behind it: what needs one answers 503, everything before that is real.
class running_server {
public:
  explicit running_server(std::size_t threads = 8, std::chrono::milliseconds page_ttl = 1h,
                          std::size_t max_in_flight = 512)
    : pages(std::make_shared<page_cache>(1 << 20, page_ttl)) {
    settings_.listen_port = 0;
    settings_.http_threads = threads;
    settings_.max_in_flight = max_in_flight;
    settings_.max_body_bytes = 4096;
    settings_.hash_workers = 1;
    server_ = std::make_unique<server>(foundation{
      .settings = settings_,
      .system = system_,
      .routes = routes_,
      .time = time_,
      .ids = ids_,
      .pages = pages,
      .make_catalog_reader = {},
      .make_directory = {},
      .ready = [this] { return readiness{256, !leaving, true, leaving}; },
      .cluster_status = [] { return std::string{R"({"node":"node-1"})"}; },
      .session_forgotten = {},
      .metrics = std::make_shared<prometheus::Registry>(),
      .more_metrics = {},
    });
    port = server_->bind();
    thread_ = std::thread{[this] { server_->run(); }};
  }
  ~running_server() { end(); }
  void end() {
    server_->stop();
    if (thread_.joinable())
      thread_.join();
  }

  std::uint16_t port = 0;
  std::atomic<bool> leaving{false};
  std::shared_ptr<page_cache> pages;

private:
  config::settings settings_;
  caf::actor_system_config config_;
  caf::actor_system system_{config_};
  runtime::router routes_;
  runtime::database_clock time_{storage::timestamp{std::chrono::seconds{1'700'000'000}}};
  runtime::id_source ids_{time_};
  std::unique_ptr<server> server_;
  std::thread thread_;
};

/// A client that sends exactly what it is told.
class raw_client {
public:
  explicit raw_client(std::uint16_t port) : sock_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(sock_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  ~raw_client() { ::close(sock_); }
  void send(std::string_view text) { ::send(sock_, text.data(), text.size(), MSG_NOSIGNAL); }
  /// What comes until the connection closes or nothing comes any more.
  std::string receive(std::chrono::milliseconds silence = 400ms) {
    std::string all;
    pollfd what{sock_, POLLIN, 0};
    while (::poll(&what, 1, static_cast<int>(silence.count())) > 0) {
      char piece[65536];
      const auto n = ::recv(sock_, piece, sizeof piece, 0);
      if (n <= 0) {
        closed = true;
        break;
      }
      all.append(piece, static_cast<std::size_t>(n));
    }
    return all;
  }
  std::string ask(std::string_view text) {
    send(text);
    return receive();
  }
  bool closed = false;

private:
  int sock_;
};

int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

std::size_t answers_in(const std::string& text) {
  std::size_t count = 0;
  for (auto at = text.find("HTTP/1.1 "); at != std::string::npos; at = text.find("HTTP/1.1 ", at + 1))
    ++count;
  return count;
}

TEST_CASE("the server answers with its headers and keeps the connection", "[http][server]") {
  running_server shop;
  raw_client client{shop.port};
  const auto first = client.ask("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: my-own-id-1\r\n\r\n");
  CHECK(status_of(first) == 200);
  CHECK(first.find("X-Request-Id: my-own-id-1") != std::string::npos);
  CHECK(first.find("X-Content-Type-Options: nosniff") != std::string::npos);
  CHECK(first.find("Content-Security-Policy: default-src 'self'") != std::string::npos);
  CHECK(first.find("Cache-Control: no-store") != std::string::npos);
  const auto second = client.ask("GET /readyz HTTP/1.1\r\nHost: x\r\nX-Request-Id: \"><script>\r\n\r\n");
  CHECK(second.find("script") == std::string::npos); // an id that is none is replaced
  CHECK(second.find("\"shards_owned\":256") != std::string::npos);
  CHECK_FALSE(client.closed);
  CHECK(client.ask("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").find(openapi_document())
        != std::string::npos);
  CHECK(client.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").find("souk_http_requests_total{")
        != std::string::npos);
}

TEST_CASE("pipelined requests are answered one after the other", "[http][server]") {
  running_server shop;
  raw_client client{shop.port};
  CHECK(
    answers_in(client.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                          "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
    == 3);
}

TEST_CASE("every refusal has the one error body", "[http][server]") {
  running_server shop;
  const auto check = [&](std::string_view sent, int status, std::string_view code) {
    CAPTURE(std::string{sent.substr(0, 120)});
    raw_client client{shop.port};
    const auto got = client.ask(sent);
    CHECK(status_of(got) == status);
    CHECK(got.find("{\"error\":{\"code\":\"" + std::string{code} + "\",\"message\":\"") != std::string::npos);
    CHECK(got.find("Content-Type: application/json") != std::string::npos);
    CHECK(answers_in(got) == 1);
    return got;
  };
  const std::string id = "01J9Z3K5Q8W2M7R4T6Y8B1C3D5";
  check("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found");
  const auto not_allowed = check("DELETE /users HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed");
  CHECK(not_allowed.find("Allow: POST\r\n") != std::string::npos);
  check("OPTIONS /orders HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed");
  check("POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 401, "unauthenticated");
  CHECK(check("GET /users/" + id + " HTTP/1.1\r\nHost: x\r\n\r\n", 401, "unauthenticated")
          .find("WWW-Authenticate: Bearer")
        != std::string::npos);
  check("GET /users/" + id + " HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eDp5\r\n\r\n", 401,
        "unauthenticated");
  check("GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nonsense\r\n\r\n", 401, "unauthenticated");
  check("POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{\"a\":", 400, "bad_json");
  check("POST /users HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_json");
  check("POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{\"oh\":12}", 422, "invalid");
  check("POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: "
        "2\r\n\r\n--",
        415, "unsupported_media_type");
  check("GET /stores?slug=%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request");
  check("GET /stores/" + id + " HTTP/1.1\r\nHost: x\r\n\r\n", 503, "moved");
  check("GARBAGE\r\n\r\n", 400, "bad_request");
}

TEST_CASE("bodies and headers have limits", "[http][server]") {
  running_server shop;
  SECTION("a body too large by its length is not read") {
    raw_client client{shop.port};
    const auto got = client.ask("POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n");
    CHECK(status_of(got) == 413);
    CHECK(got.find("Connection: close") != std::string::npos);
    CHECK(client.closed);
  }
  SECTION("a body too large by its chunks is cut off") {
    raw_client client{shop.port};
    std::string text = "POST /users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 100; ++i)
      text += "400\r\n" + std::string(1024, ' ') + "\r\n";
    const auto got = client.ask(text + "0\r\n\r\n");
    CHECK(status_of(got) == 413);
    CHECK(answers_in(got) == 1);
    CHECK(client.closed);
  }
  SECTION("a chunked body of fair size is fine") {
    raw_client client{shop.port};
    const auto got = client.ask("POST /users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "5\r\n{\"oh\"\r\n4\r\n:12}\r\n0\r\n\r\n");
    CHECK(status_of(got) == 422);
    CHECK(status_of(client.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")) == 200);
  }
  SECTION("headers too large") {
    raw_client client{shop.port};
    const auto got = client.ask("GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n");
    CHECK(status_of(got) == 431);
    CHECK(client.closed);
  }
  SECTION("an address too long") {
    raw_client client{shop.port};
    CHECK(
      status_of(client.ask("GET /stores?slug=" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"))
      == 414);
  }
}

TEST_CASE("nothing can be smuggled behind a request", "[http][server]") {
  running_server shop;
  const std::string inner = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto length = "Content-Length: " + std::to_string(inner.size()) + "\r\n";
  const std::string requests[] = {
    "GET /healthz HTTP/1.1\r\nHost: x\r\n" + length + "\r\n"
      + inner, // GET takes no body, so it would be the next request
    "OPTIONS /healthz HTTP/1.1\r\nHost: x\r\n" + length + "\r\n" + inner,
    "POST /nothing HTTP/1.1\r\nHost: x\r\n" + length + "\r\n" + inner,
    "POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" + length + "\r\n" + inner,
    "POST /users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + length + "\r\n0\r\n\r\n" + inner,
    "POST /users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n" + inner,
    "POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n" + inner,
  };
  for (const auto& text : requests) {
    CAPTURE(text);
    raw_client client{shop.port};
    const auto got = client.ask(text);
    CHECK(answers_in(got) == 1);
    CHECK(status_of(got) >= 400);
    CHECK(got.find("shards_owned") == std::string::npos);
    CHECK(client.closed);
  }
}

TEST_CASE("a kept page is sent as it is, with its ETag", "[http][server]") {
  running_server shop;
  const std::string target = "/stores/01J9Z3K5Q8W2M7R4T6Y8B1C3D5/products?page=1";
  page_text text;
  text.text = "{\"products\":[]}";
  text.link = "</stores/x>; rel=\"next\"";
  const auto kept = shop.pages->put(target, shop.pages->before_read({}), text, {});
  raw_client client{shop.port};
  const auto got = client.ask("GET " + target + " HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\n\r\n");
  CHECK(status_of(got) == 200);
  CHECK(got.ends_with("\r\n\r\n{\"products\":[]}"));
  CHECK(got.find("ETag: " + kept->etag) != std::string::npos);
  CHECK(got.find("Cache-Control: public, max-age=2") != std::string::npos);
  CHECK(got.find("Link: </stores/x>") != std::string::npos);
  const auto again =
    client.ask("GET " + target + " HTTP/1.1\r\nHost: x\r\nIf-None-Match: " + kept->etag + "\r\n\r\n");
  CHECK(status_of(again) == 304);
  CHECK(again.find("products\":") == std::string::npos);
  const auto head = client.ask("HEAD " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(head) == 200);
  CHECK(head.find("Content-Length: 15") != std::string::npos);
  CHECK(head.ends_with("\r\n\r\n"));
  // With a token it is no public page: who asks is found out first.
  CHECK(status_of(client.ask("GET " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n"))
        == 401);
}

TEST_CASE("a page past its time is still sent when it cannot be read again", "[http][server]") {
  running_server shop{8, 0ms};
  const std::string target = "/stores/01J9Z3K5Q8W2M7R4T6Y8B1C3D5/products";
  page_text text;
  text.text = "{\"products\":[]}";
  shop.pages->put(target, shop.pages->before_read({}), text, {});
  std::this_thread::sleep_for(5ms);
  raw_client client{shop.port};
  const auto got = client.ask("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"); // its store does not answer
  CHECK(status_of(got) == 200);
  CHECK(got.ends_with("{\"products\":[]}"));
}

TEST_CASE("more requests than may be in flight are refused, operators are not", "[http][server]") {
  running_server shop{8, 1h, 0};
  raw_client client{shop.port};
  const auto got = client.ask("GET /stores?slug=tea HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(got) == 503);
  CHECK(got.find("\"code\":\"overloaded\"") != std::string::npos);
  CHECK(got.find("Retry-After: 1") != std::string::npos);
  CHECK(status_of(client.ask("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")) == 200);
  CHECK(client.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").find("souk_http_refused_total 1")
        != std::string::npos);
}

TEST_CASE("idle connections give their threads to those who wait", "[http][server]") {
  running_server shop{2};
  raw_client a{shop.port};
  raw_client b{shop.port};
  CHECK(status_of(a.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")) == 200);
  CHECK(status_of(b.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")) == 200);
  raw_client c{shop.port}; // both threads hold idle connections
  c.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(c.receive(2s)) == 200);
}

TEST_CASE("stopping closes idle connections and accepts no more", "[http][server]") {
  auto shop = std::make_unique<running_server>();
  raw_client idle{shop->port};
  CHECK(status_of(idle.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")) == 200);
  const auto began = std::chrono::steady_clock::now();
  shop->end();
  CHECK(std::chrono::steady_clock::now() - began < 3s);
  CHECK(idle.receive().empty());
  CHECK(idle.closed);
}

TEST_CASE("a node that leaves says so to the edge, and is not ready for anybody else", "[http][server]") {
  running_server shop;
  raw_client client{shop.port};
  CHECK(status_of(client.ask("GET /readyz?edge HTTP/1.1\r\nHost: x\r\n\r\n")) == 200);
  shop.leaving = true;
  CHECK(status_of(client.ask("GET /readyz?edge HTTP/1.1\r\nHost: x\r\n\r\n")) == 404);
  CHECK(status_of(client.ask("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")) == 503);
}

TEST_CASE("a node tells what it knows of the cluster", "[http][server]") {
  running_server shop;
  raw_client client{shop.port};
  CHECK(client.ask("GET /cluster/status HTTP/1.1\r\nHost: x\r\n\r\n").find(R"({"node":"node-1"})") != std::string::npos);
}

} // namespace
} // namespace souk::http
