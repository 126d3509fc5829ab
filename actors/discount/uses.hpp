#pragma once

#include "storage/ulid.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>

namespace souk::actors {

/// Who uses one discount, without a mailbox around it.
///
/// Take early, give late, as with stock: an order that checks out takes its use at once, so that the next one sees it; a use that is
/// given back counts when its rows are committed.
class uses {
public:
  uses() = default;
  /// @param used orders that have the discount, by its row
  explicit uses(std::int64_t used) : used_(used) {}

  std::int64_t used() const noexcept { return used_; } ///< in rows
  std::int64_t taken() const noexcept { return used_ + static_cast<std::int64_t>(holds_.size()); } ///< and in memory
  bool holds(const storage::ulid& order) const { return holds_.contains(order); }
  /// Whether another order of the customer is checking out with it. @param customer not empty
  bool customer_holds(const std::string& customer, const storage::ulid& but_for) const;

  /// Takes a use for an order. Asked again by the same order it is the same use.
  /// @param limit -1 = none @returns false when it is used up
  bool hold(const storage::ulid& order, const std::string& customer, std::int64_t limit);
  /// Gives a use back that was never written.
  void release(const storage::ulid& order) { holds_.erase(order); }
  /// The order's rows say that it has the discount.
  void use(const storage::ulid& order);
  /// The order's rows say that it no longer has it.
  void give_back(const storage::ulid& order);

private:
  std::int64_t used_ = 0;
  std::unordered_map<storage::ulid, std::string> holds_; ///< by order: the customer
};

} // namespace souk::actors
