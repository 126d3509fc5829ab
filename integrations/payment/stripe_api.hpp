#pragma once

#include "integrations/provider_http/provider_client.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace souk::integrations {

/// The body of a call: `amount=1999&metadata%5Border_id%5D=…`.
class stripe_form {
public:
  stripe_form& add(std::string_view name, std::string_view value);
  stripe_form& add(std::string_view name, std::int64_t value) { return add(name, std::to_string(value)); }
  /// Leaves out what is empty: Stripe takes an empty text for "forget this".
  stripe_form& add_some(std::string_view name, std::string_view value) { return value.empty() ? *this : add(name, value); }
  const std::string& text() const noexcept { return text_; }

private:
  std::string text_;
};

struct stripe_reply {
  provider_reply::kind what = provider_reply::kind::not_now;
  int status = 0; ///< HTTP; 0 when there is no answer
  bool replayed = false; ///< what the key was answered the first time, not how things are
  nlohmann::json body{};

  bool ok() const noexcept { return status == 200; }
  /// A failure that will be told for as long as its key is used.
  bool kept_failure() const noexcept { return status >= 500 && replayed; }
  bool limited() const noexcept { return what == provider_reply::kind::not_now; }
  bool unauthorized() const noexcept { return status == 401 || status == 403; }
  std::string error_type() const;
  /// What is best told: the bank's reason for a decline, or the API's code, or the kind of error.
  std::string error_code() const;
};

/// Calls of Stripe's API v1 for one merchant at a time.
class stripe_api {
public:
  using clock = provider_client::clock;

  /// On whose behalf, and until when.
  struct access {
    std::string account; ///< for the rate limit
    std::string secret_key;
    clock::time_point deadline;
  };

  /// @throws std::invalid_argument when base_url is none
  stripe_api(const std::string& base_url, client_tuning tuning);

  stripe_reply get(const access& who, const std::string& path);
  /// @param key the Idempotency-Key
  stripe_reply post(const access& who, const std::string& path, const stripe_form& form, const std::string& key);
  /// The same for what does no harm when it is asked for twice, because the object's state forbids the second time or nothing moves: a
  /// failure that is kept under the key would be told for a day, so another key follows.
  stripe_reply post_until_heard(const access& who, const std::string& path, const stripe_form& form, const std::string& key);

private:
  stripe_reply send(const access& who, http_request request);

  provider_client client_;
};

/// The key of a further try, after failures that are kept: the same in every call.
std::string further_key(const std::string& key, int number);
/// Keys of one operation, at most.
inline constexpr int stripe_keys_max = 20;

/// What Stripe's own libraries try again.
bool stripe_retry(const http_reply& reply);

} // namespace souk::integrations
