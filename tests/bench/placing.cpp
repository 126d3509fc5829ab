#include "tests/bench/direct_shop.hpp"

#include <iostream>

namespace souk::bench {

namespace {

int placing(const options& o, int stores, int variants_each, int drivers, int window) {
  auto baseline = row_lock_baseline(o.database_url, stores * variants_each, std::max(std::chrono::seconds{3}, o.duration / 2));
  direct_shop shop{o};
  auto goods = shop.open_stores(stores, variants_each);
  auto shoppers = shop.sign_up_shoppers(64);
  if (o.concurrency > 0)
    window = std::max(1, o.concurrency / drivers);
  auto r = place_orders(shop, goods, shoppers, drivers, window, std::chrono::seconds{2}, o.duration);
  std::uint64_t batches = 0, sets = 0;
  for (const auto& lane : shop.stack().node().lanes()) {
    batches += lane.batches;
    sets += lane.write_sets;
  }
  report(o.name,
         {{"orders_per_s", r.per_second},
          {"p50_ms", r.took.percentile(50)},
          {"p99_ms", r.took.percentile(99)},
          {"orders", static_cast<double>(r.placed)},
          {"refused", static_cast<double>(r.refused)},
          {"under_way", drivers * window},
          {"write_sets_per_batch", batches == 0 ? 0 : static_cast<double>(sets) / static_cast<double>(batches)},
          {"baseline_clients", baseline.clients}},
         baseline.per_second, r.per_second / baseline.per_second);
  return r.placed > 0 ? 0 : 1;
}

} // namespace

int hot_sku(const options& o) {
  return placing(o, 1, 1, 8, 64);
}

int spread(const options& o) {
  return placing(o, 100, 100, 8, 64);
}

} // namespace souk::bench
