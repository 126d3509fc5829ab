#pragma once

#include "http/exchange.hpp"

#include <string>
#include <string_view>

namespace souk::http::routes {

/// A page for somebody who followed a link in a mail. It needs nothing else: no script, no style, no image.
/// @param text is escaped @param form is not: HTML of ours
response html_page(int status, std::string_view title, std::string_view text, std::string_view form);

} // namespace souk::http::routes
