#pragma once

#include "config/settings.hpp"

#include <string>
#include <vector>

namespace souk::server {

/// The keys that secrets are sealed with: of the settings, or one per line of their file. Empty: the shop keeps no secrets.
/// @throws std::runtime_error when the file cannot be read or holds something else
std::vector<std::string> secret_keys(const config::settings& s);

} // namespace souk::server
