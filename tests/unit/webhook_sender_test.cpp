#include "actors/webhooks/secret.hpp"
#include "integrations/webhooks/public_address.hpp"
#include "integrations/webhooks/webhook_http_sender.hpp"
#include "integrations/webhooks/webhook_payload.hpp"
#include "integrations/webhooks/webhook_signature.hpp"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <httplib.h>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

using namespace souk;
using namespace souk::integrations;
using namespace std::chrono_literals;

namespace {

const std::string key(64, 'a');
// The example of the Standard Webhooks specification's libraries.
const std::string known_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", known_body = R"({"test": 2432232314})";

bool public_text(const std::string& text) {
  sockaddr_storage at{};
  if (text.find(':') == std::string::npos) {
    auto& in = reinterpret_cast<sockaddr_in&>(at);
    in.sin_family = AF_INET;
    REQUIRE(inet_pton(AF_INET, text.c_str(), &in.sin_addr) == 1);
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(at);
    in.sin6_family = AF_INET6;
    REQUIRE(inet_pton(AF_INET6, text.c_str(), &in.sin6_addr) == 1);
  }
  return is_public(reinterpret_cast<const sockaddr&>(at));
}

/// Somebody who receives webhooks, on this machine.
struct receiver {
  httplib::Server server;
  int port = 0;
  std::thread thread;
  std::string body;
  httplib::Headers headers;
  int calls = 0;

  receiver() {
    auto keep = [this](const httplib::Request& q, int status, httplib::Response& a) {
      ++calls;
      body = q.body;
      headers = q.headers;
      a.status = status;
    };
    server.Post("/ok", [=](const auto& q, auto& a) { keep(q, 200, a); });
    server.Post("/no", [=](const auto& q, auto& a) { keep(q, 503, a); });
    server.Post("/away", [=](const auto& q, auto& a) {
      keep(q, 302, a);
      a.set_header("Location", "/ok");
    });
    server.Post("/slow", [=](const auto& q, auto& a) {
      std::this_thread::sleep_for(1500ms);
      keep(q, 200, a);
    });
    server.Post("/long", [=](const auto& q, auto& a) {
      keep(q, 200, a);
      a.set_content(std::string(1 << 20, 'x'), "text/plain");
    });
    port = server.bind_to_any_port("127.0.0.1");
    thread = std::thread{[this] { server.listen_after_bind(); }};
    while (!server.is_running())
      std::this_thread::sleep_for(1ms);
  }
  ~receiver() {
    server.stop();
    thread.join();
  }
  std::string at(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port) + path; }
  std::string header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct sending {
  std::shared_ptr<actors::secret_box> secrets = std::make_shared<actors::secret_box>(std::vector{key});
  storage::webhook_row to;
  storage::webhook_delivery_row what;
  std::string secret = actors::new_webhook_secret();
  storage::timestamp now{1'700'000'000s};

  sending() {
    to.store_id.bytes[3] = 7;
    to.sealed_secret = secrets->seal(actors::secret_owner(to.store_id, "webhook"), secret);
    what.id.bytes[15] = 1;
    what.event_id = "9-41-2";
    what.topic = "orders/paid";
    what.payload = R"({"id":"x"})";
    what.created_at = now - 60s;
  }
  actors::webhook_answer send(const std::string& address, bool insecure = true) {
    webhook_http_sender sender{{500ms, insecure}, secrets};
    to.address = address;
    return sender.send(to, what, "tea-shop", now);
  }
};

} // namespace

TEST_CASE("both signatures are those that receivers' libraries make", "[webhooks]") {
  CHECK(hmac_sha256_base64(*actors::webhook_secret_bytes(known_secret), "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + known_body)
        == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  CHECK(hmac_sha256_base64(known_secret, known_body) == "gOyKic480iEzoQZsrstNBP6nRnZXyFFNcX7ELDilyUw=");
}

TEST_CASE("a secret is new each time and can be read", "[webhooks]") {
  const auto a = actors::new_webhook_secret();
  CHECK(a != actors::new_webhook_secret());
  CHECK(a.starts_with("whsec_"));
  CHECK(actors::webhook_secret_bytes(a)->size() == 32);
  CHECK_FALSE(actors::webhook_secret_bytes("whsec_"));
  CHECK_FALSE(actors::webhook_secret_bytes("whsec_%%%"));
  CHECK_FALSE(actors::webhook_secret_bytes(a.substr(1)));
}

TEST_CASE("only public addresses may be called", "[webhooks]") {
  for (const auto* open :
         {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
          "192.167.1.1", "198.17.255.255", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "2002:0808:0808::1",
          "64:ff9b::808:808"}) {
    CAPTURE(open);
    CHECK(public_text(open));
  }
  for (const auto* closed :
         {"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255", "168.63.129.16",
          "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.1",
          "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::",
          "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "fc00::1", "fd00:ec2::254", "fe80::1", "ff02::1",
          "2001:db8::1", "2001::1", "2001:10::1", "2002:7f00:1::1", "2002:0a00:0001::", "64:ff9b::7f00:1",
          "64:ff9b::a9fe:a9fe", "100::1", "3fff::1", "5f00::1"}) {
    CAPTURE(closed);
    CHECK_FALSE(public_text(closed));
  }
  sockaddr unknown{};
  CHECK_FALSE(is_public(unknown));
}

TEST_CASE("a webhook's address is vetted", "[webhooks]") {
  webhook_http_sender sender{{}, std::make_shared<actors::secret_box>()};
  for (const auto* bad :
         {"http://8.8.8.8/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://127.1/",
          "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://169.254.169.254/latest/meta-data/",
          "https://10.0.0.8/", "https://[::ffff:10.0.0.1]/", "https://8.8.8.8:22/", "https://user:pw@8.8.8.8/", "https://",
          "ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8/", "https://no-such-host.invalid/", "nonsense"}) {
    CAPTURE(bad);
    CHECK_FALSE(sender.vet(bad).empty());
  }
  CHECK(sender.vet("https://8.8.8.8/hooks?x=1").empty());
  webhook_http_sender lax{{5s, true}, std::make_shared<actors::secret_box>()};
  CHECK(lax.vet("http://127.0.0.1:8080/").empty());
  CHECK_FALSE(lax.vet("ftp://127.0.0.1/").empty());
}

TEST_CASE("a delivery is signed and arrives as it is", "[webhooks]") {
  receiver r;
  sending s;
  const auto a = s.send(r.at("/ok"));
  CHECK(a.error.empty());
  CHECK(a.status == 200);
  CHECK(r.body == s.what.payload);
  CHECK(r.header("Content-Type") == "application/json");
  CHECK(r.header("X-Shopify-Topic") == "orders/paid");
  CHECK(r.header("X-Shopify-Shop-Domain") == "tea-shop");
  CHECK(r.header("X-Shopify-Event-Id") == "9-41-2");
  CHECK(r.header("X-Shopify-Triggered-At") == "2023-11-14T22:12:20Z");
  CHECK(r.header("X-Shopify-Webhook-Id") == s.what.id.str());
  CHECK(r.header("X-Shopify-Hmac-Sha256") == hmac_sha256_base64(s.secret, r.body));
  CHECK(r.header("webhook-id") == s.what.id.str());
  CHECK(r.header("webhook-timestamp") == "1700000000");
  CHECK(r.header("webhook-signature")
        == "v1," + hmac_sha256_base64(*actors::webhook_secret_bytes(s.secret), s.what.id.str() + ".1700000000." + r.body));
}

TEST_CASE("how a delivery went is told", "[webhooks]") {
  receiver r;
  sending s;
  auto a = s.send(r.at("/no"));
  CHECK(a.status == 503);
  CHECK(a.error == "status_503");
  a = s.send(r.at("/away"));
  CHECK(a.status == 302);
  CHECK(a.error == "redirect");
  CHECK(r.calls == 2);
  a = s.send(r.at("/slow"));
  CHECK(a.error == "timeout");
  CHECK(a.took_ms < 1400);
  CHECK(s.send(r.at("/long")).error.empty());
  CHECK(s.send("http://127.0.0.1:1/").error == "connection_refused");
  CHECK(s.send("http://no-such-host.invalid/").error == "host_not_found");
  CHECK(s.send("https://127.0.0.1:" + std::to_string(r.port) + "/ok").error == "tls_failed");
}

TEST_CASE("no socket is opened to where merchants must not send us", "[webhooks]") {
  receiver r;
  sending s;
  CHECK(s.send(r.at("/ok"), false).error == "address_refused");
  const auto port = std::to_string(r.port);
  for (const auto& address : {"https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://169.254.169.254/"}) {
    CAPTURE(address);
    const auto a = s.send(address, false);
    CHECK(a.error == "address_refused");
    CHECK(a.status == 0);
    CHECK(a.took_ms < 400);
  }
  CHECK(r.calls == 0);
}

TEST_CASE("a secret that does not open is no reason to send without", "[webhooks]") {
  receiver r;
  sending s;
  s.to.store_id.bytes[3] = 8; // the row was copied to another store
  CHECK(s.send(r.at("/ok")).error == "secret_unreadable");
  s.secrets = std::make_shared<actors::secret_box>();
  CHECK(s.send(r.at("/ok")).error == "secret_unreadable");
  CHECK(r.calls == 0);
}

TEST_CASE("an event's payload says what it is about", "[webhooks]") {
  storage::outbox_event e;
  e.shard = 9;
  e.seq = 41;
  e.n = 2;
  e.event.topic = "order.paid";
  e.event.at = storage::timestamp{1'700'000'000s};
  e.event.fields = {{"total", "1250"},    {"currency", "EUR"}, {"order_id", "x"},
                    {"exchange", "true"}, {"token", "secret"}, {"note", "\xff 12"}};
  const auto json = nlohmann::json::parse(webhook_payload(e, "orders/paid"));
  CHECK(json["topic"] == "orders/paid");
  CHECK(json["event"] == "order.paid");
  CHECK(json["event_id"] == "9-41-2");
  CHECK(json["occurred_at"] == "2023-11-14T22:13:20Z");
  CHECK(json["data"]["total"] == 1250);
  CHECK(json["data"]["currency"] == "EUR");
  CHECK(json["data"]["exchange"] == true);
  CHECK_FALSE(json["data"].contains("token"));
}
