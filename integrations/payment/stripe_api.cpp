#include "integrations/payment/stripe_api.hpp"

#include "integrations/provider_http/json_fields.hpp"

namespace souk::integrations {

namespace {

/// The form in which Stripe answers; without it every merchant's account would have its own.
constexpr const char* api_version = "2026-06-24.dahlia";

} // namespace

stripe_form& stripe_form::add(std::string_view name, std::string_view value) {
  if (!text_.empty())
    text_ += '&';
  text_ += percent_encoded(name) + '=' + percent_encoded(value);
  return *this;
}

std::string stripe_reply::error_type() const {
  return text_at(body, {"error", "type"});
}

std::string stripe_reply::error_code() const {
  auto decline = text_at(body, {"error", "decline_code"});
  if (!decline.empty() && decline != "generic_decline")
    return decline;
  auto code = text_at(body, {"error", "code"});
  return code.empty() ? error_type() : code;
}

stripe_api::stripe_api(const std::string& base_url, client_tuning tuning) : client_{base_url, tuning, stripe_retry} {
  // nop
}

stripe_reply stripe_api::get(const access& who, const std::string& path) {
  http_request request;
  request.path = path;
  return send(who, std::move(request));
}

stripe_reply stripe_api::post(const access& who, const std::string& path, const stripe_form& form, const std::string& key) {
  http_request request;
  request.method = "POST";
  request.path = path;
  request.headers = {"Content-Type: application/x-www-form-urlencoded", "Idempotency-Key: " + key};
  request.body = form.text();
  return send(who, std::move(request));
}

stripe_reply stripe_api::post_until_heard(const access& who, const std::string& path, const stripe_form& form,
                                         const std::string& key) {
  auto got = post(who, path, form, key);
  for (int number = 1; got.kept_failure() && number < stripe_keys_max; ++number)
    got = post(who, path, form, further_key(key, number));
  return got;
}

std::string further_key(const std::string& key, int number) {
  return number == 0 ? key : key + "-again-" + std::to_string(number);
}

stripe_reply stripe_api::send(const access& who, http_request request) {
  request.headers.push_back("Authorization: Bearer " + who.secret_key);
  request.headers.push_back(std::string{"Stripe-Version: "} + api_version);
  auto got = client_.send(who.account, request, who.deadline);
  stripe_reply out;
  out.what = got.what;
  out.status = got.status();
  out.replayed = got.http.header("idempotent-replayed") == "true";
  out.body = parsed(got.http.body);
  bool refused = out.status >= 400 && out.status < 500 && !out.unauthorized();
  if ((out.status == 200 && !out.body.is_object()) || (refused && out.error_type().empty())) { // whoever answered, it was not Stripe
    out.what = provider_reply::kind::no_answer;
    out.status = 0;
  }
  return out;
}

bool stripe_retry(const http_reply& reply) {
  const auto& advice = reply.header("stripe-should-retry");
  if (advice == "true")
    return true;
  // A failure that is kept under its key is repeated however often it is asked for.
  if (advice == "false" || reply.header("idempotent-replayed") == "true")
    return false;
  return reply.status == 0 || reply.status == 409 || reply.status == 429 || reply.status >= 500;
}

} // namespace souk::integrations
