#include "soukd/providers.hpp"

#include "integrations/payment/paypal_gateway.hpp"
#include "integrations/payment/sandbox_gateway.hpp"
#include "integrations/payment/stripe_gateway.hpp"
#include "integrations/shipping/shipstation_carrier.hpp"

namespace souk::server {

std::map<std::string, std::shared_ptr<actors::gateway>> make_gateways(const config::settings& s,
                                                                      std::shared_ptr<const actors::secret_box> secrets) {
  std::map<std::string, std::shared_ptr<actors::gateway>> all;
  if (!s.sandbox_gateway_url.empty())
    all["sandbox"] = std::make_shared<integrations::sandbox_gateway>(s.sandbox_gateway_url, s.gateway_timeout_ms);
  if (!s.stripe_url.empty())
    all["stripe"] = std::make_shared<integrations::stripe_gateway>(s.stripe_url, s.gateway_timeout_ms, secrets);
  if (!s.paypal_url.empty())
    all["paypal"] = std::make_shared<integrations::paypal_gateway>(s.paypal_url, s.gateway_timeout_ms, secrets);
  return all;
}

std::map<std::string, std::shared_ptr<actors::carrier>> make_carriers(const config::settings& s,
                                                                      std::shared_ptr<const actors::secret_box> secrets) {
  std::map<std::string, std::shared_ptr<actors::carrier>> all;
  if (!s.shipstation_url.empty())
    all["shipstation"] = std::make_shared<integrations::shipstation_carrier>(s.shipstation_url, s.gateway_timeout_ms, secrets);
  return all;
}

} // namespace souk::server
