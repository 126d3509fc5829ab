#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <utility>

namespace souk::actors {

/// One edit at a time, for an actor whose rows do not commute (settings, a product): while the rows of one
/// edit are on their way to the journal, the next ones wait here in order, each to be checked against what is
/// committed by then. Reads do not wait.
class edit_line {
public:
  /// @param limit edits that may wait; a line without an end is memory without an end
  explicit edit_line(std::size_t limit = 64) : limit_(limit) {}

  /// Starts `edit` at once, or when those before it have left. Each edit that was started calls leave() once.
  /// @returns false when the line is full: the edit will never start.
  bool enter(std::function<void()> edit) {
    if (waiting_.size() >= limit_)
      return false;
    waiting_.push_back(std::move(edit));
    advance();
    return true;
  }

  /// The edit under way is done.
  void leave() {
    under_way_ = false;
    advance();
  }

  bool busy() const noexcept { return under_way_; }

private:
  // A loop instead of a recursion: an edit that has nothing to write leaves before it returns.
  void advance() {
    if (advancing_)
      return;
    advancing_ = true;
    while (!under_way_ && !waiting_.empty()) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      under_way_ = true;
      next();
    }
    advancing_ = false;
  }

  std::size_t limit_;
  std::list<std::function<void()>> waiting_; // an empty deque would hold 600 bytes in every idle actor
  bool under_way_ = false;
  bool advancing_ = false;
};

} // namespace souk::actors
