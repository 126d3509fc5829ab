#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>

namespace souk::server {

/// How far behind the consumers of events are, for Prometheus. Safe from any thread.
class event_figures {
public:
  /// A consumer has done so many events, or tried to; the oldest of them waited for so long.
  void done(const std::string& consumer, std::size_t events, std::chrono::microseconds lag);
  /// An event of the topic was committed; counted where it is delivered, so again after a crash.
  void happened(const std::string& topic);
  std::vector<prometheus::MetricFamily> collect() const;

private:
  using time = std::chrono::steady_clock::time_point;
  struct figures {
    std::uint64_t events = 0;
    std::unique_ptr<prometheus::Histogram> delivery;
    double worst = 0, worst_before = 0; ///< seconds, of this minute and the last
    time minute{};
  };
  static void turn(figures& f, time now);

  mutable std::mutex guard_;
  mutable std::map<std::string, figures> all_;
  std::map<std::string, std::uint64_t> topics_;
};

} // namespace souk::server
