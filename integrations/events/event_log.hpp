#pragma once

#include "actors/services.hpp"

namespace souk::integrations {

/// Writes every event to the log (level debug): the simplest consumer, and proof that events flow without Redis.
class event_log final : public actors::event_consumer {
public:
  /// @param heard is told the topic of each event; may be empty
  explicit event_log(std::function<void(const std::string& topic)> heard = {}) : heard_(std::move(heard)) {}

  std::string name() const override { return "log"; }
  std::size_t deliver(const std::vector<storage::outbox_event>& events) override;

private:
  std::function<void(const std::string&)> heard_;
};

} // namespace souk::integrations
