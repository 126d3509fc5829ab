#pragma once

#include "integrations/providers_sandbox/call.hpp"
#include "integrations/providers_sandbox/faults.hpp"
#include "integrations/providers_sandbox/store.hpp"
#include "integrations/providers_sandbox/webhooks.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace souk::providers {

struct shipstation_options {
  std::string url;                      ///< of our base path, without a slash at its end
  std::int64_t calls_per_minute = 40;   ///< of one account; beyond them 429
};

/// ShipStation's API V1: orders, shipments, webhooks that only say where to look.
class shipstation : public provider {
public:
  shipstation(store& memory, webhook_sender& sender, faults& knobs, shipstation_options options);

  answer handle(call& asked) override;
  answer refusal(const call& asked, int status) override;
  bool is_command(const call& asked) const override;

  /// What a warehouse does: ships an order.
  /// @param account may be empty: then the account that wrote the orderKey last.
  answer ship(const std::string& account, const std::string& order_key, const std::string& carrier,
              const std::string& tracking);

  /// @returns shipments of all accounts, oldest first, from `after` (a count) on.
  json shipments(std::size_t after, std::size_t limit);

private:
  struct window {
    std::int64_t began = 0; ///< milliseconds since 1970
    std::int64_t calls = 0;
  };
  struct limit_state {
    std::int64_t remaining = 0;
    std::int64_t reset_s = 0;
    bool over = false;
  };

  limit_state count(std::uint32_t account);
  answer route(const call& asked, std::uint32_t account, const json& query, const json& body);
  answer create_order(std::uint32_t account, const json& body);
  answer create_orders(std::uint32_t account, const json& body);
  answer list_orders(std::uint32_t account, const json& query);
  answer find_order(std::uint32_t account, const std::string& id);
  answer list_shipments(std::uint32_t account, const json& query);
  answer mark_as_shipped(std::uint32_t account, const json& body);
  answer subscribe(std::uint32_t account, const json& body);
  answer list_webhooks(std::uint32_t account);
  answer remove_webhook(std::uint32_t account, const std::string& id);

  /// @returns the order as answered, or an error text under "Message".
  json upsert(store::transaction& change, std::uint32_t account, const json& given, const std::string& batch, bool& fresh);
  json add_shipment(store::transaction& change, std::uint32_t account, json order, const std::string& carrier,
                    const std::string& tracking, const std::string& batch);
  void notify(std::uint32_t account, std::string_view event, const std::string& resource);

  store& store_;
  webhook_sender& sender_;
  faults& faults_;
  shipstation_options options_;
  std::mutex windows_mutex_;
  std::unordered_map<std::uint32_t, window> windows_;
  // Guarded by the store's lock.
  std::unordered_map<std::string, std::uint32_t> account_of_key_;
};

} // namespace souk::providers
