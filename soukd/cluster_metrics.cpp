#include "soukd/cluster_metrics.hpp"

namespace souk::server {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

MetricFamily family(std::string name, std::string help, MetricType type) {
  MetricFamily f;
  f.name = std::move(name);
  f.help = std::move(help);
  f.type = type;
  return f;
}

void add(MetricFamily& to, double value, labels with = {}) {
  ClientMetric m;
  m.label = std::move(with);
  if (to.type == MetricType::Counter)
    m.counter.value = value;
  else
    m.gauge.value = value;
  to.metric.push_back(std::move(m));
}

} // namespace

std::vector<MetricFamily> cluster_metrics(const runtime::node_status& s) {
  auto owned = family("souk_shards_owned", "Shards that this node owns", MetricType::Gauge);
  auto ownerless = family("souk_shards_without_owner", "Shards of a database that have no living owner", MetricType::Gauge);
  auto closed = family("souk_shards_quarantined", "Shards that are closed because commits are missing", MetricType::Gauge);
  auto answers = family("souk_database_answers", "Whether the last heartbeat was written", MetricType::Gauge);
  auto members = family("souk_cluster_members", "Nodes in the view", MetricType::Gauge);
  for (std::size_t i = 0; i < s.databases.size(); ++i) {
    const auto& d = s.databases[i];
    const labels which{{"database", std::to_string(i + 1)}};
    add(owned, static_cast<double>(d.owned), which);
    const auto all = d.covered.open + d.covered.moving;
    add(ownerless, static_cast<double>(all - std::min(all, std::max(d.covered.served, d.owned))), which);
    add(closed, static_cast<double>(d.quarantined.size()), which);
    add(answers, d.answers ? 1 : 0, which);
    add(members, static_cast<double>(d.members), which);
  }
  auto parked = family("souk_messages_parked", "Messages that wait for their shard to have an owner", MetricType::Gauge);
  auto entities = family("souk_entities_active", "Actors of shops, carts, orders and the like in memory", MetricType::Gauge);
  double waiting = 0, active = 0;
  for (const auto& x : s.shards) {
    waiting += static_cast<double>(x.parked);
    active += static_cast<double>(x.active);
  }
  add(parked, waiting);
  add(entities, active);
  auto queued = family("souk_journal_queued", "Write sets that wait in a journal lane", MetricType::Gauge);
  auto written = family("souk_journal_write_sets_total", "Write sets committed", MetricType::Counter);
  auto batches = family("souk_journal_batches_total", "Transactions of the journal", MetricType::Counter);
  for (const auto& l : s.lanes) {
    const labels which{{"database", std::to_string(l.database + 1)}, {"lane", std::to_string(l.lane)}};
    add(queued, static_cast<double>(l.queued), which);
    add(written, static_cast<double>(l.write_sets), which);
    add(batches, static_cast<double>(l.batches), which);
  }
  auto links = family("souk_peer_linked", "Whether another node is reached", MetricType::Gauge);
  for (const auto& l : s.peers.links)
    add(links, l.linked ? 1 : 0, {{"node", l.name}});
  auto calls = family("souk_peer_calls_total", "Calls between nodes", MetricType::Counter);
  add(calls, static_cast<double>(s.peers.calls), {{"what", "asked"}});
  add(calls, static_cast<double>(s.peers.served), {{"what", "served"}});
  add(calls, static_cast<double>(s.peers.repeated), {{"what", "repeated"}});
  add(calls, static_cast<double>(s.peers.given_up), {{"what", "given_up"}});
  return {owned, ownerless, closed, answers, members, parked, entities, queued, written, batches, links, calls};
}

} // namespace souk::server
