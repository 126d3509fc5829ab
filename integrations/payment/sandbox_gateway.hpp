#pragma once

#include "actors/payment/gateway.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace httplib {
class Client;
class Result;
} // namespace httplib

namespace souk::integrations {

/// The shop's side of souk-sandbox. Every call carries the attempt's key, so a call whose answer was lost is
/// asked again, at most twice and within the time limit; what is then still open is `unknown`, never guessed.
/// Calls may come from any number of threads; each takes an idle keep-alive connection or opens one.
///
/// The process must ignore SIGPIPE: a connection that the gateway closed shows itself on writing.
class sandbox_gateway final : public actors::gateway {
public:
  /// @param base_url `http://HOST:PORT`, as in the setting sandbox_gateway_url
  /// @param time_limit for one call with all its retries
  /// @throws std::invalid_argument when base_url is no such URL
  sandbox_gateway(const std::string& base_url, std::chrono::milliseconds time_limit);
  ~sandbox_gateway() override;

  actors::gateway_answer authorize(const actors::charge& c) override;
  actors::gateway_answer query(const actors::charge& c) override;
  /// Works for an attempt that the gateway has not heard of yet, too: its key is burnt, so a request still on
  /// its way finds a cancelled payment.
  actors::gateway_answer cancel(const actors::charge& c) override;
  actors::gateway_answer refund(const actors::charge& c) override;

private:
  using clock = std::chrono::steady_clock;
  using call = std::function<httplib::Result(httplib::Client&)>;

  struct reply;
  class lease;

  /// Calls until there is an answer worth having: neither a lost connection, nor a passing failure, nor a
  /// twin in flight.
  /// @returns a reply with status 0 when there was none in time.
  reply send(const call& request, clock::time_point deadline);
  actors::gateway_answer query_before(const actors::charge& c, clock::time_point deadline);

  std::string base_url_;
  std::chrono::milliseconds time_limit_;
  std::mutex idle_mutex_;
  std::vector<std::unique_ptr<httplib::Client>> idle_; ///< last used first: the rest may time out and go
};

} // namespace souk::integrations
