#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace httplib {
struct Request;
}

namespace souk::providers {

/// What the faults switched on by an admin call do to one call. The gate takes them from their counters; the
/// provider acts on those that only it can play.
struct fate {
  std::int64_t latency_ms = 0; ///< waited while the call's key is under way, so that a twin meets it
  bool fail = false;           ///< execute, remember the outcome as the provider would, and answer 500
  bool conflict = false;       ///< answer as for a concurrent twin; execute nothing
  bool decline = false;        ///< this payment is declined, whatever its token says
};

/// A call of a provider's API.
struct call {
  const httplib::Request& request; ///< for its headers
  std::string_view method;         ///< "GET", "POST" …
  std::string_view path;           ///< below the provider's base path, "/v1/payment_intents"
  std::vector<std::string_view> segments; ///< of the path: "v1", "payment_intents"
  std::string_view query;                 ///< without its question mark, still encoded
  std::string body;
  fate faults;

  std::string header(const char* name) const;
  bool has_header(const char* name) const;
};

struct answer {
  int status = 200;
  std::string body = {};
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};

  answer&& with(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
};

/// One outside service below its base path.
class provider {
public:
  virtual ~provider() = default;

  /// Called by many threads at once.
  virtual answer handle(call& asked) = 0;

  /// What this provider says when a call is not executed for a fault's sake.
  /// @param status 500 or 429.
  virtual answer refusal(const call& asked, int status) = 0;

  /// @returns whether the call changes state and so uses up fault counters.
  virtual bool is_command(const call& asked) const = 0;
};

} // namespace souk::providers
