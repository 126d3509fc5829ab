#pragma once

#include <string_view>

namespace souk::http {

/// http/openapi.json, as it was when the program was built.
std::string_view openapi_document();

} // namespace souk::http
