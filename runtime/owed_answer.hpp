#pragma once

#include "runtime/error.hpp"

#include <memory>
#include <utility>

#include <caf/actor.hpp>
#include <caf/response_promise.hpp>

namespace souk::runtime {

/// An answer that somebody waits for. CAF never answers a promise that is dropped, and an asker that is never answered is a saga
/// that hangs: the last copy of this one answers `in_doubt` when nobody delivered, for what was written in its name may yet be
/// committed. Copies share one answer.
class owed_answer {
public:
  owed_answer() = default;
  explicit owed_answer(caf::response_promise promise)
    : promise_(new caf::response_promise(std::move(promise)), [](caf::response_promise* p) {
        if (p->pending())
          p->deliver(caf::make_error(errc::in_doubt));
        delete p;
      }) {
    // nop
  }

  /// The first delivery counts; later ones do nothing.
  template <class T>
  void deliver(T&& x) {
    if (promise_ && promise_->pending())
      promise_->deliver(std::forward<T>(x));
  }

  /// Lets somebody else answer.
  template <class... Ts>
  void delegate(const caf::actor& whom, Ts&&... xs) {
    if (promise_ && promise_->pending())
      promise_->delegate(whom, std::forward<Ts>(xs)...);
  }

  explicit operator bool() const noexcept { return promise_ && promise_->pending(); }

private:
  std::shared_ptr<caf::response_promise> promise_;
};

} // namespace souk::runtime
