#include "http/connection_queue.hpp"

#include <pthread.h>

namespace souk::http {

connection_queue::connection_queue(std::size_t threads, std::atomic<std::size_t>& waiting)
  : waiting_(waiting) {
  for (std::size_t i = 0; i < threads; ++i)
    threads_.emplace_back([this] {
      pthread_setname_np(pthread_self(), "souk-http");
      run();
    });
}

void connection_queue::enqueue(std::function<void()> serve) {
  {
    const std::lock_guard lock{guard_};
    connections_.push_back(std::move(serve));
    waiting_.fetch_add(1);
  }
  wake_.notify_one();
}

void connection_queue::run() {
  while (true) {
    std::function<void()> serve;
    {
      std::unique_lock lock{guard_};
      wake_.wait(lock, [&] { return !connections_.empty() || stopping_; });
      if (connections_.empty())
        return;
      serve = std::move(connections_.front());
      connections_.pop_front();
      waiting_.fetch_sub(1);
    }
    serve();
  }
}

void connection_queue::shutdown() {
  {
    const std::lock_guard lock{guard_};
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

} // namespace souk::http
