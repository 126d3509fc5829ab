#pragma once

#include "actors/payment/gateway.hpp"
#include "actors/secret/secret_box.hpp"
#include "integrations/payment/stripe_api.hpp"

#include <memory>
#include <optional>

namespace souk::integrations {

/// Stripe, each store with an account of its own: PaymentIntents for a payment method's token ("pm_…", "ctoken_…"), and a Checkout
/// Session, which is a page of Stripe's, for an empty token or "hosted".
///
/// A payment is made in two steps, so that a lost answer can be asked for again without harm: an intent is created, which moves no
/// money and is found again under its key; then it is confirmed, which Stripe does to one intent once. Cancelling it therefore shuts
/// the door even to a confirmation that is still on its way.
///
/// account.sealed is {"secret_key": "sk_…", "webhook_secrets": ["whsec_…", …]}.
class stripe_gateway final : public actors::gateway {
public:
  /// @param base_url "https://api.stripe.com"
  /// @param time_limit for one call of this interface with all that it asks Stripe
  /// @param box opens the accounts; null: there are none
  /// @throws std::invalid_argument when base_url is none
  stripe_gateway(const std::string& base_url, std::chrono::milliseconds time_limit,
                 std::shared_ptr<const actors::secret_box> box, client_tuning tuning = {});

  bool needs_account() const override { return true; }
  actors::gateway_answer authorize(const actors::charge& c) override;
  actors::gateway_answer query(const actors::charge& c) override;
  actors::gateway_answer capture(const actors::charge& c) override;
  actors::gateway_answer cancel(const actors::charge& c) override;
  actors::gateway_answer refund(const actors::charge& c) override;
  actors::gateway_answer query_refund(const actors::charge& c) override;
  std::string check_account(const storage::ulid& store, const storage::payment_account& account) override;
  actors::event_reading read_event(const storage::ulid& store, const storage::payment_account& account,
                                   const actors::provider_call& call, storage::timestamp now) override;
  actors::provider_entries entries(const storage::ulid& store, const storage::payment_account& account, storage::timestamp from,
                                   storage::timestamp to) override;

private:
  using access = stripe_api::access;

  /// A payment at Stripe: an intent, or a session whose intent is not known yet.
  struct found {
    enum class kind : std::uint8_t { intent, session, nothing, open };
    kind what = kind::open;
    nlohmann::json object{};
    /// When open: what is known all the same.
    actors::gateway_answer answer{};
  };

  std::optional<access> open(const storage::ulid& store, const storage::payment_account& account,
                             std::chrono::milliseconds limit) const;
  template <class Call>
  actors::gateway_answer as_merchant(const actors::charge& c, Call call) noexcept;

  found find(const access& who, const actors::charge& c);
  found find_by_reference(const access& who, const actors::charge& c, const std::string& reference);
  found create(const access& who, const actors::charge& c);
  found look_up(const access& who, const actors::charge& c);
  found look_through(const access& who, const actors::charge& c, const std::string& path);
  actors::gateway_answer answer_of(const access& who, const actors::charge& c, const found& payment);
  std::int64_t refunded_of(const access& who, const std::string& intent, const std::string& currency);
  actors::gateway_answer confirm(const access& who, const actors::charge& c, const nlohmann::json& intent);
  actors::gateway_answer as_it_is_now(const access& who, const actors::charge& c, const std::string& reference);
  std::optional<actors::gateway_answer> find_refund(const access& who, const actors::charge& c, const std::string& intent);

  stripe_api api_;
  std::chrono::milliseconds time_limit_;
  std::shared_ptr<const actors::secret_box> box_;
};

} // namespace souk::integrations
