#include "actors/inventory/stock.hpp"

namespace souk::actors {

stock::stock(const storage::stock_snapshot& rows) : level_(rows.level) {
  for (const auto& r : rows.open) {
    holds_[r.order_id] += r.quantity;
    reserved_ += r.quantity;
  }
}

std::optional<std::int64_t> stock::held_for(const storage::ulid& order) const {
  auto at = holds_.find(order);
  return at == holds_.end() ? std::nullopt : std::optional{at->second};
}

bool stock::hold(const storage::ulid& order, std::int64_t quantity) {
  if (quantity <= 0)
    return false;
  if (auto held = held_for(order))
    return *held == quantity;
  if (!level_.backorder && quantity > available())
    return false;
  holds_.emplace(order, quantity);
  reserved_ += quantity;
  return true;
}

void stock::release(const storage::ulid& order) {
  if (auto at = holds_.find(order); at != holds_.end()) {
    reserved_ -= at->second;
    holds_.erase(at);
  }
}

void stock::claim(const storage::ulid& order) {
  if (auto at = holds_.find(order); at != holds_.end()) {
    reserved_ -= at->second;
    level_.on_hand -= at->second;
    holds_.erase(at);
  }
}

bool stock::may_adjust(std::int64_t delta) const noexcept {
  auto next = level_.on_hand + delta;
  if (delta >= 0)
    return next >= level_.on_hand; // no overflow
  return next >= 0 && (level_.backorder || next >= reserved_);
}

void stock::set_policy(bool backorder, std::int64_t low_stock_threshold) noexcept {
  level_.backorder = backorder;
  level_.low_stock_threshold = low_stock_threshold;
}

bool stock::crosses_threshold(std::int64_t before) const noexcept {
  auto limit = level_.low_stock_threshold;
  return limit >= 0 && before > limit && available() <= limit;
}

} // namespace souk::actors
