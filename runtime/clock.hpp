#pragma once

#include "storage/ulid.hpp"

#include <functional>

namespace souk::runtime {

/// "Now", as the databases see it. Nobody else asks the machine for the time of day, so a simulation can move it and a node
/// whose own clock is an hour off changes nothing.
class clock {
public:
  virtual ~clock() = default;
  virtual storage::timestamp now() const = 0;
};

/// The database's time at start plus what the machine's boot-time clock has counted since (it goes on while suspended).
class database_clock final : public clock {
public:
  /// @param database_now what the database just answered
  explicit database_clock(storage::timestamp database_now);
  storage::timestamp now() const override;

private:
  storage::timestamp base_;
  std::chrono::nanoseconds booted_;
};

} // namespace souk::runtime
