#pragma once

#include "integrations/providers_sandbox/call.hpp"
#include "integrations/providers_sandbox/faults.hpp"
#include "integrations/providers_sandbox/store.hpp"
#include "integrations/providers_sandbox/turns.hpp"
#include "integrations/providers_sandbox/webhooks.hpp"

#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

namespace souk::providers {

struct stripe_options {
  std::string url;                                 ///< of our base path, without a slash at its end
  std::chrono::seconds key_life{24 * 3600};        ///< of an Idempotency-Key
  std::chrono::milliseconds search_delay{1000};    ///< before a payment is found by search
};

/// Stripe's API v1: payment intents, charges, refunds, events, checkout sessions. This part authenticates,
/// routes, keeps idempotency keys and delivers events; what calls do is in stripe_desk.
class stripe : public provider {
public:
  stripe(store& memory, webhook_sender& sender, faults& knobs, stripe_options options);

  answer handle(call& asked) override;
  answer refusal(const call& asked, int status) override;
  bool is_command(const call& asked) const override;

  /// What somebody does who is no API client: the shopper's bank, the shopper on the hosted page, time.
  /// @param action "approve", "decline" or "settle" for a payment intent, "pay", "decline", "pay_later",
  /// "expire" for a checkout session, "succeed", "fail" for a refund.
  /// @returns Stripe's object afterwards, or an error as its API would say it.
  answer act(const std::string& account, const std::string& id, const std::string& action);

  /// Takes `webhooks` [{url, secrets, events}] of an account's settings, in place of earlier ones.
  void configure(std::uint32_t account, const json& settings);

private:
  friend class stripe_desk;

  struct endpoint {
    std::string url;
    std::vector<std::string> secrets;
    std::vector<std::string> types; ///< of events; "*" is all
  };
  using endpoint_list = std::shared_ptr<const std::vector<endpoint>>;

  answer page(call& asked);
  answer checkout_page(std::uint32_t account, const std::string& id, const std::string& pressed);
  answer bank_page(std::uint32_t account, const std::string& id, const std::string& pressed);

  endpoint_list endpoints_of(std::uint32_t account);
  void deliver(const endpoint_list& endpoints, std::uint32_t account, const std::string& type, place event);

  store& store_;
  webhook_sender& sender_;
  faults& faults_;
  stripe_options options_;

  turns turns_;

  std::mutex endpoints_mutex_;
  std::unordered_map<std::uint32_t, endpoint_list> endpoints_;

  /// (hash of account, metadata key and value; the payment's number), for search; guarded by the store's lock.
  /// A set, because one value may be that of every payment and each has several versions.
  std::set<std::pair<std::uint64_t, std::uint32_t>> by_metadata_;
};

} // namespace souk::providers
