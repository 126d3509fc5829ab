#include "integrations/shipping/carrier_events.hpp"

#include "storage/error.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace souk::integrations {

namespace {

constexpr std::chrono::seconds believed{30};
constexpr std::size_t remembered_max = 100'000;

} // namespace

std::size_t carrier_events::deliver(const std::vector<storage::outbox_event>& events) {
  if (events.empty())
    return 0;
  auto& waits = waits_[events.front().shard];
  waits = false;
  std::size_t done = 0;
  try {
    for (; done < events.size() && !stopping_; ++done)
      if (!handle(events[done])) {
        waits = true;
        break;
      }
  } catch (const storage::unavailable& e) {
    waits = true;
    spdlog::warn("orders wait for their shipping services: {}", e.what());
  }
  return done;
}

bool carrier_events::ships_nothing(const storage::ulid& store) {
  std::lock_guard lock{guard_};
  const auto at = without_.find(store);
  return at != without_.end() && at->second > std::chrono::steady_clock::now();
}

void carrier_events::learned(const storage::store_row& store) {
  const auto& all = store.settings.carriers;
  const bool any = std::any_of(all.begin(), all.end(), [](const auto& a) { return a.active; });
  std::lock_guard lock{guard_};
  if (any) {
    without_.erase(store.id);
    return;
  }
  if (without_.size() >= remembered_max)
    without_.clear();
  without_[store.id] = std::chrono::steady_clock::now() + believed;
}

bool carrier_events::handle(const storage::outbox_event& event) {
  const auto& topic = event.event.topic;
  if (topic == "store.updated") { // it may have an account now
    std::lock_guard lock{guard_};
    without_.erase(event.event.store_id);
    return true;
  }
  const bool to_ship = topic == "order.paid";
  if ((!to_ship && topic != "order.cancelled" && topic != "order.refunded") || ships_nothing(event.event.store_id))
    return true;
  const auto store = stores_(event.event.store_id);
  if (!store)
    return true;
  learned(*store);
  if (ships_nothing(store->id))
    return true;
  const auto order = orders_(event.event.subject);
  if (!order)
    return true;
  const auto status = order->order.status;
  const bool over = status == storage::order_status::cancelled || status == storage::order_status::refunded;
  // The rows are ahead of the event: what was paid and cancelled since is not shipped.
  if ((to_ship && status != storage::order_status::paid) || (!to_ship && !over))
    return true;
  for (const auto& account : store->settings.carriers) {
    const auto at = carriers_.find(account.provider);
    if (!account.active || at == carriers_.end())
      continue;
    const auto said = to_ship ? at->second->push(*order, *store, account) : at->second->withdraw(*order, *store, account);
    if (said.what == actors::shipping_answer::kind::not_now)
      return false;
    if (said.what == actors::shipping_answer::kind::rejected)
      spdlog::warn("{} refuses order {} of store {}: {}", account.provider, order->order.id.str(), store->id.str(), said.error);
  }
  return true;
}

} // namespace souk::integrations
