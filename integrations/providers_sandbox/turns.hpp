#pragma once

#include <mutex>
#include <string>
#include <unordered_set>

namespace souk::providers {

/// The keyed commands under way: a twin hears that it is one, instead of a second execution or an endless wait.
class turns {
public:
  class turn {
  public:
    turn(turns& owner, std::string key) : owner_{owner}, key_{std::move(key)} {
      std::lock_guard lock{owner_.mutex_};
      alone_ = owner_.keys_.insert(key_).second;
    }
    ~turn() {
      if (!alone_)
        return;
      std::lock_guard lock{owner_.mutex_};
      owner_.keys_.erase(key_);
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

    /// @returns false for a twin.
    bool alone() const { return alone_; }

  private:
    turns& owner_;
    std::string key_;
    bool alone_ = false;
  };

private:
  std::mutex mutex_;
  std::unordered_set<std::string> keys_;
};

} // namespace souk::providers
