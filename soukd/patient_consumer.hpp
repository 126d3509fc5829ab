#pragma once

#include "actors/services.hpp"

#include <algorithm>
#include <atomic>

namespace souk::server {

/// A consumer whose events take long each (a mail, a call of a shipping service), given in small portions: whoever ends the process
/// waits for one portion, not for all that gathered.
class patient_consumer final : public actors::event_consumer {
public:
  explicit patient_consumer(std::shared_ptr<actors::event_consumer> inner) : inner_(std::move(inner)) {}

  std::string name() const override { return inner_->name(); }
  bool parks_what_fails(storage::shard_id shard) const override { return inner_->parks_what_fails(shard); }
  /// From here on nothing more is begun.
  void stop() { stopping_ = true; }

  std::size_t deliver(const std::vector<storage::outbox_event>& events) override {
    constexpr std::size_t portion = 8;
    std::size_t done = 0;
    while (done < events.size() && !stopping_) {
      const auto first = events.begin() + static_cast<std::ptrdiff_t>(done);
      const auto count = std::min(portion, events.size() - done);
      const auto now = inner_->deliver({first, first + static_cast<std::ptrdiff_t>(count)});
      done += now;
      if (now < count)
        break;
    }
    return done;
  }

private:
  std::shared_ptr<actors::event_consumer> inner_;
  std::atomic<bool> stopping_{false};
};

} // namespace souk::server
