#pragma once

#include "storage/entity_reader.hpp"

#include <functional>

namespace souk::runtime {

/// Runs blocking work away from the actors. Jobs report back by sending messages.
class executor {
public:
  virtual ~executor() = default;
  /// @returns false when its bounded queue is full: nothing will run.
  virtual bool post(std::function<void()> job) = 0;
};

/// Runs loads, each with a reader of its own.
class reader_pool {
public:
  virtual ~reader_pool() = default;
  /// @returns false when its bounded queue is full.
  virtual bool post(storage::shard_id shard, std::function<void(storage::entity_reader&)> job) = 0;
};

} // namespace souk::runtime
