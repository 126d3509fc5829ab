#pragma once

#include <string_view>

namespace souk::actors {

/// Whether it is a country's code of ISO 3166-1 alpha-2 (two capital letters), or XK, which carriers and
/// shops use for Kosovo.
bool is_country(std::string_view code) noexcept;

} // namespace souk::actors
