#pragma once

#include "simulation/world/timeline.hpp"

#include <string>
#include <utility>
#include <vector>

namespace souk::simulation {

/// What happened, for people: written while a run goes on, read when it has failed.
class history {
public:
  explicit history(const timeline& time) : time_(time) {}

  void add(std::string line) { lines_.emplace_back(time_.now(), std::move(line)); }
  std::size_t size() const noexcept { return lines_.size(); }
  /// "+00:12:03.004512  shopper 7 …", one line each, all of them or the last ones.
  std::string text(std::size_t last = SIZE_MAX) const;

private:
  const timeline& time_;
  std::vector<std::pair<timestamp, std::string>> lines_;
};

} // namespace souk::simulation
