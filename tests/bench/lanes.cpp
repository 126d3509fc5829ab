// What more journal lanes bring, and what a second database does: orders spread over many shards, each kind of node on databases of
// its own that are made for it.

#include "storage/postgres/deployment.hpp"
#include "tests/bench/direct_shop.hpp"
#include "tests/bench/scratch_database.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <thread>

#include <spdlog/spdlog.h>

namespace souk::bench {

namespace {

using namespace std::chrono_literals;

constexpr int stores = 256;
constexpr int variants_each = 8;
constexpr int drivers = 8;
constexpr int window = 64;

struct kind {
  std::string field;
  std::size_t lanes; ///< of each database
  std::size_t databases;
  double seconds = 0;
  std::uint64_t placed = 0;
  std::uint64_t refused = 0;
  std::uint64_t batches = 0;
  std::uint64_t write_sets = 0;
  latencies took{};

  double per_second() const { return static_cast<double>(placed) / seconds; }
};

void measure(kind& k, const options& o, std::chrono::milliseconds duration) {
  std::vector<std::unique_ptr<scratch_database>> databases;
  std::vector<std::string> urls;
  for (const auto& server : {o.database_url, o.second_database_url}) {
    if (databases.size() == k.databases)
      break;
    databases.push_back(std::make_unique<scratch_database>(server));
    urls.push_back(databases.back()->url());
  }
  storage::postgres::establish_deployment(storage::postgres::databases{urls});
  auto s = lone_node(urls);
  s.journal_lanes = k.lanes;
  s.journal_queue_max = 65'536; // the events of a shop at its limit fill the default, and orders would be refused
  direct_shop shop{s};
  const auto goods = shop.open_stores(stores, variants_each);
  const auto shoppers = shop.sign_up_shoppers(64);
  const int each = o.concurrency > 0 ? std::max(1, o.concurrency / drivers) : window;
  auto r = place_orders(shop, goods, shoppers, drivers, each, 2s, duration);
  for (const auto& lane : shop.stack().node().lanes()) {
    k.batches += lane.batches;
    k.write_sets += lane.write_sets;
  }
  std::cerr << k.field << ": " << static_cast<long>(r.per_second) << " orders/s\n";
  k.seconds += r.per_second > 0 ? static_cast<double>(r.placed) / r.per_second : 0;
  k.placed += r.placed;
  k.refused += r.refused;
  k.took.merge(r.took);
}

} // namespace

int lanes(const options& o) {
  if (o.second_database_url.empty())
    throw std::runtime_error("this one needs --second-database-url as well");
  spdlog::set_level(spdlog::level::warn);
  std::array<kind, 4> all{{{"1_lane", 1, 1}, {"2_lanes", 2, 1}, {"4_lanes", 4, 1}, {"two_databases", 2, 2}}};
  // There and back: what drifts meanwhile drifts for all.
  for (auto& k : all)
    measure(k, o, std::chrono::milliseconds{o.duration} / 2);
  for (auto k = all.rbegin(); k != all.rend(); ++k)
    measure(*k, o, std::chrono::milliseconds{o.duration} / 2);
  std::map<std::string, double> figures;
  double best = 0, refused = 0;
  for (auto& k : all) {
    if (k.placed == 0)
      throw std::runtime_error("no orders were placed with " + k.field);
    figures["orders_per_s_" + k.field] = k.per_second();
    figures["p99_ms_" + k.field] = k.took.percentile(99);
    figures["write_sets_per_batch_" + k.field] = static_cast<double>(k.write_sets) / static_cast<double>(k.batches);
    best = std::max(best, k.per_second());
    refused += static_cast<double>(k.refused);
  }
  const auto cores = std::thread::hardware_concurrency();
  figures["refused"] = refused;
  figures["cores"] = cores;
  std::cerr << "both databases, all lanes, the actors and the load share " << cores << " cores and one disk:\n"
            << "what this shows of a second database is what it costs, not what a machine of its own would bring\n";
  report(o.name, figures, all[0].per_second(), best / all[0].per_second());
  return 0;
}

} // namespace souk::bench
