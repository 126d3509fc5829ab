#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace souk::bench {

struct journal_bench_options {
  int stores = 100;
  int variants_per_store = 100;
  std::vector<int> batch_sizes = {1, 16, 64, 256};
  std::chrono::seconds duration{5}; ///< per batch size
};

struct journal_bench_result {
  int batch = 0;
  std::int64_t orders = 0;
  double orders_per_s = 0;
  double commit_ms_p50 = 0;
  double commit_ms_p99 = 0;
};

/// Durable orders per second on one journal connection: batches of checkouts (order, item, reservation, stock move, ledger line,
/// event), one after the other, without actors. Takes all shards of the database over, so give it one of its own.
/// @throws std::runtime_error
std::vector<journal_bench_result> bench_journal(const std::string& database_url, const journal_bench_options& options);

} // namespace souk::bench
