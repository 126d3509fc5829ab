#pragma once

#include "runtime/executor.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace souk::runtime {

/// A fixed number of threads and a bounded queue.
class thread_pool final : public executor {
public:
  thread_pool(std::string name, std::size_t threads, std::size_t queue_max);
  ~thread_pool() override; ///< finishes what is queued

  bool post(std::function<void()> job) override;
  void stop();

private:
  void run();

  std::mutex guard_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::size_t queue_max_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// Reader threads, each with its own connection.
class threaded_readers final : public reader_pool {
public:
  using factory = std::function<std::unique_ptr<storage::entity_reader>()>;

  threaded_readers(std::size_t threads, std::size_t queue_max, factory make_reader);
  ~threaded_readers() override;

  bool post(storage::shard_id shard, std::function<void(storage::entity_reader&)> job) override;
  void stop();

private:
  factory make_reader_;
  thread_pool pool_;
};

} // namespace souk::runtime
