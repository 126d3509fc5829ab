#include "runtime/shard_host.hpp"

#include <caf/deep_to_string.hpp>
#include <caf/send.hpp>

namespace souk::runtime {

shard_host::shard_host(caf::actor_system& system, router& routes, shard_services services, lane_options lane,
                       std::vector<lane_parts> lanes)
  : system_(system), routes_(routes) {
  services.routes = &routes;
  for (auto& parts : lanes) {
    lanes_.push_back(system_.spawn(journal_lane, lane, std::move(parts.store), std::move(parts.worker)));
    lanes_of_[parts.database].push_back(lanes_.back());
  }
  for (int i = 0; i < storage::shard_count; ++i) {
    auto id = static_cast<storage::shard_id>(i);
    shards_.push_back(system_.spawn(shard, id, services));
    routes_.place(id, shards_.back());
  }
}

void shard_host::take(const std::vector<storage::fence>& fences, std::uint8_t database) {
  const auto& lanes = lanes_of_.at(database);
  for (const auto& f : fences)
    caf::anon_send(shards_[f.shard], own_atom_v, f, lanes[f.shard % lanes.size()]);
}

void shard_host::kill() {
  for (const auto& a : shards_)
    caf::anon_send_exit(a, caf::exit_reason::kill);
  for (const auto& a : lanes_)
    caf::anon_send_exit(a, caf::exit_reason::kill);
}

void add_runtime_types(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::souk_runtime>();
  config.add_error_category(caf::atom("soukrt"), [](std::uint8_t code, caf::atom_value, const caf::message& context) {
    auto text = to_string(static_cast<errc>(code));
    return context.empty() ? text : text + ": " + caf::to_string(context);
  });
}

} // namespace souk::runtime
