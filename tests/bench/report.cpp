#include "tests/bench/bench.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace souk::bench {

double latencies::percentile(double p) {
  if (ms_.empty())
    return 0;
  auto at = static_cast<std::size_t>(std::clamp(p / 100 * static_cast<double>(ms_.size() - 1), 0.0,
                                                static_cast<double>(ms_.size() - 1)));
  std::nth_element(ms_.begin(), ms_.begin() + static_cast<std::ptrdiff_t>(at), ms_.end());
  return ms_[at];
}

std::chrono::microseconds process_cpu() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return std::chrono::seconds{used.ru_utime.tv_sec + used.ru_stime.tv_sec}
         + std::chrono::microseconds{used.ru_utime.tv_usec + used.ru_stime.tv_usec};
}

void report(const std::string& name, const std::map<std::string, double>& figures, double baseline, double ratio) {
  auto rounded = [](double x) { return std::round(x * 1000) / 1000; };
  nlohmann::ordered_json out;
  out["name"] = name;
  for (const auto& [key, value] : figures)
    out[key] = rounded(value);
  out["baseline"] = rounded(baseline);
  out["ratio"] = rounded(ratio);
  std::cout << out.dump() << std::endl;
}

} // namespace souk::bench
