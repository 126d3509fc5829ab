#pragma once

#include "integrations/providers_sandbox/faults.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace souk::providers {

using header_list = std::vector<std::pair<std::string, std::string>>;

/// How a provider tells a shop what happened.
struct webhook {
  std::string url;
  /// Made when it is sent: a queue of bodies would be large.
  /// @param forged as a forger would write it, where no signature tells.
  std::function<std::string(bool forged)> body;
  /// Makes the headers that prove where the body comes from.
  /// @param at seconds since 1970, which the signature may state.
  /// @param forged sign with a key that is not the provider's.
  std::function<header_list(const std::string& body, std::int64_t at, bool forged)> sign;
};

struct webhook_options {
  std::size_t threads = 8;
  std::chrono::milliseconds backoff{200}; ///< before the second attempt; doubles up to 30 s
  int attempts = 12;
  std::chrono::milliseconds timeout{5000}; ///< of one attempt
  std::size_t queue_max = 500'000;         ///< beyond it new deliveries are dropped and counted
};

/// Delivers webhooks from a pool of workers, until an answer of 2xx or the last attempt. No order is promised.
class webhook_sender {
public:
  explicit webhook_sender(webhook_options options);
  ~webhook_sender();
  webhook_sender(const webhook_sender&) = delete;
  webhook_sender& operator=(const webhook_sender&) = delete;

  /// Ends the workers; what waits is not delivered. After it, nothing of what was sent is called.
  void stop();

  /// Queues a delivery, as the provider's faults want it.
  void send(faults& knobs, webhook subject);

  struct counts {
    std::uint64_t queued = 0;    ///< ever
    std::uint64_t delivered = 0; ///< answered with 2xx
    std::uint64_t failed = 0;    ///< attempts that were not
    std::uint64_t given_up = 0;  ///< after the last attempt
    std::uint64_t dropped = 0;   ///< by a fault, or because the queue was full
    std::size_t waiting = 0;     ///< now
  };
  counts count();

private:
  using clock = std::chrono::steady_clock;
  struct job {
    clock::time_point due;
    std::uint64_t number = 0; ///< keeps equal times in order
    std::shared_ptr<const webhook> subject;
    int attempt = 1;
    bool forge = false;
    bool stale = false;
    bool operator>(const job& other) const {
      return due != other.due ? due > other.due : number > other.number;
    }
  };
  class connections; ///< one worker's keep-alive connections

  void work();
  bool attempt(connections& open, const job& subject);
  void enqueue(job subject); ///< with mutex_ held

  webhook_options options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::priority_queue<job, std::vector<job>, std::greater<>> jobs_;
  std::vector<job> held_; ///< for the reorder fault
  counts counts_;
  std::uint64_t last_number_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

} // namespace souk::providers
