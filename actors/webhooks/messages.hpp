#pragma once

#include "actors/caller.hpp"
#include "storage/rows/outgoing.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::actors {

/// By the merchant; asked again with the same id it is done once. At most 20 per store. → storage::webhook_row
struct create_webhook {
  caller by;
  storage::webhook_row draft; ///< id, store_id, address, topics, sealed_secret; the rest is filled in
};
/// Changes what is set; switched on again a failing one starts anew. → storage::webhook_row
struct change_webhook {
  caller by;
  storage::ulid store_id;
  storage::ulid webhook_id;
  std::optional<std::string> address;
  std::optional<std::vector<std::string>> topics;
  std::optional<bool> active;
  std::optional<std::string> sealed_secret;
  std::optional<std::int64_t> expected_version; ///< else errc::version_conflict
};
/// With its deliveries. → bool
struct remove_webhook {
  caller by;
  storage::ulid store_id;
  storage::ulid webhook_id;
};
/// → std::vector<storage::webhook_row>
struct get_webhooks {
  caller by;
  storage::ulid store_id;
};
/// Sends a delivery again, whatever became of it. → storage::webhook_delivery_row, as it waits
struct redeliver_webhook {
  caller by;
  storage::ulid store_id;
  storage::ulid delivery_id;
};
/// From the events' consumer: something happened that merchants may want to hear of. Answered after the commit of the deliveries;
/// told again it is nothing. → bool
struct webhook_event {
  storage::ulid store_id;
  std::string event_id; ///< "SHARD-SEQ-N"
  std::string topic;    ///< "orders/paid"
  std::string payload;  ///< JSON
};
/// From the supervisor: deliveries wait. Being there is all it takes. Nothing is answered.
struct resume_deliveries {};
/// From a worker: how a delivery went. Nothing is answered.
struct delivery_answered {
  storage::ulid delivery_id;
  std::int32_t status = 0;
  std::string error;
  std::int64_t took_ms = 0;
};

template <class I>
typename I::result_type inspect(I& f, create_webhook& x) {
  return f(x.by, x.draft);
}
template <class I>
typename I::result_type inspect(I& f, change_webhook& x) {
  return f(x.by, x.store_id, x.webhook_id, x.address, x.topics, x.active, x.sealed_secret, x.expected_version);
}
template <class I>
typename I::result_type inspect(I& f, remove_webhook& x) {
  return f(x.by, x.store_id, x.webhook_id);
}
template <class I>
typename I::result_type inspect(I& f, get_webhooks& x) {
  return f(x.by, x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, redeliver_webhook& x) {
  return f(x.by, x.store_id, x.delivery_id);
}
template <class I>
typename I::result_type inspect(I& f, webhook_event& x) {
  return f(x.store_id, x.event_id, x.topic, x.payload);
}
template <class I>
typename I::result_type inspect(I& f, resume_deliveries&) {
  return f();
}
template <class I>
typename I::result_type inspect(I& f, delivery_answered& x) {
  return f(x.delivery_id, x.status, x.error, x.took_ms);
}

} // namespace souk::actors
