#pragma once

#include "storage/ulid.hpp"

#include <optional>
#include <string_view>

namespace souk::http::json {

/// "2024-05-01T12:00:00Z", "2024-05-01t14:00:00.25+02:00" (RFC 3339), to the microsecond; finer digits are cut off, a leap second is
/// the next minute's first.
/// @returns nullopt for anything else, for days that no month has and for years before 1970
std::optional<storage::timestamp> parse_rfc3339(std::string_view text) noexcept;

} // namespace souk::http::json
