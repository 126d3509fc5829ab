// Whether shoppers feel it when a mail server and the merchants' webhooks hang: the same steady orders with both well and with both
// dead, in turns. The shop is one and the same process throughout, as it is on the day when it happens.

#include "soukd/api_client.hpp"
#include "tests/bench/neighbours.hpp"
#include "tests/bench/one_call.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <thread>

#include <nlohmann/json.hpp>

namespace souk::bench {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr double p99_max_ms = 100;
constexpr int guests = 300;
/// Connections of the steady load: more than it needs, so that those that wait do not hold up the next.
constexpr int visitors = 150;
constexpr auto quiet_for = 1s;
constexpr auto quiet_within = 120s;

void add_webhooks(const std::string& url, const api_market& market, const std::string& address) {
  server::api_client merchant{url};
  merchant.use_token(market.merchant_token);
  for (const auto& store : market.stores)
    merchant.must(merchant.post("/stores/" + store + "/webhooks",
                                nlohmann::json{{"address", address}, {"topics", {"orders/paid"}}}.dump()),
                  "adding a webhook");
}

/// Until what gathered has been delivered: a round must not pay for the one before. @returns whether it came to that in time
bool wait_until_quiet(const neighbours& around) {
  const auto until = clock::now() + quiet_within;
  auto since = clock::now();
  for (auto before = around.mails() + around.webhooks(); clock::now() < until;) {
    std::this_thread::sleep_for(50ms);
    const auto now = around.mails() + around.webhooks();
    if (now != before)
      since = clock::now();
    else if (clock::now() - since > quiet_for)
      return true;
    before = now;
  }
  return false;
}

/// The most orders/s that are answered in time, as http-checkout finds them, with everybody well.
double find_limit(const std::string& url, one_call& checkout, milliseconds probe) {
  double most = 0;
  run_load(url, 16, 0ms, probe, checkout); // caches and actors warm up
  for (const int at_once : {16, 32, 64}) {
    auto r = run_load(url, at_once, 200ms, probe, checkout);
    const auto p99 = r.took.percentile(99);
    std::cerr << at_once << " at once: " << static_cast<long>(r.per_second) << " orders/s, p99 " << p99 << " ms, " << r.errors
              << " errors\n";
    if (most == 0 || (p99 < p99_max_ms && r.per_second > most))
      most = r.per_second;
  }
  return most;
}

/// What all rounds of one kind came to.
struct side {
  latencies took;
  std::uint64_t answers = 0, errors = 0, mails = 0, webhooks = 0;
  std::uint64_t hanging = ~std::uint64_t{0}; ///< the fewest at the end of a round
};

} // namespace

int isolation(const options& o) {
  if (o.base_url.empty() || o.mail_port == 0)
    throw std::runtime_error("--base-url and --mail-port are needed: where the shop answers, and where it takes its mails to");
  neighbours around{o.mail_port};
  const auto market = open_api_market(o.base_url, {.stores = 4, .products_each = 50, .variants_each = 2, .guests = guests});
  add_webhooks(o.base_url, market, around.webhook_url());
  one_call checkout{o.base_url, market, "shopper@example.com"};

  // --concurrency is the rate here, for whoever wants to compare at a certain one.
  const milliseconds whole = o.duration;
  double rate = o.concurrency;
  if (rate <= 0)
    rate = std::max(1.0, find_limit(o.base_url, checkout, std::max(milliseconds{500}, whole / 5)) / 2);
  int not_quiet = wait_until_quiet(around) ? 0 : 1;

  // Well, dead, dead, well: what drifts meanwhile drifts for both.
  const int rounds = whole < 4s ? 1 : 4;
  const auto slice = whole / rounds, warm_up = std::min<milliseconds>(1s, slice / 2);
  side well, dead;
  for (int turn = 0; turn < 2 * rounds; ++turn) {
    const bool alive = turn % 4 == 0 || turn % 4 == 3;
    auto& s = alive ? well : dead;
    around.be_alive(alive);
    const auto mails = around.mails(), webhooks = around.webhooks();
    auto r = run_steady_load(o.base_url, rate, visitors, warm_up, slice, checkout);
    s.hanging = std::min(s.hanging, around.hanging());
    s.mails += around.mails() - mails;
    s.webhooks += around.webhooks() - webhooks;
    s.answers += r.answers;
    s.errors += r.errors;
    s.took.merge(r.took);
    std::cerr << (alive ? "well" : "dead") << ": " << r.answers << " orders, p50 " << r.took.percentile(50) << " ms, p99 "
              << r.took.percentile(99) << " ms, " << r.errors << " errors, " << around.mails() - mails << " mails and "
              << around.webhooks() - webhooks << " webhooks taken, " << around.hanging() << " connections hang\n";
    around.be_alive(true);
    not_quiet += wait_until_quiet(around) ? 0 : 1;
  }

  const auto p99_well = well.took.percentile(99), p99_dead = dead.took.percentile(99);
  report(o.name,
         {{"p99_ms_healthy", p99_well},
          {"p99_ms_dead", p99_dead},
          {"p50_ms_healthy", well.took.percentile(50)},
          {"p50_ms_dead", dead.took.percentile(50)},
          {"orders_per_s", rate},
          {"orders_healthy", static_cast<double>(well.answers)},
          {"orders_dead", static_cast<double>(dead.answers)},
          {"errors", static_cast<double>(well.errors + dead.errors)},
          {"mails_healthy", static_cast<double>(well.mails)},
          {"webhooks_healthy", static_cast<double>(well.webhooks)},
          {"mails_dead", static_cast<double>(dead.mails)},
          {"webhooks_dead", static_cast<double>(dead.webhooks)},
          {"hanging_dead", static_cast<double>(dead.hanging)},
          {"not_quiet", not_quiet}},
         p99_well, p99_well > 0 ? p99_dead / p99_well : 0);
  // Without mails and webhooks, or with neighbours that were not dead, nothing was shown.
  const bool shown = well.answers > 0 && dead.answers > 0 && well.mails > 0 && well.webhooks > 0 && dead.mails == 0
                     && dead.webhooks == 0 && dead.hanging > 1;
  return shown ? 0 : 1;
}

} // namespace souk::bench
