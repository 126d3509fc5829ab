#pragma once

#include "http/exchange.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace souk::http {

/// Lends objects that serve one thread at a time (a connection to the database each) to the HTTP threads.
/// They are made when first needed, at most `max` of them.
template <class T>
class lending_pool {
public:
  using factory = std::function<std::unique_ptr<T>()>;

  lending_pool(std::size_t max, factory make) : make_(std::move(make)), left_(max) {}

  class loan {
  public:
    loan(lending_pool& from, std::unique_ptr<T> what) : from_(&from), what_(std::move(what)) {}
    loan(const loan&) = delete;
    loan& operator=(const loan&) = delete;
    ~loan() { from_->give_back(std::move(what_)); }
    T* operator->() const { return what_.get(); }

  private:
    lending_pool* from_;
    std::unique_ptr<T> what_;
  };

  /// @throws refusal overloaded when none is free by the deadline
  loan borrow(deadline until) {
    std::unique_lock lock{guard_};
    if (!free_again_.wait_until(lock, until, [&] { return !idle_.empty() || left_ > 0; }))
      throw refusal{.why = errc::overloaded};
    if (idle_.empty()) {
      --left_;
      lock.unlock();
      try {
        return loan{*this, make_()};
      } catch (...) {
        lock.lock();
        ++left_;
        free_again_.notify_one();
        throw;
      }
    }
    auto what = std::move(idle_.back()); // the one used last has the warmest connection
    idle_.pop_back();
    return loan{*this, std::move(what)};
  }

private:
  void give_back(std::unique_ptr<T> what) {
    {
      const std::lock_guard lock{guard_};
      idle_.push_back(std::move(what));
    }
    free_again_.notify_one();
  }

  factory make_;
  std::mutex guard_;
  std::condition_variable free_again_;
  std::vector<std::unique_ptr<T>> idle_;
  std::size_t left_; ///< that may still be made
};

} // namespace souk::http
