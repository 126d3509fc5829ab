#include "simulation/world/timeline.hpp"

namespace souk::simulation {

timestamp timeline::beginning() {
  return timestamp{std::chrono::sys_days{std::chrono::year{2030} / 1 / 1}.time_since_epoch()};
}

void timeline::run_due() {
  while (!agenda_.empty() && agenda_.begin()->first <= now_) {
    auto what = std::move(agenda_.begin()->second);
    agenda_.erase(agenda_.begin());
    what();
  }
}

} // namespace souk::simulation
