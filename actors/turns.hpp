#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

namespace souk::actors {

/// The commands of an actor whose rows do not commute: one has the turn, from its first check to its receipt, and the others wait
/// in order. Belongs to one actor, so it needs no lock.
class turns {
public:
  static constexpr std::size_t waiting_max = 64;

  /// Runs the command now or when it is its turn; it ends by calling done(), exactly once.
  /// @returns false when too many wait: the command is dropped.
  bool take(std::function<void()> command) {
    if (waiting_.size() >= waiting_max)
      return false;
    waiting_.push_back(std::move(command));
    go_on();
    return true;
  }

  void done() {
    taken_ = false;
    go_on();
  }

  bool busy() const noexcept { return taken_ || !waiting_.empty(); }

private:
  // A command that is done before it returns comes back here through done(): the loop takes the next, not the stack.
  void go_on() {
    if (going_)
      return;
    going_ = true;
    while (!taken_ && !waiting_.empty()) {
      auto command = std::move(waiting_.front());
      waiting_.pop_front();
      taken_ = true;
      command();
    }
    going_ = false;
  }

  std::deque<std::function<void()>> waiting_;
  bool taken_ = false;
  bool going_ = false;
};

} // namespace souk::actors
