// souk-sandbox: a payment gateway in a process of its own, so that a shop's time-outs, retries and lost
// answers are real ones.

#include "config/log.hpp"
#include "integrations/payment/sandbox_server/connections.hpp"
#include "integrations/payment/sandbox_server/payment_book.hpp"
#include "integrations/payment/sandbox_server/routes.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <httplib.h>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <thread>

namespace {

struct options {
  std::string listen = "127.0.0.1:8082";
  std::string state;
  std::string public_url;
  std::string log_file;
  std::int64_t slow_ms = 3000;
  std::size_t threads = 96;
};

/// @returns 0 after a good command line, else the exit code to end with plus one (CLI11 has printed the
/// reason).
int read_command_line(int argc, char** argv, options& chosen) {
  CLI::App app{"The sandbox payment gateway of souk: test tokens over HTTP, remembered in a file."};
  app.add_option("--listen", chosen.listen, "HOST:PORT; port 0 lets the kernel choose")
    ->capture_default_str();
  app.add_option("--state", chosen.state, "the ledger file; created if missing, replayed if not")->required();
  app.add_option("--public-url", chosen.public_url, "where browsers reach it (default http://HOST:PORT)");
  app.add_option("--slow-ms", chosen.slow_ms, "how long tok_slow keeps its caller waiting")
    ->check(CLI::Range(0, 600000))
    ->capture_default_str();
  app.add_option("--threads", chosen.threads, "connections served at once")
    ->check(CLI::Range(2, 900))
    ->capture_default_str();
  app.add_option("--log-file", chosen.log_file, "default: stderr");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 1 : 3;
  }
  return 0;
}

/// cpp-httplib listens with a backlog of 5, so a burst of new connections waits for the kernel's next try, a
/// second later; and it shares its port with whoever else asks for it, so a second gateway would start and
/// take half of the calls.
struct listening_socket {
  int number = -1;

  void configure(int socket) {
    number = socket;
    int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  }

  void widen_backlog() const { ::listen(number, 1024); }
};

/// SIGTERM and SIGINT are blocked everywhere and waited for in one place. Call it before any thread starts
/// (the log's included).
sigset_t block_stop_signals() {
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return stop_signals;
}

int serve(const options& chosen, const sigset_t& stop_signals) {
  auto colon = chosen.listen.rfind(':');
  int port = -1;
  if (colon != std::string::npos)
    std::from_chars(chosen.listen.data() + colon + 1, chosen.listen.data() + chosen.listen.size(), port);
  if (colon == std::string::npos || colon == 0 || port < 0 || port > 65535) {
    std::fprintf(stderr, "souk-sandbox: --listen %s: is not HOST:PORT\n", chosen.listen.c_str());
    return 2;
  }
  auto host = chosen.listen.substr(0, colon);

  souk::sandbox::payment_book book{chosen.state};
  httplib::Server server;
  listening_socket socket;
  server.new_task_queue = [&] { return new httplib::ThreadPool(chosen.threads); };
  server.set_socket_options([&](int number) { socket.configure(number); });
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  server.set_keep_alive_timeout(60);
  server.set_payload_max_length(64 * 1024);
  if (port == 0)
    port = server.bind_to_any_port(host);
  else if (!server.bind_to_port(host, port))
    port = -1;
  if (port <= 0) {
    std::fprintf(stderr, "souk-sandbox: cannot listen on %s: address in use or not allowed\n",
                 chosen.listen.c_str());
    return 1;
  }
  socket.widen_backlog();
  auto address = "http://" + host + ":" + std::to_string(port);
  souk::sandbox::routes routes{book, chosen.public_url.empty() ? address : chosen.public_url,
                               std::chrono::milliseconds{chosen.slow_ms}};
  routes.install(server);

  std::thread listener{[&] { server.listen_after_bind(); }};
  while (!server.is_running()) // a stop that comes earlier would be lost
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  std::printf("souk-sandbox listens on %s\n", address.c_str());
  std::fflush(stdout);
  spdlog::info("listening on {}, ledger {}", address, chosen.state);
  int received = 0;
  sigwait(&stop_signals, &received);
  spdlog::info("stopping");
  server.stop();
  souk::sandbox::stop_reading_from_peers();
  listener.join();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  options chosen;
  if (int code = read_command_line(argc, argv, chosen); code != 0)
    return code - 1;
  auto stop_signals = block_stop_signals();
  try {
    souk::config::settings log;
    log.log_file = chosen.log_file;
    souk::config::start_log(log);
    if (sodium_init() < 0)
      throw std::runtime_error("libsodium cannot start");
    return serve(chosen, stop_signals);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "souk-sandbox: %s\n", error.what());
    return 1;
  }
}
