#pragma once

#include "actors/caller.hpp"
#include "http/errors.hpp"
#include "storage/catalog_reader.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::http {

struct service;
struct route;

/// When a request's answer must be there; every wait on its behalf ends by then.
using deadline = std::chrono::steady_clock::time_point;

/// The part of an HTTP request that routes look at, free of the server's own types.
struct request {
  std::string id;     ///< X-Request-Id, the client's or ours
  std::string method; ///< GET for HEAD too
  std::string target; ///< as sent: path and query
  std::string remote; ///< the client's address, as the proxy tells it
  std::string body;
  std::string content_type;
  std::string authorization;
  std::string idempotency_key;
  bool has_idempotency_key = false;
  std::string if_none_match;
  std::map<std::string, std::string> headers; ///< all of them, names in lower case, for routes of body_kind::any only
  bool refresh = false; ///< the page is kept, but it is time to read it again
};

/// What goes back.
struct response {
  int status = 200;
  std::string body{};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// One request on its way through the edge: what was asked, by whom, and until when the answer must be there.
struct exchange {
  const service& shop;
  const request& asked;
  const route* to = nullptr;
  deadline until{};

  std::vector<std::pair<std::string_view, storage::ulid>> ids{}; ///< from the path, by name: "store_id"
  std::string token_id{};                                        ///< from the path of an API token, or the code in that of a discount
  std::vector<std::pair<std::string, std::string>> query{};      ///< decoded
  actors::caller by{};                                           ///< anonymous when no token was sent

  /// @pre the route's pattern has it
  const storage::ulid& id(std::string_view name) const;
  /// The first parameter of that name; nullptr when absent.
  const std::string* parameter(std::string_view name) const;
  /// @throws refusal when it is there and not a whole number in the range
  std::int64_t integer_parameter(std::string_view name, std::int64_t fallback, std::int64_t low,
                                 std::int64_t high) const;
  std::optional<storage::ulid> id_parameter(std::string_view name) const;
};

/// Of a list: page and limit, or after and limit.
storage::page_request page_asked(const exchange& x);

/// 200 with a JSON body.
response ok(std::string json);
/// 201 with a JSON body and where the new thing is.
response created(std::string json, std::string location);
response no_content();
response refused(const refusal& why);

/// A path and query in parts, percent-decoded.
/// @returns nullopt when an escape is malformed or hides a control character.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);
std::string percent_encoded(std::string_view text);
std::optional<std::vector<std::pair<std::string, std::string>>> parsed_query(std::string_view text);

} // namespace souk::http
