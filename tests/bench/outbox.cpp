#include "tests/bench/direct_shop.hpp"

#include <mutex>
#include <thread>
#include <unordered_map>

namespace souk::bench {

namespace {

using clock = std::chrono::steady_clock;

/// When orders were answered, which is after their commit, and when their event was delivered.
class stopwatch final : public actors::event_consumer {
public:
  std::string name() const override { return "stopwatch"; }
  std::size_t deliver(const std::vector<storage::outbox_event>& events) override {
    const auto now = clock::now();
    std::lock_guard lock{guard_};
    events_ += events.size();
    last_ = now;
    for (const auto& e : events)
      if (e.event.topic == "order.created")
        times_[e.event.subject].delivered = now;
    return events.size();
  }

  void answered(const storage::ulid& order) {
    const auto now = clock::now();
    std::lock_guard lock{guard_};
    times_[order].answered = now;
  }

  void begin() {
    std::lock_guard lock{guard_};
    times_.clear();
    events_ = 0;
    began_ = clock::now();
  }

  struct figures {
    double events_per_s = 0;
    latencies took;     ///< from the answer to the delivery; 0 when the event was there first
    double missing = 0; ///< orders whose event never came
  };
  /// Waits until everything is delivered, ten seconds at most.
  figures end() {
    const auto until = clock::now() + std::chrono::seconds{10};
    while (clock::now() < until && missing() > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    figures out;
    out.missing = static_cast<double>(missing());
    std::lock_guard lock{guard_};
    out.events_per_s = static_cast<double>(events_) / std::chrono::duration<double>(last_ - began_).count();
    for (const auto& [order, t] : times_)
      if (t.answered != clock::time_point{} && t.delivered != clock::time_point{})
        out.took.add(std::max(t.delivered - t.answered, clock::duration::zero()));
    return out;
  }

private:
  struct order_times {
    clock::time_point answered{}, delivered{};
  };
  std::size_t missing() {
    std::lock_guard lock{guard_};
    std::size_t n = 0;
    for (const auto& [order, t] : times_)
      n += t.answered != clock::time_point{} && t.delivered == clock::time_point{} ? 1 : 0;
    return n;
  }

  std::mutex guard_;
  std::unordered_map<storage::ulid, order_times> times_;
  std::size_t events_ = 0;
  clock::time_point began_{}, last_{};
};

/// A consumer that takes nothing: the others must not feel it.
class dead_consumer final : public actors::event_consumer {
public:
  std::string name() const override { return "dead"; }
  std::size_t deliver(const std::vector<storage::outbox_event>&) override {
    std::this_thread::sleep_for(std::chrono::seconds{1});
    return 0;
  }
  bool parks_what_fails(storage::shard_id) const override { return false; }
};

} // namespace

// How soon consumers hear of what was committed: with a few shoppers, and with as many orders as the shop can take.
int outbox(const options& o) {
  const auto baseline = queue_table_baseline(o.database_url, std::max(std::chrono::seconds{3}, o.duration / 2));
  auto watch = std::make_shared<stopwatch>();
  direct_shop shop{lone_node({o.database_url}), {watch, std::make_shared<dead_consumer>()}};
  const auto goods = shop.open_stores(50, 10);
  const auto shoppers = shop.sign_up_shoppers(64);
  const auto note = [watch](const actors::order_view& view, clock::duration) { watch->answered(view.order.id); };
  const auto run = [&](int drivers, int window) {
    place_orders(shop, goods, shoppers, drivers, window, std::chrono::milliseconds{1}, std::chrono::seconds{1}); // warm-up
    watch->begin();
    auto placed = place_orders(shop, goods, shoppers, drivers, window, std::chrono::milliseconds{1}, o.duration, note);
    return std::pair{std::move(placed), watch->end()};
  };
  auto [few, calm] = run(2, 1);
  auto [many, busy] = run(8, o.concurrency > 0 ? std::max(1, o.concurrency / 8) : 64);
  report(o.name,
         {{"events_per_s", calm.events_per_s},
          {"p50_ms", std::max(0.001, calm.took.percentile(50))},
          {"p99_ms", calm.took.percentile(99)},
          {"orders_per_s", few.per_second},
          {"busy_events_per_s", busy.events_per_s},
          {"busy_p50_ms", busy.took.percentile(50)},
          {"busy_p99_ms", busy.took.percentile(99)},
          {"busy_orders_per_s", many.per_second},
          {"refused", static_cast<double>(few.refused + many.refused)},
          {"missing", calm.missing + busy.missing},
          {"baseline_clients", baseline.clients}},
         baseline.per_second, busy.events_per_s / baseline.per_second);
  return calm.missing + busy.missing == 0 ? 0 : 1;
}

} // namespace souk::bench
