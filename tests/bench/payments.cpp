// Orders paid by card through Stripe's contract, as the whole shop does it, over what the provider's side can do at most: the same
// calls by the same client, without a shop. Both share the machine with the sandbox that answers them.

#include "integrations/payment/stripe_gateway.hpp"
#include "storage/postgres/connection.hpp"
#include "tests/bench/direct_shop.hpp"

#include <algorithm>
#include <atomic>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace souk::bench {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using nlohmann::json;

/// A Stripe account each. The bucket of an account gives 20 calls a second, and a payment takes two of them: together they must
/// give more than the provider can do.
constexpr int stores = 600;
constexpr int variants_each = 5;
constexpr int calls_of_a_payment = 2; ///< an intent is created, then confirmed
constexpr int drivers = 4;
constexpr auto settles_within = 30s;
constexpr const char* card = "pm_card_visa";
const std::string seal_key(64, '5'); ///< hex; nothing that it seals outlives the run
const std::string shop_keys = "sk_test_shop_", ceiling_keys = "sk_test_ceiling_";

config::settings shop_settings(const options& o) {
  auto s = lone_node({o.database_url});
  s.stripe_url = o.providers_url + "/stripe";
  s.paypal_url.clear(); // neither is asked of anything here
  s.shipstation_url.clear();
  s.secret_key = {seal_key};
  return s;
}

std::string secrets_of(const std::string& key) {
  return json{{"secret_key", key}, {"webhook_secrets", {"whsec_none"}}}.dump();
}

/// Taken money by the provider's id of the payment, in minor units.
using takings = std::map<std::string, std::int64_t>;

/// What the sandbox's ledger says of the shop's accounts. @throws std::runtime_error
takings at_provider(const std::string& url) {
  httplib::Client client{url};
  client.set_read_timeout(30s);
  takings out;
  for (std::size_t after = 0;;) {
    const auto got = client.Get("/admin/ledger?limit=10000&after=" + std::to_string(after));
    if (!got || got->status != 200)
      throw std::runtime_error("the sandbox does not show its ledger");
    const auto page = json::parse(got->body);
    if (page.at("entries").empty())
      return out;
    for (const auto& e : page.at("entries")) {
      if (!e.at("account").get<std::string>().starts_with(shop_keys))
        continue;
      if (e.at("type") != "captured")
        throw std::runtime_error("the ledger has what nobody asked for: " + e.dump());
      out[e.at("payment")] += e.at("amount").get<std::int64_t>();
    }
    after = page.at("next");
  }
}

/// The shop's rows, as they are committed.
class shop_rows {
public:
  explicit shop_rows(const std::string& database_url)
    : session_({database_url, "souk-bench", "souk_writer", 5s, 60s, ""}) {}

  std::int64_t pending() {
    static const storage::postgres::statement sql{"pending", "SELECT count(*) FROM orders WHERE status = 1"};
    return session_.read(sql, {}).int8(0, 0);
  }
  /// Orders that became paid, and whose money is there, in [from, to).
  std::int64_t paid_between(storage::timestamp from, storage::timestamp to) {
    static const storage::postgres::statement sql{
      "paid", "SELECT count(*) FROM orders o WHERE status = 2 AND updated_at >= $1 AND updated_at < $2 AND total = "
              "(SELECT sum(captured) FROM payments p WHERE p.order_id = o.id)"};
    return session_.read(sql, storage::postgres::parameters::of(from, to)).int8(0, 0);
  }
  /// How long orders took to be paid after they had been placed, of those that are: microseconds.
  std::vector<std::int64_t> took(const std::vector<storage::ulid>& orders) {
    static const storage::postgres::statement sql{
      "took", "SELECT (extract(epoch FROM updated_at - created_at) * 1e6)::int8 FROM orders WHERE status = 2 AND id = ANY($1)"};
    const auto rows = session_.read(sql, storage::postgres::parameters::of(orders));
    std::vector<std::int64_t> out;
    for (int i = 0; i < rows.rows(); ++i)
      out.push_back(rows.int8(i, 0));
    return out;
  }
  takings taken() {
    static const storage::postgres::statement sql{"taken", "SELECT provider_reference, captured FROM payments WHERE captured > 0"};
    const auto rows = session_.read(sql, {});
    takings out;
    for (int i = 0; i < rows.rows(); ++i)
      out[rows.text(i, 0)] += rows.int8(i, 1);
    return out;
  }

private:
  storage::postgres::connection session_;
};

struct shop_figures {
  std::int64_t settled = 0; ///< in the measured time
  double per_second = 0;
  latencies took; ///< from the order's first message to its payment's commit
  std::uint64_t refused = 0;
  std::size_t late = 0;       ///< answered before they were paid, because it took longer than a shopper waits
  std::int64_t unsettled = 0; ///< not even at the end
};

shop_figures run_shop(const options& o, int under_way, shop_rows& rows) {
  direct_shop shop{shop_settings(o)};
  const auto goods = shop.open_stores(stores, variants_each);
  for (std::size_t i = 0; i < goods.size(); i += variants_each)
    shop.give_account(goods[i].store, "stripe", secrets_of(shop_keys + std::to_string(i)));
  const auto shoppers = shop.sign_up_shoppers(64);
  const actors::payment_method pays{"stripe", card};
  const auto run = [&](std::chrono::milliseconds duration, auto note) {
    return place_orders(shop, goods, shoppers, drivers, std::max(1, under_way / drivers), 0ms, duration, note, pays);
  };
  run(1s, nullptr); // warm-up: connections, actors
  shop_figures out;
  std::mutex guard;
  std::vector<storage::ulid> late;
  const auto from = shop.stack().clock().now();
  const auto placed = run(o.duration, [&](const actors::order_view& view, clock::duration took) {
    std::lock_guard lock{guard};
    if (view.order.status == storage::order_status::paid)
      out.took.add(took);
    else
      late.push_back(view.order.id);
  });
  const auto to = from + std::chrono::duration_cast<std::chrono::microseconds>(o.duration);
  out.refused = placed.refused;
  out.late = late.size();
  const auto until = clock::now() + settles_within;
  while ((out.unsettled = rows.pending()) > 0 && clock::now() < until)
    std::this_thread::sleep_for(50ms);
  for (const auto us : rows.took(late))
    out.took.add(std::chrono::microseconds{us});
  out.settled = rows.paid_between(from, to);
  out.per_second = static_cast<double>(out.settled) / std::chrono::duration<double>(o.duration).count();
  return out;
}

/// The same payments by the shop's client for Stripe, from so many threads. @returns payments/s
double run_gateway(const options& o, std::int64_t payments, int threads) {
  integrations::client_tuning unlimited; // here no merchant is to be protected from another
  unlimited.calls_per_second = unlimited.burst = 1e9;
  const auto box = std::make_shared<const actors::secret_box>(std::vector<std::string>{seal_key});
  integrations::stripe_gateway stripe{o.providers_url + "/stripe", config::settings{}.gateway_timeout_ms, box, unlimited};
  const runtime::database_clock time{std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now())};
  runtime::id_source ids{time};
  std::vector<actors::charge> charges(stores);
  for (std::size_t i = 0; i < charges.size(); ++i) {
    auto& c = charges[i];
    c.store_id = ids.fresh();
    c.amount = 1999;
    c.currency = "EUR";
    c.method_token = card;
    c.store_name = "Bench " + std::to_string(i);
    c.address = {"Ada Lovelace", "12 St James's Square", "", "London", "", "SW1Y 4LB", "GB", ""};
    c.return_url = "http://127.0.0.1:8081/orders";
    c.account.provider = "stripe";
    c.account.sealed = box->seal(actors::secret_owner(c.store_id, "stripe"),
                                 secrets_of(ceiling_keys + std::to_string(i)));
  }
  std::atomic<std::int64_t> next{0}, failed{0};
  const auto began = clock::now();
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&] {
      for (std::int64_t n = 0; (n = next++) < payments;) {
        auto c = charges[static_cast<std::size_t>(n) % charges.size()];
        c.attempt_id = ids.fresh();
        c.order_id = ids.fresh();
        c.order_number = 1001 + n;
        c.created_at = time.now();
        if (stripe.authorize(c).status != actors::gateway_status::succeeded)
          ++failed;
      }
    });
  for (auto& t : all)
    t.join();
  const auto took = std::chrono::duration<double>(clock::now() - began).count();
  if (failed > 0)
    throw std::runtime_error(std::to_string(failed) + " payments without the shop did not succeed");
  return static_cast<double>(payments) / took;
}

} // namespace

int payments(const options& o) {
  if (o.providers_url.empty())
    throw std::runtime_error("--providers-url is needed: where the providers' sandbox answers");
  const int under_way = o.concurrency > 0 ? o.concurrency : 64;
  shop_rows rows{o.database_url};
  auto shop = run_shop(o, under_way, rows);

  const auto here = rows.taken(), there = at_provider(o.providers_url);
  std::size_t mismatches = 0;
  const auto compare = [&](const takings& a, const takings& b, const char* where) {
    for (const auto& [payment, amount] : a)
      if (const auto at = b.find(payment); at == b.end() || at->second != amount)
        if (++mismatches < 5)
          std::cerr << payment << ": " << amount << " " << where << ", and something else on the other side\n";
  };
  compare(here, there, "in the shop");
  compare(there, here, "at the provider");
  std::cerr << here.size() << " payments in the shop, " << there.size() << " in the provider's ledger\n";

  double ceiling = 0;
  int best = 0;
  for (const int threads : {4, 8, 16, 32}) {
    const auto rate = run_gateway(o, std::max<std::int64_t>(shop.settled, 100), threads);
    std::cerr << "without the shop, " << threads << " threads: " << static_cast<long>(rate) << " payments/s\n";
    if (rate > ceiling) {
      ceiling = rate;
      best = threads;
    }
  }
  const auto tuning = integrations::client_tuning{};
  report(o.name,
         {{"settled_per_s", shop.per_second},
          {"settled", static_cast<double>(shop.settled)},
          {"p50_ms", shop.took.percentile(50)},
          {"p99_ms", shop.took.percentile(99)},
          {"ceiling_per_s", ceiling},
          {"ceiling_threads", best},
          {"buckets_per_s", stores * tuning.calls_per_second / calls_of_a_payment},
          {"accounts", stores},
          {"under_way", under_way},
          {"late", static_cast<double>(shop.late)},
          {"refused", static_cast<double>(shop.refused)},
          {"unsettled", static_cast<double>(shop.unsettled)},
          {"mismatches", static_cast<double>(mismatches)}},
         ceiling, shop.per_second / ceiling);
  return shop.settled > 0 && shop.unsettled == 0 && mismatches == 0 ? 0 : 1;
}

} // namespace souk::bench
