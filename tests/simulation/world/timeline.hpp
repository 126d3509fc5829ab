#pragma once

#include "runtime/clock.hpp"

#include <functional>
#include <map>
#include <optional>

namespace souk::simulation {

using storage::timestamp;
using std::chrono::microseconds;

/// Virtual time, and what happens at which moment of it. Moments of the same time come in the order in which they were entered.
class timeline final : public runtime::clock {
public:
  /// Simulations begin on 1 January 2030, so that a real date never looks right by chance.
  static timestamp beginning();

  timestamp now() const override { return now_; }
  void at(timestamp due, std::function<void()> what) { agenda_.emplace(std::max(due, now_), std::move(what)); }
  void in(microseconds wait, std::function<void()> what) { at(now_ + wait, std::move(what)); }

  std::optional<timestamp> next() const {
    return agenda_.empty() ? std::nullopt : std::optional{agenda_.begin()->first};
  }
  void move_to(timestamp t) { now_ = std::max(now_, t); }
  /// Runs what is due by now. What it enters for this very moment runs as well.
  void run_due();
  void clear() { agenda_.clear(); }

private:
  timestamp now_ = beginning();
  std::multimap<timestamp, std::function<void()>> agenda_;
};

} // namespace souk::simulation
