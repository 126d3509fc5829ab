#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <httplib.h>
#include <mutex>
#include <thread>
#include <vector>

namespace souk::http {

/// The threads that serve connections, one each. `waiting` tells those with an idle connection that somebody
/// else needs a thread.
class connection_queue final : public httplib::TaskQueue {
public:
  connection_queue(std::size_t threads, std::atomic<std::size_t>& waiting);

  void enqueue(std::function<void()> serve) override;
  void shutdown() override;

private:
  void run();

  std::atomic<std::size_t>& waiting_;
  std::mutex guard_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> connections_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace souk::http
