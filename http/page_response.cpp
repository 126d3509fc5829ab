#include "http/page_response.hpp"

namespace souk::http {

bool matches(std::string_view if_none_match, std::string_view etag) noexcept {
  while (!if_none_match.empty()) {
    const auto end = if_none_match.find(',');
    auto one = if_none_match.substr(0, end);
    if_none_match.remove_prefix(end == std::string_view::npos ? if_none_match.size() : end + 1);
    while (!one.empty() && one.front() == ' ')
      one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ')
      one.remove_suffix(1);
    if (one.starts_with("W/"))
      one.remove_prefix(2);
    if (one == "*" || one == etag)
      return true;
  }
  return false;
}

response page_response(const request& asked, const page& bytes) {
  response out;
  out.headers.emplace_back("ETag", bytes.etag);
  out.headers.emplace_back("Cache-Control",
                           asked.authorization.empty() ? page_cache_control : "private, no-cache");
  if (!bytes.link.empty())
    out.headers.emplace_back("Link", bytes.link);
  if (!asked.if_none_match.empty() && matches(asked.if_none_match, bytes.etag)) {
    out.status = 304;
    out.content_type.clear();
  } else
    out.body = bytes.body;
  return out;
}

} // namespace souk::http
