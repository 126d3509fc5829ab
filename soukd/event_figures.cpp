#include "soukd/event_figures.hpp"

#include "actors/dispatcher/dispatcher_actor.hpp"

#include <algorithm>

namespace souk::server {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// A consumer that takes nothing is asked again at least once a minute, so two of them always say how far behind it is.
constexpr std::chrono::seconds window{60};
const prometheus::Histogram::BucketBoundaries seconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300};

MetricFamily family(std::string name, std::string help, MetricType type) {
  MetricFamily f;
  f.name = std::move(name);
  f.help = std::move(help);
  f.type = type;
  return f;
}

} // namespace

void event_figures::turn(figures& f, time now) {
  if (now - f.minute < window)
    return;
  f.worst_before = now - f.minute < 2 * window ? f.worst : 0;
  f.worst = 0;
  f.minute = now;
}

void event_figures::done(const std::string& consumer, std::size_t events, std::chrono::microseconds lag) {
  const auto waited = std::max(0.0, std::chrono::duration<double>(lag).count());
  std::lock_guard lock{guard_};
  auto& f = all_[consumer];
  if (!f.delivery)
    f.delivery = std::make_unique<prometheus::Histogram>(seconds);
  turn(f, std::chrono::steady_clock::now());
  f.worst = std::max(f.worst, waited);
  f.events += events;
  if (events > 0)
    f.delivery->Observe(waited);
}

void event_figures::happened(const std::string& topic) {
  std::lock_guard lock{guard_};
  ++topics_[topic];
}

std::vector<MetricFamily> event_figures::collect() const {
  auto lag = family("souk_event_lag_seconds", "Longest that an event waited for a consumer in the last minutes, delivered or not",
                    MetricType::Gauge);
  auto delivered = family("souk_events_delivered_total", "Events that a consumer has taken", MetricType::Counter);
  auto took = family("souk_event_delivery_seconds", "From an event to its delivery, of the oldest of each batch",
                     MetricType::Histogram);
  auto parked = family("souk_events_parked_total", "Events put aside because a consumer never took them", MetricType::Counter);
  ClientMetric put_aside;
  put_aside.counter.value = static_cast<double>(actors::events_parked());
  parked.metric.push_back(put_aside);
  auto events = family("souk_events_total", "Events by topic: cart.abandoned and cart.recovered say what reminders bring",
                       MetricType::Counter);
  std::lock_guard lock{guard_};
  for (const auto& [topic, count] : topics_) {
    ClientMetric m;
    m.label = {{"topic", topic}};
    m.counter.value = static_cast<double>(count);
    events.metric.push_back(m);
  }
  for (auto& [name, f] : all_) {
    turn(f, std::chrono::steady_clock::now());
    const std::vector<ClientMetric::Label> who{{"consumer", name}};
    ClientMetric m;
    m.label = who;
    m.gauge.value = std::max(f.worst, f.worst_before);
    lag.metric.push_back(m);
    m = {};
    m.label = who;
    m.counter.value = static_cast<double>(f.events);
    delivered.metric.push_back(m);
    m = f.delivery->Collect();
    m.label = who;
    took.metric.push_back(m);
  }
  return {lag, delivered, took, parked, events};
}

} // namespace souk::server
