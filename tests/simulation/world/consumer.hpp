#pragma once

#include "actors/services.hpp"
#include "storage/checker/invariants.hpp"

#include <string>
#include <vector>

namespace souk::simulation {

/// Somebody outside who hears of events and writes down what he got. He outlives every node.
class recording_consumer final : public actors::event_consumer {
public:
  explicit recording_consumer(std::string name) : name_(std::move(name)) {}

  std::string name() const override { return name_; }
  bool parks_what_fails(storage::shard_id) const override { return parks; }
  std::size_t deliver(const std::vector<storage::outbox_event>& events) override {
    ++calls;
    if (dead)
      return 0;
    std::size_t done = 0;
    for (const auto& e : events) {
      if (!poison.empty() && e.event.topic == poison)
        break;
      got.push_back({name_, e.shard, e.seq, e.n});
      topics.push_back(e.event.topic);
      ++done;
    }
    return done;
  }

  bool dead = false;   ///< takes nothing
  bool parks = true;
  std::string poison;  ///< a topic that he can never take
  int calls = 0;
  std::vector<storage::checker::delivery> got;
  std::vector<std::string> topics; ///< of what he got, beside it

private:
  std::string name_;
};

} // namespace souk::simulation
