#pragma once

#include "runtime/node.hpp"

#include <string>

namespace souk::server {

/// What GET /cluster/status answers: this node, what it owns in each database, its lanes, queues and links.
std::string status_json(const runtime::node_status& s);

} // namespace souk::server
