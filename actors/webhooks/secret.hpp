#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace souk::actors {

/// A new secret that deliveries of a webhook are signed with: "whsec_" and 32 random bytes in base64.
std::string new_webhook_secret();
/// The bytes of such a secret. @returns nothing for any other text
std::optional<std::string> webhook_secret_bytes(std::string_view secret);

} // namespace souk::actors
