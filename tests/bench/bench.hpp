#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace souk::bench {

/// What `souk-bench NAME` was told.
struct options {
  std::string name;
  std::string database_url;        ///< empty for benchmarks that need none
  std::string second_database_url; ///< on another server, for those that compare one with two
  std::string base_url;   ///< of the edge, for benchmarks over HTTP
  std::string direct_url; ///< of the server behind it
  std::string providers_url; ///< of the sandbox of Stripe, PayPal and ShipStation, for payments
  std::uint16_t mail_port = 0; ///< where the server behind the edge takes its mails to, for isolation
  std::chrono::seconds duration{10};
  int concurrency = 0; ///< 0: the benchmark's own choice
};

/// Times in milliseconds of single operations.
class latencies {
public:
  void add(std::chrono::steady_clock::duration d) { ms_.push_back(std::chrono::duration<double, std::milli>(d).count()); }
  void merge(const latencies& other) { ms_.insert(ms_.end(), other.ms_.begin(), other.ms_.end()); }
  std::size_t count() const { return ms_.size(); }
  double percentile(double p); ///< p in 0..100

private:
  std::vector<double> ms_;
};

/// What all threads of this process have used so far.
std::chrono::microseconds process_cpu();

/// Prints the last line: one JSON object with the name, the figures, the baseline and the ratio to it.
void report(const std::string& name, const std::map<std::string, double>& figures, double baseline, double ratio);

/// The row-lock transaction of the same work through pgbench, in a schema of its own on the same server.
struct baseline_result {
  double per_second = 0; ///< the best of 1, 16 and 64 clients
  int clients = 0;
};
baseline_result row_lock_baseline(const std::string& database_url, int variants, std::chrono::seconds each);
/// A table as a queue, as most shops have it: clients that put an event in and take one out, SKIP LOCKED. Events/s.
baseline_result queue_table_baseline(const std::string& database_url, std::chrono::seconds each);

// One per file. Each returns the process's exit code.
int hot_sku(const options& o);
int spread(const options& o);
int idle(const options& o);
int http_checkout(const options& o);
int http_read(const options& o);
int remote(const options& o);
int lanes(const options& o);
int members(const options& o);
int outbox(const options& o);
int payments(const options& o);
int isolation(const options& o);

} // namespace souk::bench
