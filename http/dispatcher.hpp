#pragma once

#include "http/access.hpp"
#include "http/exchange.hpp"

namespace souk::http {

/// Runs a matched request through authentication, authorisation and its route. Whatever happens on the way
/// becomes a response: nothing is thrown.
/// @param until the request's one deadline
response dispatch(const service& shop, const request& asked, matched found, deadline until) noexcept;

/// Whether a request may have a body of this type on this route (a JSON route also takes what `curl -d` sends
/// unless told).
bool takes(body_kind kind, std::string_view content_type) noexcept;

/// Path and query of a request's target.
std::pair<std::string_view, std::string_view> split_target(std::string_view target) noexcept;

} // namespace souk::http
