#pragma once

#include "integrations/providers_sandbox/call.hpp"
#include "integrations/providers_sandbox/faults.hpp"
#include "integrations/providers_sandbox/signatures.hpp"
#include "integrations/providers_sandbox/store.hpp"
#include "integrations/providers_sandbox/turns.hpp"
#include "integrations/providers_sandbox/webhooks.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace souk::providers {

struct paypal_options {
  std::string url;                                   ///< of our base path, without a slash at its end
  std::chrono::seconds token_life{32400};            ///< of an access token
  std::chrono::seconds order_key_life{6 * 3600};     ///< of a PayPal-Request-Id on orders
  std::chrono::seconds payment_key_life{45 * 86400}; ///< of one on authorizations, captures and refunds
};

/// PayPal's REST API: OAuth, orders v2, payments v2, notifications, reporting. This part authenticates, routes,
/// keeps request ids and signs events; what calls do is in paypal_desk.
class paypal : public provider {
public:
  paypal(store& memory, webhook_sender& sender, faults& knobs, paypal_options options);

  /// Makes or finds the key that signs webhooks. Call it once the store is open.
  void start();

  answer handle(call& asked) override;
  answer refusal(const call& asked, int status) override;
  bool is_command(const call& asked) const override;

  /// What a buyer or time does.
  /// @param account the client id.
  /// @param action "approve", "approve_declined", "approve_pending" or "cancel" for an order, "complete" or
  /// "deny" for a pending capture.
  answer act(const std::string& account, const std::string& id, const std::string& action);

  /// Takes `webhooks` [{url, webhook_id, events}] of an account's settings, in place of earlier ones.
  void configure(std::uint32_t account, const json& settings);

private:
  friend class paypal_desk;

  struct endpoint {
    std::string url;
    std::string id; ///< the webhook_id that is part of what is signed
    std::vector<std::string> types;
  };
  using endpoint_list = std::shared_ptr<const std::vector<endpoint>>;
  struct token {
    std::uint32_t account = 0;
    std::int64_t expires = 0; ///< milliseconds since 1970
  };

  answer issue_token(const call& asked);
  std::optional<std::uint32_t> account_of(const call& asked, answer& refused);
  answer api(call& asked, std::uint32_t account);
  answer page(const call& asked);
  endpoint_list endpoints_of(std::uint32_t account);
  void deliver(std::uint32_t account, const std::string& type, place event);
  std::string signed_text(const std::string& id, const std::string& time, const std::string& webhook_id,
                          std::string_view body) const;
  bool verify(const json& question, std::string_view raw, std::uint32_t account);

  store& store_;
  webhook_sender& sender_;
  faults& faults_;
  paypal_options options_;
  turns turns_;
  std::optional<signing_key> key_;
  std::optional<signing_key> forger_; ///< signs what a forger sends
  std::string certificate_;           ///< PEM
  std::string certificate_url_;

  std::mutex mutex_; ///< over what follows; taken after the store's lock
  std::unordered_map<std::string, token> tokens_;
  std::unordered_map<std::uint32_t, endpoint_list> endpoints_;
};

} // namespace souk::providers
