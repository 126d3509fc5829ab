#include "integrations/payment/paypal_api.hpp"

#include "integrations/provider_http/account_secrets.hpp"
#include "integrations/provider_http/json_fields.hpp"

#include <algorithm>

namespace souk::integrations {

namespace {

constexpr std::chrono::seconds token_margin{60};
constexpr std::size_t tokens_max = 4096;

bool paypal_retry(const http_reply& reply) {
  return usual_retry(reply) || reply.status == 409; // a twin of the same request id is under way
}

paypal_reply read(const provider_reply& got) {
  paypal_reply out{got.what, got.status(), parsed(got.http.body)};
  bool bare = out.status == 204;
  if ((out.ok() && !bare && !out.body.is_object()) || (out.refused() && out.issue().empty())) // whoever answered, it was not PayPal
    return {provider_reply::kind::no_answer, 0, {}};
  return out;
}

} // namespace

std::string paypal_reply::issue() const {
  for (const auto& detail : list_at(body, "details"))
    if (auto issue = text_at(detail, "issue"); !issue.empty())
      return issue;
  auto name = text_at(body, "name");
  return name.empty() ? text_at(body, "error") : name;
}

paypal_api::paypal_api(const std::string& base_url, client_tuning tuning) : client_{base_url, tuning, paypal_retry} {
  // nop
}

paypal_reply paypal_api::get(const access& who, const std::string& path) {
  http_request request;
  request.path = path;
  return send(who, std::move(request));
}

paypal_reply paypal_api::post(const access& who, const std::string& path, std::string body, const std::string& request_id) {
  http_request request;
  request.method = "POST";
  request.path = path;
  request.headers = {"Content-Type: application/json", "Prefer: return=representation"};
  if (!request_id.empty())
    request.headers.push_back("PayPal-Request-Id: " + request_id);
  request.body = std::move(body);
  return send(who, std::move(request));
}

paypal_reply paypal_api::patch(const access& who, const std::string& path, const nlohmann::json& body) {
  http_request request;
  request.method = "PATCH";
  request.path = path;
  request.headers = {"Content-Type: application/json"};
  request.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return send(who, std::move(request));
}

paypal_reply paypal_api::log_in(const access& who) {
  http_request request;
  request.method = "POST";
  request.path = "/v1/oauth2/token";
  request.headers = {"Content-Type: application/x-www-form-urlencoded",
                     basic_authorization(who.client_id, who.client_secret)};
  request.body = "grant_type=client_credentials";
  auto got = read(client_.send(who.account, request, who.deadline));
  auto text = text_at(got.body, "access_token");
  if (got.status != 200 || text.empty()) {
    std::lock_guard lock{tokens_mutex_};
    tokens_.erase(who.account);
    return got;
  }
  auto now = clock::now();
  auto life = std::chrono::seconds{std::clamp<std::int64_t>(integer_at(got.body, "expires_in"), 0, 86400)};
  std::lock_guard lock{tokens_mutex_};
  if (tokens_.size() >= tokens_max)
    std::erase_if(tokens_, [&](const auto& entry) { return entry.second.until <= now; });
  tokens_[who.account] = {std::move(text), now + life - token_margin};
  return got;
}

std::string paypal_api::kept_token(const access& who) {
  std::lock_guard lock{tokens_mutex_};
  auto found = tokens_.find(who.account);
  return found == tokens_.end() || found->second.until <= clock::now() ? std::string{} : found->second.text;
}

paypal_reply paypal_api::send(const access& who, http_request request) {
  auto key = kept_token(who);
  const bool kept = !key.empty();
  const auto headers = request.headers;
  for (bool again : {false, true}) {
    if (key.empty()) {
      auto got = log_in(who);
      key = text_at(got.body, "access_token");
      if (!got.ok() || key.empty()) // nothing was asked for: nothing happened
        return got.unauthorized() ? got : paypal_reply{};
    }
    request.headers = headers;
    request.headers.push_back("Authorization: Bearer " + key);
    auto got = read(client_.send(who.account, request, who.deadline));
    if (got.status != 401 || again || !kept)
      return got;
    key.clear(); // taken back before its time
  }
  return {};
}

} // namespace souk::integrations
