#pragma once

#include "storage/rows/outgoing.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::integrations {

/// HMAC-SHA256 of a text, as base64.
std::string hmac_sha256_base64(std::string_view key, std::string_view text);

/// "2026-01-31T09:30:00Z"
std::string utc_time(storage::timestamp at);

/// The headers of a delivery, with both signatures that receivers' libraries know: Shopify's, whose key is the secret as the
/// merchant sees it, and that of Standard Webhooks, whose key is what its base64 stands for and which covers id and time.
/// @param secret "whsec_…" @param now when it is sent, which may be long after the event
std::vector<std::pair<std::string, std::string>> webhook_headers(const storage::webhook_delivery_row& what,
                                                                 std::string_view secret, const std::string& store_slug,
                                                                 storage::timestamp now);

} // namespace souk::integrations
