#pragma once

#include <string_view>
#include <vector>

namespace souk::actors {

/// What merchants call an event of ours: "order.paid" → "orders/paid". Names as Shopify has them where it has the event.
/// @returns empty for an event that is not for merchants
std::string_view webhook_topic_of(std::string_view event) noexcept;

/// Every topic a webhook can ask for, without "*".
const std::vector<std::string_view>& webhook_topics();

} // namespace souk::actors
