#include "integrations/payment/sandbox_gateway.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <httplib.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;
using souk::actors::charge;
using souk::actors::gateway_status;
using souk::integrations::sandbox_gateway;

namespace {

namespace fs = std::filesystem;

souk::storage::ulid fresh_id() {
  static std::atomic<unsigned> last{0};
  souk::storage::ulid id;
  auto number = ++last;
  for (std::size_t i = 0; i < 4; ++i)
    id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

charge charge_with(const std::string& token) {
  return {fresh_id(), fresh_id(), 1999, "EUR", token, ""};
}

/// The gateway itself, as a process of its own with an empty ledger.
class running_sandbox {
public:
  running_sandbox() : ledger_{fs::temp_directory_path() / ("souk-ledger-" + std::to_string(::getpid()))} {
    std::signal(SIGPIPE, SIG_IGN);
    fs::remove(ledger_);
    start();
  }
  ~running_sandbox() {
    stop();
    fs::remove(ledger_);
    fs::remove(ledger_.string() + ".log");
  }
  running_sandbox(const running_sandbox&) = delete;
  running_sandbox& operator=(const running_sandbox&) = delete;

  void start() {
    const auto* named = std::getenv("SOUK_SANDBOX_BIN");
    auto here = fs::read_symlink("/proc/self/exe").parent_path();
    auto binary = named != nullptr ? fs::path{named} : here.parent_path() / "souk-sandbox";
    std::vector<std::string> words{binary.string(), "--listen",       "127.0.0.1:" + std::to_string(port_),
                                   "--state",       ledger_.string(), "--slow-ms",
                                   "700",           "--log-file",     ledger_.string() + ".log"};
    std::vector<char*> arguments;
    for (auto& word : words)
      arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int out[2];
    REQUIRE(::pipe(out) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    ::posix_spawn_file_actions_addclose(&actions, out[0]);
    INFO(binary);
    REQUIRE(::posix_spawn(&process_, binary.c_str(), &actions, nullptr, arguments.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    std::string line;
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';)
      line += c;
    ::close(out[0]);
    auto colon = line.rfind(':');
    REQUIRE(colon != std::string::npos);
    port_ = std::stoi(line.substr(colon + 1));
  }

  void stop() {
    if (process_ == 0)
      return;
    ::kill(process_, SIGTERM);
    int status = 0;
    ::waitpid(process_, &status, 0);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    process_ = 0;
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  void post(const std::string& path, const std::string& body) {
    auto answer = httplib::Client{url()}.Post(path, body, "application/json");
    REQUIRE(answer);
    REQUIRE(answer->status == 200);
  }

  std::vector<std::string> ledger() {
    std::vector<std::string> types;
    auto answer = httplib::Client{url()}.Get("/v1/ledger");
    REQUIRE(answer);
    auto page = nlohmann::json::parse(answer->body);
    for (const auto& entry : page["entries"])
      types.push_back(entry["type"]);
    return types;
  }

private:
  fs::path ledger_;
  pid_t process_ = 0;
  int port_ = 0;
};

/// A gateway that answers as a test says, and remembers the keys it was given.
class scripted_gateway {
public:
  explicit scripted_gateway(std::function<void(int call, httplib::Response&)> script) {
    server_.Post(".*", [this, script](const httplib::Request& request, httplib::Response& response) {
      std::lock_guard lock{mutex_};
      keys_.insert(request.get_header_value("Idempotency-Key"));
      script(++calls_, response);
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread{[this] { server_.listen_after_bind(); }};
    while (!server_.is_running())
      std::this_thread::sleep_for(1ms);
  }
  ~scripted_gateway() {
    server_.stop();
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int calls() {
    std::lock_guard lock{mutex_};
    return calls_;
  }
  std::size_t keys() {
    std::lock_guard lock{mutex_};
    return keys_.size();
  }

private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  int calls_ = 0;
  std::set<std::string> keys_;
};

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("the sandbox's tokens are understood", "[gateway]") {
  running_sandbox sandbox;
  sandbox_gateway gateway{sandbox.url(), 5s};

  auto paid = gateway.authorize(charge_with("tok_ok"));
  CHECK(paid.status == gateway_status::succeeded);
  CHECK_THAT(paid.reference, Catch::StartsWith("pay_"));

  auto declined = gateway.authorize(charge_with("tok_insufficient_funds"));
  CHECK(declined.status == gateway_status::declined);
  CHECK(declined.code == "insufficient_funds");

  auto action = gateway.authorize(charge_with("tok_requires_action"));
  CHECK(action.status == gateway_status::requires_action);
  CHECK(action.action_url == sandbox.url() + "/actions/" + action.reference);

  CHECK(gateway.authorize(charge_with("tok_processing")).status == gateway_status::processing);
  auto rejected = gateway.authorize(charge_with("tok_unheard_of"));
  CHECK(rejected.status == gateway_status::rejected);
  CHECK(rejected.code == "unknown_token");
  CHECK(sandbox.ledger() == strings{"succeeded"});
}

TEST_CASE("a lost answer and a passing failure are asked again and paid once", "[gateway]") {
  running_sandbox sandbox;
  sandbox_gateway gateway{sandbox.url(), 5s};
  CHECK(gateway.authorize(charge_with("tok_drop")).status == gateway_status::succeeded);
  CHECK(gateway.authorize(charge_with("tok_error_once")).status == gateway_status::succeeded);
  CHECK(sandbox.ledger() == strings{"succeeded", "succeeded"});

  auto c = charge_with("tok_ok");
  auto first = gateway.authorize(c);
  CHECK(gateway.authorize(c).reference == first.reference);
  sandbox.post("/v1/faults", R"({"drop_next":1})");
  c.reference = first.reference;
  CHECK(gateway.refund(c).status == gateway_status::refunded);
  CHECK(gateway.refund(c).status == gateway_status::refunded);
  CHECK(gateway.query(c).status == gateway_status::refunded);
  CHECK(sandbox.ledger() == strings{"succeeded", "succeeded", "succeeded", "refunded"});
}

TEST_CASE("an answer that does not come in time is unknown, and a query settles it", "[gateway]") {
  running_sandbox sandbox;
  sandbox_gateway hasty{sandbox.url(), 200ms};
  auto c = charge_with("tok_slow");
  auto begin = std::chrono::steady_clock::now();
  CHECK(hasty.authorize(c).status == gateway_status::unknown);
  CHECK(std::chrono::steady_clock::now() - begin < 600ms);
  CHECK(hasty.authorize(c).status == gateway_status::unknown); // its twin is still in flight
  CHECK(hasty.query(c).status == gateway_status::succeeded);
  CHECK(hasty.cancel(c).status == gateway_status::succeeded);
  CHECK(hasty.refund(c).status == gateway_status::refunded); // without knowing the gateway's id
  CHECK(sandbox.ledger() == strings{"succeeded", "refunded"});
}

TEST_CASE("a cancel is confirmed, comes too late, or stops what has not arrived yet", "[gateway]") {
  running_sandbox sandbox;
  sandbox_gateway gateway{sandbox.url(), 5s};

  auto pending = charge_with("tok_requires_action");
  pending.reference = gateway.authorize(pending).reference;
  CHECK(gateway.cancel(pending).status == gateway_status::cancelled);
  CHECK(gateway.cancel(pending).status == gateway_status::cancelled);
  CHECK(gateway.query(pending).status == gateway_status::cancelled);

  auto declined = charge_with("tok_declined");
  gateway.authorize(declined);
  CHECK(gateway.cancel(declined).status == gateway_status::cancelled);

  auto paid = charge_with("tok_ok");
  gateway.authorize(paid);
  CHECK(gateway.cancel(paid).status == gateway_status::succeeded);

  auto unheard = charge_with("tok_ok");
  CHECK(gateway.query(unheard).status == gateway_status::not_found);
  CHECK(gateway.cancel(unheard).status == gateway_status::cancelled);
  CHECK(gateway.authorize(unheard).status == gateway_status::cancelled);
  CHECK(sandbox.ledger() == strings{"succeeded"});
}

TEST_CASE("what the shopper decided is seen by a query", "[gateway]") {
  running_sandbox sandbox;
  sandbox_gateway gateway{sandbox.url(), 5s};
  auto c = charge_with("tok_requires_action");
  c.reference = gateway.authorize(c).reference;
  CHECK(gateway.refund(c).status == gateway_status::rejected); // there is nothing to give back yet
  sandbox.post("/v1/payments/" + c.reference + "/approve", "{}");
  CHECK(gateway.query(c).status == gateway_status::succeeded);
}

TEST_CASE("a key that was used for another amount reports what it was used for", "[gateway]") {
  running_sandbox sandbox;
  sandbox_gateway gateway{sandbox.url(), 5s};
  auto c = charge_with("tok_ok");
  auto first = gateway.authorize(c);
  c.amount = 2000;
  auto second = gateway.authorize(c);
  CHECK(second.status == gateway_status::succeeded);
  CHECK(second.reference == first.reference);
  CHECK(sandbox.ledger() == strings{"succeeded"});
}

TEST_CASE("connections outlive a restart of the gateway", "[gateway]") {
  running_sandbox sandbox;
  sandbox_gateway gateway{sandbox.url(), 5s};
  auto c = charge_with("tok_ok");
  auto first = gateway.authorize(c);
  sandbox.stop();
  CHECK(gateway.query(c).status == gateway_status::unknown);
  sandbox.start();
  CHECK(gateway.query(c).reference == first.reference);
}

TEST_CASE("many threads pay at once, each payment once", "[gateway]") {
  running_sandbox sandbox;
  sandbox_gateway gateway{sandbox.url(), 10s};
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i)
        if (gateway.authorize(charge_with(i % 10 == t % 10 ? "tok_drop" : "tok_ok")).status
            == gateway_status::succeeded)
          ++good;
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(good == 320);
  CHECK(sandbox.ledger().size() == 320);
}

TEST_CASE("a gateway that keeps failing is tried three times with one key, then unknown", "[gateway]") {
  scripted_gateway failing{[](int, httplib::Response& response) { response.status = 503; }};
  sandbox_gateway gateway{failing.url(), 5s};
  CHECK(gateway.authorize(charge_with("tok_ok")).status == gateway_status::unknown);
  CHECK(failing.calls() == 3);
  CHECK(failing.keys() == 1);
}

TEST_CASE("answers that make no sense are unknown", "[gateway]") {
  auto body = GENERATE(as<std::string>{}, "", "[]", "{", "\xFF", R"({"status":7})",
                       R"({"status":"splendid","id":"pay_1"})");
  scripted_gateway odd{
    [&](int, httplib::Response& response) { response.set_content(body, "application/json"); }};
  sandbox_gateway gateway{odd.url(), 5s};
  CHECK(gateway.authorize(charge_with("tok_ok")).status == gateway_status::unknown);
  CHECK(odd.calls() == 1);
}

TEST_CASE("a gateway that is not there is unknown within the time limit", "[gateway]") {
  sandbox_gateway gateway{"http://127.0.0.1:1", 300ms};
  auto begin = std::chrono::steady_clock::now();
  CHECK(gateway.authorize(charge_with("tok_ok")).status == gateway_status::unknown);
  CHECK(gateway.cancel(charge_with("tok_ok")).status == gateway_status::unknown);
  CHECK(std::chrono::steady_clock::now() - begin < 900ms);
  CHECK_THROWS_AS((sandbox_gateway{"localhost:1", 1s}), std::invalid_argument);
  CHECK_THROWS_AS((sandbox_gateway{"http://localhost:1/api", 1s}), std::invalid_argument);
}
