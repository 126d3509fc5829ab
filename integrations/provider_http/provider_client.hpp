#pragma once

#include "integrations/provider_http/circuit_breaker.hpp"
#include "integrations/provider_http/http_client.hpp"
#include "integrations/provider_http/token_buckets.hpp"

#include <functional>

namespace souk::integrations {

struct provider_reply {
  enum class kind : std::uint8_t {
    answered,  ///< `http` is the last answer, a 5xx after all retries too
    no_answer, ///< something was sent and nothing is known about it
    not_now    ///< nothing was executed: too many calls of the account, or the breaker is open
  };
  kind what = kind::not_now;
  http_reply http{};

  /// The HTTP status; 0 when there is no answer.
  int status() const noexcept { return what == kind::answered ? http.status : 0; }
  bool ok() const noexcept { return status() >= 200 && status() < 300; }
  /// Whether nobody can say what the provider did.
  bool open() const noexcept { return what == kind::no_answer || status() >= 500; }
};

/// Calls one provider for all its accounts: with a bucket per account, a breaker for all, and retries that keep to the time limit.
/// A call is repeated byte for byte, its idempotency key included, so it must be one that the provider does once.
class provider_client {
public:
  using clock = std::chrono::steady_clock;
  /// Whether an answer is worth another try.
  using retry_rule = std::function<bool(const http_reply&)>;

  /// @throws std::invalid_argument when base_url is none
  provider_client(const std::string& base_url, client_tuning tuning, retry_rule retries);

  /// @param account whose bucket is used
  /// @param deadline for all tries together
  provider_reply send(const std::string& account, const http_request& request, clock::time_point deadline);
  /// Makes the account's next calls `not_now` until then.
  void hold_back(const std::string& account, clock::time_point until) { buckets_.hold_back(account, until); }

  const std::string& base_url() const noexcept { return http_.base_url(); }

private:
  std::chrono::milliseconds back_off_before(int retry, const http_reply& last) const;

  client_tuning tuning_;
  retry_rule retries_;
  http_client http_;
  token_buckets buckets_;
  circuit_breaker breaker_;
};

/// No answer, 429 and 5xx.
bool usual_retry(const http_reply& reply);

/// A number in a header like Retry-After; -1 when there is none.
std::int64_t seconds_in(const std::string& header);

} // namespace souk::integrations
