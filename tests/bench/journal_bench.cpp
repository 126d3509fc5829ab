#include "tests/bench/journal_bench.hpp"

#include "storage/migrator.hpp"
#include "storage/postgres/deployment.hpp"
#include "tests/bench/journal_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <random>
#include <stdexcept>

namespace souk::bench {

namespace {

using namespace storage;
using clock = std::chrono::steady_clock;

/// A shop of `stores` stores with `variants` variants each, and the write sets that its shoppers cause.
class shop {
public:
  shop(const journal_bench_options& o, std::uint64_t seed) : options_(o), random_(seed) {
    for (int s = 0; s < o.stores; ++s) {
      const auto shard = static_cast<shard_id>(s % shard_count);
      stores_.push_back(draw(shard));
      for (int v = 0; v < o.variants_per_store; ++v)
        variants_.push_back({draw(shard), stores_.back()});
    }
    for (int i = 0; i < 1000; ++i)
      users_.push_back(draw(static_cast<shard_id>(random_())));
  }

  ulid draw(shard_id shard) { return draw_id(shard, random_); }

  std::vector<write_set> opening() {
    std::vector<write_set> out;
    std::map<ulid, std::size_t> at;
    for (const auto& s : stores_) {
      at[s] = out.size();
      auto& ws = out.emplace_back();
      ws.shard = s.shard();
      store_row store;
      store.id = s;
      store.owner_id = users_[0];
      store.name = "Shop";
      store.slug = s.str();
      store.currency = "EUR";
      product_row product;
      product.id = draw(s.shard());
      product.store_id = s;
      product.handle = "mug";
      product.title = "Mug";
      product.created_at = time_now();
      product_of_[s] = product.id;
      ws.mutations.push_back(insert_store{store});
      ws.mutations.push_back(insert_product{product});
    }
    for (const auto& [v, s] : variants_) {
      auto& ws = out[at[s]];
      variant_row variant;
      variant.id = v;
      variant.store_id = s;
      variant.product_id = product_of_[s];
      variant.sku = v.str();
      variant.price = 1999;
      move_stock initial;
      initial.variant_id = v;
      initial.store_id = s;
      initial.on_hand_delta = 1'000'000'000;
      initial.reason = "initial";
      initial.at = time_now();
      ws.mutations.push_back(put_variant{variant});
      ws.mutations.push_back(insert_level{{.variant_id = v, .store_id = s}});
      ws.mutations.push_back(initial);
    }
    return out;
  }

  write_set checkout() {
    const auto& [variant, store] = variants_[random_() % variants_.size()];
    const auto order = draw(store.shard());
    const auto& user = users_[random_() % users_.size()];
    const auto at = time_now();
    insert_order o;
    o.row.id = order;
    o.row.store_id = store;
    o.row.user_id = user;
    o.row.currency = "EUR";
    o.row.subtotal = 1999;
    o.row.shipping = 490;
    o.row.tax = 472;
    o.row.total = 2961;
    o.row.address = {"Maria Rossi", "Via Roma 1", "", "Torino", "TO", "10121", "IT", ""};
    o.row.shipping_method = "Standard";
    o.row.email = "maria@example.com";
    o.row.created_at = o.row.updated_at = at;
    o.items.push_back({.order_id = order, .line = 1, .store_id = store, .product_id = product_of_[store], .variant_id = variant,
                       .sku = "MUG-BLUE", .title = "Mug", .variant_title = "Blue", .quantity = 1, .unit_price = 1999, .tax = 472,
                       .total = 1999});
    write_set ws;
    ws.shard = store.shard();
    ws.mutations.push_back(std::move(o));
    ws.mutations.push_back(insert_reservation{{.order_id = order, .variant_id = variant, .store_id = store, .quantity = 1,
                                               .deadline = at + std::chrono::minutes{15}}});
    ws.mutations.push_back(move_stock{.variant_id = variant, .store_id = store, .reserved_delta = 1, .reason = "reserved",
                                      .order_id = order, .by = user, .note = {}, .at = at});
    ws.mutations.push_back(emit_event{store, "order.created", order, {{"total", "2961"}, {"user_id", user.str()}}, at});
    return ws;
  }

private:
  const journal_bench_options& options_;
  std::mt19937_64 random_;
  std::vector<ulid> stores_, users_;
  std::vector<std::pair<ulid, ulid>> variants_;
  std::map<ulid, ulid> product_of_;
};

} // namespace

std::vector<journal_bench_result> bench_journal(const std::string& database_url, const journal_bench_options& options) {
  migrate(database_url);
  postgres::establish_deployment(postgres::databases{{database_url}});
  shop s{options, std::random_device{}()};
  journal_writer l{database_url};
  const auto opening = s.opening();
  for (std::size_t i = 0; i < opening.size(); i += 16)
    l.write({opening.begin() + static_cast<std::ptrdiff_t>(i),
             opening.begin() + static_cast<std::ptrdiff_t>(std::min(i + 16, opening.size()))});
  std::vector<journal_bench_result> out;
  for (const auto size : options.batch_sizes) {
    journal_bench_result r;
    r.batch = size;
    std::vector<double> times;
    const auto begin = clock::now();
    while (clock::now() - begin < options.duration) {
      std::vector<write_set> sets;
      for (int i = 0; i < size; ++i)
        sets.push_back(s.checkout());
      const auto sent = clock::now();
      l.write(sets);
      times.push_back(std::chrono::duration<double, std::milli>(clock::now() - sent).count());
      r.orders += size;
    }
    r.orders_per_s = static_cast<double>(r.orders) / std::chrono::duration<double>(clock::now() - begin).count();
    std::sort(times.begin(), times.end());
    r.commit_ms_p50 = times[times.size() / 2];
    r.commit_ms_p99 = times[times.size() * 99 / 100];
    out.push_back(r);
  }
  return out;
}

} // namespace souk::bench
