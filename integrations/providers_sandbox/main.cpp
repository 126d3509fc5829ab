// souk-providers: Stripe, PayPal, ShipStation and SendGrid in a process of their own, so that a shop's clients
// are tested against the contracts, and against what breaks.

#include "config/log.hpp"
#include "integrations/providers_sandbox/admin.hpp"
#include "integrations/providers_sandbox/gate.hpp"
#include "integrations/providers_sandbox/paypal.hpp"
#include "integrations/providers_sandbox/sendgrid.hpp"
#include "integrations/providers_sandbox/shipstation.hpp"
#include "integrations/providers_sandbox/stripe.hpp"
#include "integrations/sandbox_common/process.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <httplib.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

namespace {

using namespace souk::providers;

constexpr std::size_t payload_max = 32 * 1024 * 1024; ///< bytes: a mail with its attachments

struct options {
  std::string listen = "127.0.0.1:8083";
  std::string state;
  std::string public_url;
  std::string log_file;
  std::size_t threads = 96;
  std::int64_t stripe_key_s = 24 * 3600;
  std::int64_t search_delay_ms = 1000;
  std::int64_t shipstation_rate = 40;
  std::int64_t paypal_token_s = 32400;
  std::int64_t paypal_order_key_s = 6 * 3600;
  std::int64_t backoff_ms = 200;
  int attempts = 12;
  std::size_t webhook_threads = 8;
};

/// @returns 0 after a good command line, else the exit code to end with plus one (CLI11 has printed the
/// reason).
int read_command_line(int argc, char** argv, options& chosen) {
  CLI::App app{"A local sandbox of Stripe, PayPal, ShipStation and SendGrid, remembered in a file."};
  app.add_option("--listen", chosen.listen, "HOST:PORT; port 0 lets the kernel choose")->capture_default_str();
  app.add_option("--state", chosen.state, "the ledger file; created if missing, replayed if not")->required();
  app.add_option("--public-url", chosen.public_url, "where browsers reach it (default http://HOST:PORT)");
  app.add_option("--threads", chosen.threads, "connections served at once")
    ->check(CLI::Range(2, 900))
    ->capture_default_str();
  app.add_option("--stripe-key-s", chosen.stripe_key_s, "seconds that Stripe keeps an Idempotency-Key")
    ->check(CLI::Range(1, 10'000'000))
    ->capture_default_str();
  app.add_option("--search-delay-ms", chosen.search_delay_ms, "before Stripe's search finds a payment")
    ->check(CLI::Range(0, 600'000))
    ->capture_default_str();
  app.add_option("--paypal-token-s", chosen.paypal_token_s, "seconds that an access token of PayPal is good for")
    ->check(CLI::Range(1, 10'000'000))
    ->capture_default_str();
  app.add_option("--paypal-order-key-s", chosen.paypal_order_key_s, "seconds that PayPal keeps a request id on orders")
    ->check(CLI::Range(1, 10'000'000))
    ->capture_default_str();
  app.add_option("--shipstation-rate", chosen.shipstation_rate, "calls per minute that ShipStation takes from an account")
    ->check(CLI::Range(1, 100'000'000))
    ->capture_default_str();
  app.add_option("--webhook-backoff-ms", chosen.backoff_ms, "before the second attempt; then doubled, up to 30 s")
    ->check(CLI::Range(1, 600'000))
    ->capture_default_str();
  app.add_option("--webhook-attempts", chosen.attempts, "before a delivery is given up")
    ->check(CLI::Range(1, 100))
    ->capture_default_str();
  app.add_option("--webhook-threads", chosen.webhook_threads, "deliveries at once")
    ->check(CLI::Range(1, 64))
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
    std::fprintf(stderr, "souk-providers: --listen %s: is not HOST:PORT\n", chosen.listen.c_str());
    return 2;
  }
  httplib::Server server;
  souk::sandbox_common::server_run run{server, chosen.threads, payload_max};
  auto port = run.bind(*listen);
  if (!port) {
    std::fprintf(stderr, "souk-providers: cannot listen on %s: address in use or not allowed\n",
                 chosen.listen.c_str());
    return 1;
  }
  auto address = "http://" + listen->host + ":" + std::to_string(*port);
  auto url = chosen.public_url.empty() ? address : chosen.public_url;

  store memory;
  faults stripe_faults;
  faults paypal_faults;
  faults shipstation_faults;
  faults sendgrid_faults;
  webhook_options hooks;
  hooks.threads = chosen.webhook_threads;
  hooks.backoff = std::chrono::milliseconds{chosen.backoff_ms};
  hooks.attempts = chosen.attempts;
  webhook_sender sender{hooks};
  stripe_options of_stripe;
  of_stripe.url = url + "/stripe";
  of_stripe.key_life = std::chrono::seconds{chosen.stripe_key_s};
  of_stripe.search_delay = std::chrono::milliseconds{chosen.search_delay_ms};
  stripe stripe_api{memory, sender, stripe_faults, of_stripe};
  paypal_options of_paypal;
  of_paypal.url = url + "/paypal";
  of_paypal.token_life = std::chrono::seconds{chosen.paypal_token_s};
  of_paypal.order_key_life = std::chrono::seconds{chosen.paypal_order_key_s};
  paypal paypal_api{memory, sender, paypal_faults, of_paypal};
  shipstation shipstation_api{memory, sender, shipstation_faults, {url + "/shipstation", chosen.shipstation_rate}};
  sendgrid sendgrid_api{memory, sender, sendgrid_faults};
  memory.watch(table::account, [&](const row& subject, const json& settings) {
    if (subject.id == "stripe")
      stripe_api.configure(subject.account, settings);
    else if (subject.id == "paypal")
      paypal_api.configure(subject.account, settings);
  });
  memory.open(chosen.state);
  paypal_api.start();
  sendgrid_api.start();
  admin office{{memory,
                sender,
                {{"stripe", &stripe_faults},
                 {"paypal", &paypal_faults},
                 {"shipstation", &shipstation_faults},
                 {"sendgrid", &sendgrid_faults}},
                stripe_api,
                paypal_api,
                shipstation_api,
                sendgrid_api}};
  gate entrance{{{"/stripe", &stripe_api, &stripe_faults},
                 {"/paypal", &paypal_api, &paypal_faults},
                 {"/shipstation", &shipstation_api, &shipstation_faults},
                 {"/sendgrid", &sendgrid_api, &sendgrid_faults}},
                office};
  entrance.install(server);

  run.serve(stop_signals, [&] {
    std::printf("souk-providers listens on %s\n", address.c_str());
    std::fflush(stdout);
    spdlog::info("listening on {}, ledger {}", address, chosen.state);
  });
  sender.stop(); // what it delivers is rendered and signed by the providers, which end before it
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
    std::fprintf(stderr, "souk-providers: %s\n", error.what());
    return 1;
  }
}
