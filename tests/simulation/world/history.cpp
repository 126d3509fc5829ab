#include "simulation/world/history.hpp"

#include <fmt/format.h>

namespace souk::simulation {

std::string history::text(std::size_t last) const {
  std::string out;
  auto first = lines_.size() > last ? lines_.size() - last : 0;
  if (first > 0)
    out = fmt::format("({} earlier lines)\n", first);
  for (auto i = first; i < lines_.size(); ++i) {
    auto us = (lines_[i].first - timeline::beginning()).count();
    auto s = us / 1'000'000;
    out += fmt::format("+{:02}:{:02}:{:02}.{:06}  {}\n", s / 3600, s / 60 % 60, s % 60, us % 1'000'000, lines_[i].second);
  }
  return out;
}

} // namespace souk::simulation
