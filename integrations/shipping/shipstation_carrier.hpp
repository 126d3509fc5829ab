#pragma once

#include "actors/secret/secret_box.hpp"
#include "actors/shipping/carrier.hpp"
#include "integrations/provider_http/provider_client.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

namespace souk::integrations {

/// What ShipStation allows an account: 40 calls a minute. A call that is one too many is not waited for.
client_tuning shipstation_tuning();

/// ShipStation's API V1, each store with an account of its own. An order is known there by its orderKey, which is souk's id of it, so
/// pushing it again updates it.
///
/// account.public_key is the API key, account.sealed {"api_secret": "…"}.
class shipstation_carrier final : public actors::carrier {
public:
  /// @param base_url "https://ssapi.shipstation.com"
  /// @param time_limit for one call of this interface with all that it asks ShipStation
  /// @param box opens the accounts; null: there are none
  /// @throws std::invalid_argument when base_url is none
  shipstation_carrier(const std::string& base_url, std::chrono::milliseconds time_limit,
                      std::shared_ptr<const actors::secret_box> box, client_tuning tuning = shipstation_tuning());

  actors::shipping_answer push(const storage::order_snapshot& order, const storage::store_row& store,
                               const storage::carrier_account& account) override;
  actors::shipping_answer withdraw(const storage::order_snapshot& order, const storage::store_row& store,
                                   const storage::carrier_account& account) override;
  /// Nothing signs a call of ShipStation's: whoever knows the address could have made it. So no more is believed than where to look,
  /// and what is looked at is the account's own.
  actors::shipping_news read_event(const storage::ulid& store, const storage::carrier_account& account,
                                   const actors::provider_call& call) override;
  std::string check_account(const storage::ulid& store, const storage::carrier_account& account,
                            const std::string& webhook_url) override;

private:
  struct access {
    std::string account; ///< for the rate limit
    std::string authorization;
    provider_client::clock::time_point deadline;
  };
  struct reply {
    int status = 0; ///< HTTP; 0 when there is no answer, or nothing was asked
    nlohmann::json body{};
    bool ok() const noexcept { return status >= 200 && status < 300; }
  };

  std::optional<access> open(const storage::ulid& store, const storage::carrier_account& account) const;
  reply send(const access& who, const char* method, const std::string& path, const nlohmann::json& body = {});
  actors::shipping_answer put(const storage::order_snapshot& order, const storage::store_row& store,
                              const storage::carrier_account& account, const std::string& status);
  actors::shipping_answer refused(const access& who, const storage::order_snapshot& order, const reply& no, bool withdrawing);

  provider_client client_;
  std::chrono::milliseconds time_limit_;
  std::shared_ptr<const actors::secret_box> box_;
};

} // namespace souk::integrations
