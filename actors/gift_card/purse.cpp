#include "actors/gift_card/purse.hpp"

#include <algorithm>

namespace souk::actors {

std::optional<std::int64_t> purse::hold(const storage::ulid& order, std::int64_t at_most) {
  if (auto at = holds_.find(order); at != holds_.end())
    return at->second;
  auto amount = std::min(at_most, available());
  if (amount <= 0)
    return std::nullopt;
  holds_.emplace(order, amount);
  held_ += amount;
  return amount;
}

void purse::release(const storage::ulid& order) {
  if (auto at = holds_.find(order); at != holds_.end()) {
    held_ -= at->second;
    holds_.erase(at);
  }
}

void purse::spend(const storage::ulid& order, std::int64_t amount) {
  if (!holds_.contains(order))
    return;
  release(order);
  balance_ -= amount;
}

} // namespace souk::actors
