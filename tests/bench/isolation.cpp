// Whether shoppers feel it when a mail server and the merchants' webhooks hang: the same steady orders with both well and with both
// dead, in turns. The shop is one and the same process throughout, as it is on the day when it happens. Mails and webhooks that are
// delivered cost time that those which hang do not, so the same orders are also placed where there are none at all.

#include "soukd/api_client.hpp"
#include "tests/bench/neighbours.hpp"
#include "tests/bench/one_call.hpp"

#include <algorithm>
#include <array>
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

/// Until what gathered has been delivered: a round must not pay for the one before. A few webhooks that hung wait for a minute.
/// @param orders how many there were, with a mail and a webhook each @returns whether it came to that in time
bool wait_until_quiet(const neighbours& around, std::uint64_t orders) {
  constexpr std::uint64_t few = 50;
  const auto until = clock::now() + quiet_within;
  auto since = clock::now();
  for (auto before = around.mails() + around.webhooks(); clock::now() < until;) {
    std::this_thread::sleep_for(50ms);
    const auto now = around.mails() + around.webhooks();
    if (now != before)
      since = clock::now();
    else if (clock::now() - since > quiet_for && around.mails() + few >= orders && around.webhooks() + few >= orders)
      return true;
    before = now;
  }
  std::cerr << "of " << orders << " orders only " << around.mails() << " mails and " << around.webhooks() << " webhooks have come\n";
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

std::chrono::nanoseconds milliseconds_of(double ms) {
  return std::chrono::nanoseconds{static_cast<std::int64_t>(ms * 1e6)};
}

/// What all rounds of one kind came to. Whatever else the machine does for a moment spoils one round and not the median.
struct side {
  latencies p50s, p99s; ///< of each round
  std::uint64_t answers = 0, errors = 0, mails = 0, webhooks = 0;
  std::uint64_t hanging = ~std::uint64_t{0}; ///< the fewest at the end of a round
};

} // namespace

int isolation(const options& o) {
  if (o.base_url.empty() || o.mail_port == 0)
    throw std::runtime_error("--base-url and --mail-port are needed: where the shop answers, and where it takes its mails to");
  neighbours around{o.mail_port};
  const market_size size{.stores = 4, .products_each = 50, .variants_each = 2, .guests = guests};
  const auto market = open_api_market(o.base_url, size), lonely_market = open_api_market(o.base_url, size);
  add_webhooks(o.base_url, market, around.webhook_url());
  one_call checkout{o.base_url, market, "shopper@example.com"}, lonely{o.base_url, lonely_market};

  // --concurrency is the rate here, for whoever wants to compare at a certain one.
  const milliseconds whole = o.duration;
  double rate = o.concurrency;
  if (rate <= 0)
    rate = std::max(1.0, find_limit(o.base_url, checkout, std::max(milliseconds{500}, whole / 5)) / 2);
  int not_quiet = wait_until_quiet(around, checkout.placed) ? 0 : 1;

  // There and back again: what drifts meanwhile drifts for all.
  enum kind : std::size_t { well, dead, alone };
  constexpr std::array<kind, 6> order{well, dead, alone, alone, dead, well};
  constexpr std::array<const char*, 3> names{"well", "dead", "alone"};
  std::array<side, 3> sides;
  const int rounds = whole < 5s ? 1 : 5;
  const auto slice = whole / rounds, warm_up = std::min<milliseconds>(1s, slice / 2);
  for (int turn = 0; turn < 3 * rounds; ++turn) {
    const auto what = order[static_cast<std::size_t>(turn) % order.size()];
    auto& s = sides[what];
    around.be_alive(what != dead);
    const auto mails = around.mails(), webhooks = around.webhooks();
    auto r = run_steady_load(o.base_url, rate, visitors, warm_up, slice, what == alone ? lonely : checkout);
    const auto mailed = around.mails() - mails, called = around.webhooks() - webhooks, hanging = around.hanging();
    s.hanging = std::min(s.hanging, hanging);
    s.mails += mailed;
    s.webhooks += called;
    s.answers += r.answers;
    s.errors += r.errors;
    s.p50s.add(milliseconds_of(r.took.percentile(50)));
    s.p99s.add(milliseconds_of(r.took.percentile(99)));
    std::cerr << names[what] << ": " << r.answers << " orders, p50 " << r.took.percentile(50) << " ms, p99 "
              << r.took.percentile(99) << " ms, " << r.errors << " errors, " << mailed << " mails and " << called
              << " webhooks taken, " << hanging << " connections hang\n";
    around.be_alive(true);
    not_quiet += wait_until_quiet(around, checkout.placed) ? 0 : 1;
  }

  const auto p99 = [&](kind k) { return sides[k].p99s.percentile(50); };
  const auto p50 = [&](kind k) { return sides[k].p50s.percentile(50); };
  const auto over = [](double a, double b) { return b > 0 ? a / b : 0; };
  std::cerr << "delivering costs time as well: alone is without mails and webhooks, when there is nothing to deliver\n";
  report(o.name,
         {{"p99_ms_healthy", p99(well)},
          {"p99_ms_dead", p99(dead)},
          {"p99_ms_alone", p99(alone)},
          {"ratio_to_alone", over(p99(dead), p99(alone))},
          {"rounds", rounds},
          {"worst_p99_ms_healthy", sides[well].p99s.percentile(100)},
          {"worst_p99_ms_dead", sides[dead].p99s.percentile(100)},
          {"p50_ms_healthy", p50(well)},
          {"p50_ms_dead", p50(dead)},
          {"p50_ms_alone", p50(alone)},
          {"orders_per_s", rate},
          {"orders_healthy", static_cast<double>(sides[well].answers)},
          {"orders_dead", static_cast<double>(sides[dead].answers)},
          {"orders_alone", static_cast<double>(sides[alone].answers)},
          {"errors", static_cast<double>(sides[well].errors + sides[dead].errors + sides[alone].errors)},
          {"mails_healthy", static_cast<double>(sides[well].mails)},
          {"webhooks_healthy", static_cast<double>(sides[well].webhooks)},
          {"taken_dead", static_cast<double>(sides[dead].mails + sides[dead].webhooks)},
          {"hanging_dead", static_cast<double>(sides[dead].hanging)},
          {"not_quiet", not_quiet}},
         p99(well), over(p99(dead), p99(well)));
  // Without mails and webhooks, or with neighbours that were not dead, nothing was shown.
  const bool shown = sides[well].answers > 0 && sides[dead].answers > 0 && sides[alone].answers > 0 && sides[well].mails > 0
                     && sides[well].webhooks > 0 && sides[dead].mails + sides[dead].webhooks == 0 && sides[dead].hanging > 1;
  return shown ? 0 : 1;
}

} // namespace souk::bench
