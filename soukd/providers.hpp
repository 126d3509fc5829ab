#pragma once

#include "actors/payment/gateway.hpp"
#include "actors/secret/secret_box.hpp"
#include "actors/shipping/carrier.hpp"
#include "config/settings.hpp"

#include <map>
#include <memory>
#include <string>

namespace souk::server {

/// The payment providers that this deployment knows, by payment_method.type.
std::map<std::string, std::shared_ptr<actors::gateway>> make_gateways(const config::settings& s,
                                                                      std::shared_ptr<const actors::secret_box> secrets);
/// The shipping services, by carrier_account.provider.
std::map<std::string, std::shared_ptr<actors::carrier>> make_carriers(const config::settings& s,
                                                                      std::shared_ptr<const actors::secret_box> secrets);

} // namespace souk::server
