#pragma once

#include "storage/ulid.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace souk::actors {

/// What is left on one gift card, and which orders are about to take of it, without a mailbox around it. Amounts are minor units.
///
/// Take early, give late, as with stock: what an order holds is gone for the next one at once; what comes back counts when its rows
/// are committed.
class purse {
public:
  purse() = default;
  explicit purse(std::int64_t balance) : balance_(balance) {}

  std::int64_t balance() const noexcept { return balance_; } ///< in rows
  std::int64_t available() const noexcept { return balance_ - held_; } ///< and not held in memory

  /// Holds up to `at_most` for an order. Asked again by the same order it is the same hold.
  /// @returns nullopt when nothing is left, or nothing was asked for
  std::optional<std::int64_t> hold(const storage::ulid& order, std::int64_t at_most);
  /// Gives a hold back that was never written.
  void release(const storage::ulid& order);
  /// The order's rows say that it spent this much of its hold; the rest is free again.
  void spend(const storage::ulid& order, std::int64_t amount);
  /// Rows say that it came back.
  void give(std::int64_t amount) noexcept { balance_ += amount; }

private:
  std::int64_t balance_ = 0;
  std::int64_t held_ = 0;
  std::unordered_map<storage::ulid, std::int64_t> holds_; ///< by order
};

} // namespace souk::actors
