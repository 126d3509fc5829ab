#pragma once

#include "actors/payment/gateway.hpp"
#include "storage/entity_reader.hpp"

#include <string>
#include <vector>

namespace souk::actors {

struct shipping_answer {
  enum class kind : std::uint8_t { done, rejected, not_now };
  kind what = kind::not_now;
  std::string reference; ///< the service's id of the order
  std::string error;
};

/// A parcel as the service reports it.
struct shipped_parcel {
  std::string external_id; ///< the service's id of the shipment
  storage::ulid order_id;
  std::vector<std::pair<std::int32_t, std::int64_t>> lines; ///< order line and pieces; empty: all that is left
  std::string carrier;
  std::string tracking_number;
  std::string tracking_url;
  bool voided = false;
};

struct shipping_news {
  enum class kind : std::uint8_t { parcels, forged, not_now };
  kind what = kind::forged;
  std::vector<shipped_parcel> parcels;
};

/// A shipping service. Called on worker threads; every call has a time limit and never throws; pushing an order again updates it.
class carrier {
public:
  virtual ~carrier() = default;
  virtual shipping_answer push(const storage::order_snapshot& order, const storage::store_row& store,
                               const storage::carrier_account& account) = 0;
  /// The order was cancelled: the service must not ship it.
  virtual shipping_answer withdraw(const storage::order_snapshot& order, const storage::store_row& store,
                                   const storage::carrier_account& account) = 0;
  /// What a call of the service is about: it names a resource, which is fetched from the service's own host and nowhere else.
  virtual shipping_news read_event(const storage::ulid& store, const storage::carrier_account& account,
                                   const provider_call& call) = 0;
  /// Whether the service accepts the credentials, and subscribes to its news at `webhook_url`. @returns empty, or why not
  virtual std::string check_account(const storage::ulid& store, const storage::carrier_account& account,
                                    const std::string& webhook_url) = 0;
};

} // namespace souk::actors
