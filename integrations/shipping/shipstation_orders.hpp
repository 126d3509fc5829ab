#pragma once

#include "actors/shipping/carrier.hpp"

#include <nlohmann/json.hpp>
#include <string>

// How souk's orders look at ShipStation, and ShipStation's shipments at souk.

namespace souk::integrations {

/// @param status "awaiting_shipment", "awaiting_payment", "cancelled"
nlohmann::json shipstation_order(const storage::order_snapshot& order, const storage::store_row& store, const std::string& status);

/// What the order's state means there.
std::string shipstation_status(const storage::order_row& order);

/// A parcel whose order_id is nil is of no order of souk's.
actors::shipped_parcel read_shipment(const nlohmann::json& shipment);

/// Where the shopper follows the parcel; empty for a carrier that souk does not know.
std::string tracking_page(const std::string& carrier_code, const std::string& tracking_number);

/// @param resource the address that a call named
/// @returns its path and query below `base_url`, with the shipments' items asked for; empty when it is not an address of ShipStation's
/// list of shipments
std::string shipments_path(const std::string& resource, const std::string& base_url);

} // namespace souk::integrations
