#include "http/metrics.hpp"

#include "http/access.hpp"

#include <array>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace souk::http {

namespace {

const prometheus::Histogram::BucketBoundaries seconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                      0.1,    0.25,  0.5,    1,     2.5,  5};

constexpr int statuses = 600;

} // namespace

struct metrics::per_route {
  std::string method;
  std::string pattern;
  prometheus::Histogram* duration = nullptr;
  /// Counters by status, made when first needed; making one takes the family's lock.
  std::array<std::atomic<prometheus::Counter*>, statuses> by_status{};
};

metrics::metrics(prometheus::Registry& registry)
  : requests_(prometheus::BuildCounter()
                .Name("souk_http_requests_total")
                .Help("Requests answered, by route and status.")
                .Register(registry)),
    durations_(prometheus::BuildHistogram()
                 .Name("souk_http_request_duration_seconds")
                 .Help("From the request's headers to the answer, by route.")
                 .Register(registry)),
    refused_(prometheus::BuildCounter()
               .Name("souk_http_refused_total")
               .Help("Requests refused because too many were in flight.")
               .Register(registry)
               .Add({})),
    in_flight_(prometheus::BuildGauge()
                 .Name("souk_http_in_flight")
                 .Help("Requests being worked on.")
                 .Register(registry)
                 .Add({})) {
  for (const auto& r : all_routes())
    routes_.emplace(&r, make(std::string{r.method}, std::string{r.pattern}));
  routes_.emplace(nullptr, make("any", "none"));
  pages_ = make("GET", "cached page");
}

metrics::~metrics() = default;

std::unique_ptr<metrics::per_route> metrics::make(const std::string& method, const std::string& pattern) {
  auto r = std::make_unique<per_route>();
  r->method = method;
  r->pattern = pattern;
  r->duration = &durations_.Add({{"method", method}, {"route", pattern}}, seconds);
  return r;
}

void metrics::record(per_route& r, int status, std::chrono::nanoseconds took) {
  r.duration->Observe(std::chrono::duration<double>(took).count());
  auto& slot = r.by_status[static_cast<std::size_t>(status >= 0 && status < statuses ? status : 0)];
  auto* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) { // Add() gives the same counter for the same labels
    counter =
      &requests_.Add({{"method", r.method}, {"route", r.pattern}, {"status", std::to_string(status)}});
    slot.store(counter, std::memory_order_release);
  }
  counter->Increment();
}

void metrics::answered(const route* to, int status, std::chrono::nanoseconds took) {
  const auto at = routes_.find(to);
  record(*(at == routes_.end() ? routes_.find(nullptr) : at)->second, status, took);
}

void metrics::refused_overloaded() {
  refused_.Increment();
}

void metrics::in_flight(std::int64_t now) {
  in_flight_.Set(static_cast<double>(now));
}

} // namespace souk::http
