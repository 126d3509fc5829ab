#pragma once

#include <string_view>

namespace souk::http {

/// Well-formed UTF-8 as RFC 3629 has it (no overlong forms, no surrogates), and without U+0000, which PostgreSQL cannot store.
bool is_storable_utf8(std::string_view text) noexcept;

} // namespace souk::http
