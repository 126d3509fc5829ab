#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
template <class T>
class Family;
} // namespace prometheus

namespace souk::http {

struct route;

/// The edge's figures for Prometheus. Labels are routes, never stores: a million of them would drown it.
class metrics {
public:
  explicit metrics(prometheus::Registry& registry);
  ~metrics();

  /// @param to nullptr: no route matched
  void answered(const route* to, int status, std::chrono::nanoseconds took);
  /// A page from this node's cache.
  void page_sent(int status, std::chrono::nanoseconds took) { record(*pages_, status, took); }
  void refused_overloaded();
  void in_flight(std::int64_t now);

private:
  struct per_route;
  void record(per_route& r, int status, std::chrono::nanoseconds took);
  std::unique_ptr<per_route> make(const std::string& method, const std::string& pattern);

  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Counter& refused_;
  prometheus::Gauge& in_flight_;
  std::unordered_map<const route*, std::unique_ptr<per_route>> routes_;
  std::unique_ptr<per_route> pages_;
};

} // namespace souk::http
