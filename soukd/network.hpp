#pragma once

#include "config/settings.hpp"
#include "runtime/node.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

namespace souk::server {

/// Prepares the actor system to talk to other nodes, if the settings say that there are any.
void configure_network(caf::actor_system_config& config, const config::settings& s);

/// This node's way to the others: listens when it is opened. Empty when the node is alone (no cluster_port).
/// @throws std::runtime_error when the port cannot be listened on or the certificates cannot be used
runtime::node_network open_network(caf::actor_system& system, const config::settings& s, const storage::node_row& self);

} // namespace souk::server
