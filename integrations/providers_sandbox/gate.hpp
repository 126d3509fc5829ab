#pragma once

#include "integrations/providers_sandbox/call.hpp"
#include "integrations/providers_sandbox/faults.hpp"

#include <string>
#include <vector>

namespace httplib {
class Server;
struct Request;
struct Response;
} // namespace httplib

namespace souk::providers {

class admin;

/// Stands between the connection and the providers: finds the provider by its base path and plays the faults
/// that concern the connection. Pages for browsers and /admin never meet a fault.
class gate {
public:
  struct door {
    std::string base; ///< "/stripe"
    provider* inside = nullptr;
    faults* knobs = nullptr;
  };

  gate(std::vector<door> doors, admin& office) : doors_{std::move(doors)}, office_{office} {}

  void install(httplib::Server& server);

private:
  void serve(const httplib::Request& request, httplib::Response& response, std::string body);
  void pass(const door& through, call& asked, const httplib::Request& request, httplib::Response& response);

  std::vector<door> doors_;
  admin& office_;
};

} // namespace souk::providers
