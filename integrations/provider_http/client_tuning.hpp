#pragma once

#include <chrono>
#include <cstddef>

namespace souk::integrations {

/// How patient and how gentle a client is with its provider. The defaults are for the real ones; tests are quicker.
struct client_tuning {
  int retries = 2;                                ///< further tries of one call, within its time limit
  std::chrono::milliseconds back_off_first{500};  ///< before the first retry; doubled before each further one
  std::chrono::milliseconds back_off_max{2000};
  std::chrono::milliseconds connect_limit{3000};
  double calls_per_second = 20;                   ///< of one account, in the long run
  double burst = 40;                              ///< calls of one account at once
  int breaker_failures = 20;                      ///< calls in a row without a good answer that open the breaker …
  std::chrono::milliseconds breaker_window{30'000}; ///< … when no two of them are further apart than this
  std::chrono::milliseconds breaker_pause{5000};  ///< before an open breaker lets one call through
  std::size_t answer_max = 4 << 20;               ///< bytes; a longer answer is none
};

} // namespace souk::integrations
