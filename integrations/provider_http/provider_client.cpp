#include "integrations/provider_http/provider_client.hpp"

#include <algorithm>
#include <charconv>
#include <random>
#include <spdlog/spdlog.h>
#include <thread>

namespace souk::integrations {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds shortest_try{50}; // with less time left, a try only adds load

} // namespace

provider_client::provider_client(const std::string& base_url, client_tuning tuning, retry_rule retries)
  : tuning_{tuning}, retries_{std::move(retries)}, http_{base_url, tuning.connect_limit, tuning.answer_max},
    buckets_{tuning.calls_per_second, tuning.burst},
    breaker_{tuning.breaker_failures, tuning.breaker_window, tuning.breaker_pause} {
  // nop
}

/// Doubled with each retry and shortened by up to a half, so that calls that failed together do not come back together.
milliseconds provider_client::back_off_before(int retry, const http_reply& last) const {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> spread{0.5, 1.0};
  auto longest = std::min(tuning_.back_off_max, tuning_.back_off_first * (1 << std::min(retry - 1, 10)));
  milliseconds wait{static_cast<std::int64_t>(static_cast<double>(longest.count()) * spread(random))};
  wait = std::max(wait, std::min(tuning_.back_off_first, tuning_.back_off_max));
  if (auto asked = seconds_in(last.header("retry-after")); asked > 0)
    wait = std::max(wait, milliseconds{std::min<std::int64_t>(asked, 3600) * 1000});
  return wait;
}

provider_reply provider_client::send(const std::string& account, const http_request& request, clock::time_point deadline) {
  http_reply last;
  bool maybe_executed = false;
  for (int attempt = 0; attempt <= tuning_.retries; ++attempt) {
    if (attempt > 0) {
      auto pause = back_off_before(attempt, last);
      if (clock::now() + pause + shortest_try > deadline)
        break;
      std::this_thread::sleep_for(pause);
    }
    auto now = clock::now();
    auto left = std::chrono::duration_cast<milliseconds>(deadline - now);
    if (left < shortest_try || !buckets_.take(account, now) || !breaker_.admits(now))
      break;
    last = http_.send(request, left);
    bool old_failure = last.header("idempotent-replayed") == "true"; // told again of a call of long ago: it answers well
    if (last.status != 0 && (last.status < 500 || old_failure))
      breaker_.succeeded();
    else if (breaker_.failed(clock::now()))
      spdlog::warn("{} has failed {} calls in a row: it is left alone for {} ms", base_url(), tuning_.breaker_failures,
                   tuning_.breaker_pause.count());
    maybe_executed = maybe_executed || last.status != 429;
    if (!retries_(last))
      return {provider_reply::kind::answered, std::move(last)};
  }
  if (!maybe_executed)
    return {};
  // A 429 at the end says nothing about the tries before it.
  bool answered = last.status != 0 && last.status != 429;
  return {answered ? provider_reply::kind::answered : provider_reply::kind::no_answer, std::move(last)};
}

bool usual_retry(const http_reply& reply) {
  return reply.status == 0 || reply.status == 429 || reply.status >= 500;
}

std::int64_t seconds_in(const std::string& header) {
  std::int64_t value = -1;
  auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), value);
  return error == std::errc{} && end != header.data() ? value : -1;
}

} // namespace souk::integrations
