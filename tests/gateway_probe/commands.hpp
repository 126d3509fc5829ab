#pragma once

#include "actors/payment/gateway.hpp"
#include "actors/secret/secret_box.hpp"
#include "actors/shipping/carrier.hpp"

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace souk::probe {

/// The clients, as a shop has them.
class clients {
public:
  explicit clients(const nlohmann::json& settings);
  /// @throws std::exception for a command that cannot be read
  nlohmann::json run(const nlohmann::json& command);

private:
  nlohmann::json pay(actors::gateway& gate, const nlohmann::json& command);
  nlohmann::json ship(actors::carrier& service, const nlohmann::json& command);
  std::string sealed(const storage::ulid& store, const std::string& provider, const nlohmann::json& secrets) const;

  std::shared_ptr<const actors::secret_box> box_;
  std::map<std::string, std::shared_ptr<actors::gateway>> gateways_;
  std::map<std::string, std::shared_ptr<actors::carrier>> carriers_;
};

} // namespace souk::probe
