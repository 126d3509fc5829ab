// souk-sandbox: a payment gateway in a process of its own, so that a shop's time-outs, retries and lost
// answers are real ones.

#include "config/log.hpp"
#include "integrations/payment/sandbox_server/payment_book.hpp"
#include "integrations/payment/sandbox_server/routes.hpp"
#include "integrations/sandbox_common/process.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <httplib.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

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

int serve(const options& chosen, const sigset_t& stop_signals) {
  auto listen = souk::sandbox_common::parse_listen(chosen.listen);
  if (!listen) {
    std::fprintf(stderr, "souk-sandbox: --listen %s: is not HOST:PORT\n", chosen.listen.c_str());
    return 2;
  }
  souk::sandbox::payment_book book{chosen.state};
  httplib::Server server;
  souk::sandbox_common::server_run run{server, chosen.threads, 64 * 1024};
  auto port = run.bind(*listen);
  if (!port) {
    std::fprintf(stderr, "souk-sandbox: cannot listen on %s: address in use or not allowed\n",
                 chosen.listen.c_str());
    return 1;
  }
  auto address = "http://" + listen->host + ":" + std::to_string(*port);
  souk::sandbox::routes routes{book, chosen.public_url.empty() ? address : chosen.public_url,
                               std::chrono::milliseconds{chosen.slow_ms}};
  routes.install(server);

  run.serve(stop_signals, [&] {
    std::printf("souk-sandbox listens on %s\n", address.c_str());
    std::fflush(stdout);
    spdlog::info("listening on {}, ledger {}", address, chosen.state);
  });
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  options chosen;
  if (int code = read_command_line(argc, argv, chosen); code != 0)
    return code - 1;
  auto stop_signals = souk::sandbox_common::block_stop_signals();
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
