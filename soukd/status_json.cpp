#include "soukd/status_json.hpp"

#include <nlohmann/json.hpp>

namespace souk::server {

std::string status_json(const runtime::node_status& s) {
  using nlohmann::json;
  json out;
  out["node"] = s.self.name;
  out["incarnation"] = s.self.incarnation.str();
  out["cluster"] = s.self.cluster;
  out["address"] = s.self.address;
  out["ready"] = s.ready;
  out["draining"] = s.draining;
  out["databases"] = json::array();
  for (const auto& d : s.databases) {
    json one{{"answers", d.answers}, {"owned", d.owned}, {"served", d.covered.served},
             {"resident", d.covered.open}, {"moving", d.covered.moving}, {"view", d.view}, {"members", d.members}};
    one["quarantined"] = json::array();
    for (auto shard : d.quarantined)
      one["quarantined"].push_back(static_cast<int>(shard));
    out["databases"].push_back(std::move(one));
  }
  out["shards"] = json::array();
  for (const auto& x : s.shards)
    out["shards"].push_back({{"shard", static_cast<int>(x.shard)},
                             {"epoch", x.epoch},
                             {"owned", x.owned},
                             {"giving", x.giving},
                             {"active", x.active},
                             {"parked", x.parked},
                             {"activations", x.activations},
                             {"restarts", x.restarts}});
  out["lanes"] = json::array();
  for (const auto& l : s.lanes)
    out["lanes"].push_back({{"database", l.database + 1},
                            {"lane", l.lane},
                            {"queued", l.queued},
                            {"batches", l.batches},
                            {"write_sets", l.write_sets},
                            {"halvings", l.halvings},
                            {"settlements", l.settlements}});
  out["calls"] = {{"asked", s.peers.calls},
                  {"served", s.peers.served},
                  {"repeated", s.peers.repeated},
                  {"given_up", s.peers.given_up}};
  out["links"] = json::array();
  for (const auto& l : s.peers.links)
    out["links"].push_back({{"node", l.name},
                            {"incarnation", l.incarnation.str()},
                            {"address", l.address},
                            {"linked", l.linked},
                            {"why", l.why},
                            {"in_flight", l.in_flight}});
  return out.dump();
}

} // namespace souk::server
