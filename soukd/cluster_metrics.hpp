#pragma once

#include "runtime/node.hpp"

#include <vector>

#include <prometheus/metric_family.h>

namespace souk::server {

/// The node's part in the cluster as figures for Prometheus: shards owned, closed and without an owner, queues, calls to other nodes.
std::vector<prometheus::MetricFamily> cluster_metrics(const runtime::node_status& s);

} // namespace souk::server
