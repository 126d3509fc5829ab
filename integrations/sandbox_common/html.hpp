#pragma once

#include <string>
#include <string_view>

namespace souk::sandbox_common {

/// @returns the text as it may stand in an HTML page, in an attribute's quotes too.
std::string escaped(std::string_view text);

/// @returns a whole page of a sandbox around `body`, which is HTML already; `title` is plain text.
std::string html_page(std::string_view title, std::string_view body);

} // namespace souk::sandbox_common
