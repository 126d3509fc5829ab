#include "runtime/thread_pool.hpp"

#include <exception>
#include <unordered_map>

#include <pthread.h>
#include <spdlog/spdlog.h>

namespace souk::runtime {

thread_pool::thread_pool(std::string name, std::size_t threads, std::size_t queue_max) : queue_max_(queue_max) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { run(); });
    pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
  }
}

thread_pool::~thread_pool() {
  stop();
}

bool thread_pool::post(std::function<void()> job) {
  {
    std::lock_guard lock{guard_};
    if (stopping_ || jobs_.size() >= queue_max_)
      return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void thread_pool::stop() {
  {
    std::lock_guard lock{guard_};
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& t : threads_)
    if (t.joinable())
      t.join();
}

void thread_pool::run() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock{guard_};
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty())
        return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    try {
      job();
    } catch (const std::exception& e) { // a job answers for itself; this keeps the thread when one does not
      spdlog::error("a job of a thread pool failed: {}", e.what());
    }
  }
}

threaded_readers::threaded_readers(std::size_t threads, std::size_t queue_max, factory make_reader)
  : make_reader_(std::move(make_reader)), pool_("souk-reader", threads, queue_max) {
  // nop
}

threaded_readers::~threaded_readers() {
  stop();
}

void threaded_readers::stop() {
  pool_.stop();
}

bool threaded_readers::post(storage::shard_id, std::function<void(storage::entity_reader&)> job) {
  return pool_.post([this, job = std::move(job)] {
    // One reader per thread and pool, made on first use: a pool lives as long as its node.
    thread_local std::unordered_map<const void*, std::unique_ptr<storage::entity_reader>> readers;
    auto& mine = readers[this];
    if (!mine)
      mine = make_reader_();
    job(*mine);
  });
}

} // namespace souk::runtime
