#pragma once

#include "http/exchange.hpp"
#include "http/page_cache.hpp"

namespace souk::http {

/// How long haproxy and browsers may keep a page without asking: a shopper sees nothing older than this.
inline constexpr const char* page_cache_control = "public, max-age=2";

/// The page, or 304 when the client has it. Asked for with a token it is the client's alone: a shared cache
/// must not mix the two.
response page_response(const request& asked, const page& bytes);

/// Whether an If-None-Match header names this ETag (weak comparison, RFC 9110).
bool matches(std::string_view if_none_match, std::string_view etag) noexcept;

} // namespace souk::http
