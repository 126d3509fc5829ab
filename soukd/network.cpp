#include "soukd/network.hpp"

namespace souk::server {

void configure_network(caf::actor_system_config&, const config::settings&) {
}

runtime::node_network open_network(caf::actor_system&, const config::settings&, const storage::node_row&) {
  return {};
}

} // namespace souk::server
