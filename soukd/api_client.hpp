#pragma once

#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace httplib {
class Client;
} // namespace httplib

namespace souk::server {

/// The operator's commands speak to a running shop as anybody would: over its API.
class api_client {
public:
  /// @param url of the shop, http://HOST:PORT
  explicit api_client(const std::string& url);
  ~api_client();

  void use_token(std::string token) { token_ = std::move(token); }
  struct reply {
    int status = 0;
    std::string body;
    std::string code; ///< error.code of a refusal
  };
  /// @throws std::runtime_error when there is no answer
  reply get(const std::string& path);
  reply post(const std::string& path, const std::string& body, const std::string& type = "application/json");
  /// The JSON of an answer that must succeed. @throws std::runtime_error with the shop's own words
  nlohmann::json must(const reply& r, const std::string& what);

private:
  std::unique_ptr<httplib::Client> client_;
  std::string token_;
};

} // namespace souk::server
