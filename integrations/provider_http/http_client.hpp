#pragma once

#include "integrations/provider_http/client_tuning.hpp"

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace souk::integrations {

struct http_request {
  std::string method = "GET";
  std::string path; ///< below the base URL, with its query: "/v1/refunds?limit=100"
  std::vector<std::string> headers; ///< "Name: value"
  std::string body;
};

struct http_reply {
  int status = 0; ///< 0: no answer, or none that can be used
  std::map<std::string, std::string> headers; ///< names in lower case
  std::string body;

  /// Empty when the header is missing. @param name in lower case
  const std::string& header(const std::string& name) const;
};

/// Calls one server over libcurl: certificates are verified, redirects are not followed, proxies of the environment are not used,
/// an answer has a largest size, and no other address than those below the base URL is ever called. Connections are kept and
/// used again. Safe from any number of threads.
///
/// The process must ignore SIGPIPE: a connection that the server closed shows itself on writing.
class http_client {
public:
  /// @param base_url http or https, a host, and no query: "https://api.stripe.com"
  /// @throws std::invalid_argument when it is no such URL
  http_client(const std::string& base_url, std::chrono::milliseconds connect_limit, std::size_t answer_max);
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// @param limit for the whole call
  http_reply send(const http_request& request, std::chrono::milliseconds limit);

  const std::string& base_url() const noexcept { return base_url_; }

private:
  class lease;

  std::string base_url_; ///< without a slash at the end
  std::chrono::milliseconds connect_limit_;
  std::size_t answer_max_;
  std::mutex idle_mutex_;
  std::vector<void*> idle_; ///< curl handles with their connections; the last used is the next to be used
};

/// "a b" is "a%20b": for a part of a path or a query.
std::string percent_encoded(std::string_view text);
/// Whether a browser can be sent there.
bool is_web_address(std::string_view url) noexcept;

} // namespace souk::integrations
