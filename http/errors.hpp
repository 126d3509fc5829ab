#pragma once

#include "actors/error.hpp"
#include "runtime/error.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace souk::http {

/// What only the edge can find wrong with a request. The names are the stable codes that clients see.
enum class errc : std::uint8_t {
  bad_request = 1,
  bad_json,
  unauthenticated,
  method_not_allowed,
  payload_too_large,
  unsupported_media_type,
  uri_too_long,
  headers_too_large,
  request_timeout, ///< the request itself did not arrive in time
  card_number_refused,
  bad_signature,   ///< a call in a provider's name that it did not sign
  account_refused, ///< a provider does not accept the credentials
  not_configured,  ///< this deployment has no key to seal secrets with, or does not know the provider
  timeout, ///< the answer was not there by the request's deadline; whether it was done is not known
  overloaded,
  internal
};

/// Any reason a request is refused: said by an actor, by the runtime on the way to it, or by the edge.
using reason = std::variant<errc, actors::errc, runtime::errc>;

struct status_rule {
  int status = 500;
  std::string_view code; ///< in the error body
  int retry_after = 0;   ///< seconds; 0 = trying again does not help
};

/// THE table: which status and code a reason has.
status_rule rule_of(const reason& why) noexcept;

/// A request refused. Thrown within http/ by whatever reads or checks a request; the dispatcher turns it into
/// a response.
struct refusal {
  reason why = errc::internal;
  std::string message{}; ///< for people; the code's default when empty
  std::string field{};   ///< what it is about: "items[0].quantity"
  std::vector<actors::shortage> lines{};
  std::string order{};   ///< JSON of the order it is about (a declined payment), or empty
  std::string allowed{}; ///< for method_not_allowed: "GET, POST"
};

/// {"error":{"code","message","details":{…}}}
std::string error_body(const refusal& why);

/// The same for a status that cpp-httplib gave by itself.
std::string error_body(int status);

} // namespace souk::http
