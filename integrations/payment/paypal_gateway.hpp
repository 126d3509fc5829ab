#pragma once

#include "actors/payment/gateway.hpp"
#include "actors/secret/secret_box.hpp"
#include "integrations/payment/paypal_api.hpp"

#include <memory>
#include <optional>

namespace souk::integrations {

/// PayPal, each store with an account of its own. The shopper approves an order on a page of PayPal's; then it is captured (or, when
/// the account says so, authorized) by whoever asks about it next: `query` takes the money of an approved order.
///
/// A charge's reference is the id of PayPal's order. It is told to souk before the shopper is told the page, so an order whose id was
/// lost can never be approved. PayPal's orders cannot be cancelled; a cancelled one is marked, and an order with the mark is not captured.
///
/// account.public_key is the client id, account.sealed {"client_secret": "…", "webhook_id": "…"}.
class paypal_gateway final : public actors::gateway {
public:
  /// @param base_url "https://api-m.paypal.com"
  /// @param time_limit for one call of this interface with all that it asks PayPal
  /// @param box opens the accounts; null: there are none
  /// @throws std::invalid_argument when base_url is none
  paypal_gateway(const std::string& base_url, std::chrono::milliseconds time_limit,
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
  /// PayPal's report does not name what souk has as a payment's reference: order_id says whose an entry is, and only one of no order of
  /// souk's has a reference, the capture's id. The report is up to three hours late.
  actors::provider_entries entries(const storage::ulid& store, const storage::payment_account& account, storage::timestamp from,
                                   storage::timestamp to) override;

private:
  using access = paypal_api::access;

  /// PayPal's order, or why there is none.
  struct found {
    bool there = false;
    nlohmann::json order{};
    actors::gateway_answer answer{};
  };

  std::optional<access> open(const storage::ulid& store, const storage::payment_account& account,
                             std::chrono::milliseconds limit) const;
  template <class Call>
  actors::gateway_answer as_merchant(const actors::charge& c, Call call) noexcept;

  found find(const access& who, const actors::charge& c);
  actors::gateway_answer as_it_is_now(const access& who, const actors::charge& c);
  actors::gateway_answer go_on(const access& who, const actors::charge& c, const nlohmann::json& order);
  actors::gateway_answer let_go(const access& who, const actors::charge& c, const std::string& authorization);

  paypal_api api_;
  std::chrono::milliseconds time_limit_;
  std::shared_ptr<const actors::secret_box> box_;
};

} // namespace souk::integrations
