#include "actors/webhooks/topics.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace souk::actors {

namespace {

// A topic that is gone would silence webhooks that ask for it: add, never take away.
constexpr std::array<std::pair<std::string_view, std::string_view>, 25> names{{
  {"order.created", "orders/create"},
  {"order.authorized", "orders/updated"},
  {"order.paid", "orders/paid"},
  {"order.partially_shipped", "orders/partially_fulfilled"},
  {"order.shipped", "orders/fulfilled"},
  {"order.fulfilment_changed", "orders/updated"},
  {"order.delivered", "orders/delivered"},
  {"order.cancelled", "orders/cancelled"},
  {"order.refunded", "refunds/create"},
  {"order.refund_failed", "orders/updated"},
  {"return.requested", "returns/request"},
  {"return.approved", "returns/update"},
  {"return.closed", "returns/update"},
  {"return.declined", "returns/update"},
  {"return.cancelled", "returns/update"},
  {"return.received", "returns/update"},
  {"product.created", "products/create"},
  {"product.updated", "products/update"},
  {"product.archived", "products/update"},
  {"inventory.adjusted", "inventory_levels/update"},
  {"inventory.low_stock", "inventory/low_stock"},
  {"cart.created", "carts/create"},
  {"cart.abandoned", "carts/abandoned"},
  {"cart.recovered", "carts/recovered"},
  {"store.updated", "shop/update"},
}};

} // namespace

std::string_view webhook_topic_of(std::string_view event) noexcept {
  for (const auto& [ours, theirs] : names)
    if (ours == event)
      return theirs;
  return {};
}

const std::vector<std::string_view>& webhook_topics() {
  static const auto all = [] {
    std::vector<std::string_view> out;
    for (const auto& row : names)
      out.push_back(row.second);
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }();
  return all;
}

} // namespace souk::actors
