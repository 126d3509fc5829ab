#pragma once

#include "actors/secret/secret_box.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace souk::integrations {

/// Opens what a merchant entrusted to us for a provider.
/// @param provider also the purpose that it was sealed for: "stripe"
/// @returns nothing when there is no key, it does not open, or it is no JSON object
std::optional<nlohmann::json> open_account(const actors::secret_box* box, const storage::ulid& store, std::string_view provider,
                                           const std::string& sealed);

/// Names an account without telling its secret: the same for all stores that share it.
std::string account_name(std::string_view secret);

/// "Authorization: Basic …".
std::string basic_authorization(std::string_view user, std::string_view password);

/// 16 hex characters that another text does not have: for keys that stand for one request.
std::string fingerprint(std::string_view text);

} // namespace souk::integrations
