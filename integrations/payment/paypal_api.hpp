#pragma once

#include "integrations/provider_http/provider_client.hpp"

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

namespace souk::integrations {

struct paypal_reply {
  provider_reply::kind what = provider_reply::kind::not_now;
  int status = 0; ///< HTTP; 0 when there is no answer
  nlohmann::json body{};

  bool ok() const noexcept { return status >= 200 && status < 300; }
  bool limited() const noexcept { return what == provider_reply::kind::not_now; }
  bool unauthorized() const noexcept { return status == 401 || status == 403; }
  /// Whether PayPal says no to what was asked, and will again.
  bool refused() const noexcept { return status == 400 || status == 404 || status == 422; }
  /// "INSTRUMENT_DECLINED", or the name of the error.
  std::string issue() const;
};

/// Calls of PayPal's REST API for one merchant at a time. Access tokens are kept until a minute before they end. Safe from any thread.
class paypal_api {
public:
  using clock = provider_client::clock;

  /// On whose behalf, and until when.
  struct access {
    std::string account; ///< for the rate limit, and under which its token is kept
    std::string client_id;
    std::string client_secret;
    clock::time_point deadline;
  };

  /// @throws std::invalid_argument when base_url is none
  paypal_api(const std::string& base_url, client_tuning tuning);

  paypal_reply get(const access& who, const std::string& path);
  /// @param request_id under which it is done once; empty: it may be done twice
  paypal_reply post(const access& who, const std::string& path, std::string body, const std::string& request_id);
  paypal_reply patch(const access& who, const std::string& path, const nlohmann::json& body);
  /// Asks for a token, whatever is kept: whether the credentials hold.
  paypal_reply log_in(const access& who);

private:
  struct token {
    std::string text;
    clock::time_point until;
  };
  paypal_reply send(const access& who, http_request request);
  std::string kept_token(const access& who);

  provider_client client_;
  std::mutex tokens_mutex_;
  std::map<std::string, token> tokens_;
};

} // namespace souk::integrations
