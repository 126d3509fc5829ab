#include "soukd/api_client.hpp"
#include "soukd/commands.hpp"
#include "storage/error.hpp"
#include "storage/postgres/postgres.hpp"

#include <iostream>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace souk::server {

namespace {

using storage::residence;

/// One database's own word: who is in, who owns how many shards, what is closed. @returns whether all shards there have a living owner
bool tell_database(const storage::postgres::databases& all, std::size_t index, std::chrono::milliseconds stale_after) {
  std::cout << "database " << all.name_of(index) << "\n";
  std::vector<storage::node_row> nodes;
  std::vector<storage::shard_row> shards;
  storage::timestamp now;
  try {
    auto rows = storage::postgres::make_ownership_store(all.all()[index]);
    nodes = rows->nodes(stale_after);
    shards = rows->shards();
    now = rows->now();
  } catch (const storage::unavailable& e) {
    std::cout << "  does not answer: " << e.what() << "\n";
    return false;
  }
  std::map<storage::ulid, int> owned;
  std::map<storage::ulid, std::pair<std::int64_t, std::int64_t>> epochs; ///< lowest and highest of its shards
  std::map<residence, std::string> others;
  int here = 0, ownerless = 0;
  for (const auto& s : shards) {
    if (s.where != residence::here) {
      others[s.where] += (others[s.where].empty() ? "" : ",") + std::to_string(s.shard);
      continue;
    }
    ++here;
    ++owned[s.owner];
    auto& range = epochs.try_emplace(s.owner, s.epoch, s.epoch).first->second;
    range = {std::min(range.first, s.epoch), std::max(range.second, s.epoch)};
  }
  std::map<storage::ulid, bool> alive;
  for (const auto& n : nodes)
    alive[n.incarnation] = n.alive;
  for (const auto& [owner, count] : owned)
    if (owner.is_nil() || !alive[owner])
      ownerless += count;
  std::cout << fmt::format("  {} shards live here, {} without a living owner\n", here, ownerless);
  for (const auto& n : nodes) {
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - n.heartbeat_at);
    const auto range = epochs.find(n.incarnation);
    const auto in = range == epochs.end() ? std::string{} : fmt::format(" in epochs {} to {}", range->second.first, range->second.second);
    std::cout << fmt::format("  {:<12} {}  {:>3} shards{}  {:<22} heartbeat {:.1f} s ago{}{}{}\n", n.name, n.incarnation.str(),
                             owned[n.incarnation], in, n.address.empty() ? "alone" : n.address,
                             static_cast<double>(age.count()) / 1000, n.alive ? "" : "  SILENT", n.draining ? "  draining" : "",
                             n.unreachable.empty() ? "" : fmt::format("  cannot reach {} nodes", n.unreachable.size()));
  }
  if (!others[residence::moving].empty())
    std::cout << "  moving to another database: " << others[residence::moving] << "\n";
  if (!others[residence::quarantined].empty())
    std::cout << "  QUARANTINED, commits are missing: " << others[residence::quarantined] << "\n";
  return ownerless == 0 && others[residence::quarantined].empty();
}

bool tell_node(const std::string& url) {
  nlohmann::json j;
  try {
    const auto got = api_client{url}.get("/cluster/status");
    if (got.status != 200)
      throw std::runtime_error("status " + std::to_string(got.status));
    j = nlohmann::json::parse(got.body);
    std::uint64_t active = 0, parked = 0, giving = 0, owned = 0;
    for (const auto& s : j.at("shards")) {
      owned += s.at("owned").get<bool>() ? 1 : 0;
      giving += s.at("giving").get<bool>() ? 1 : 0;
      active += s.at("active").get<std::uint64_t>();
      parked += s.at("parked").get<std::uint64_t>();
    }
    std::cout << fmt::format("node {} at {}{}{}\n", j.at("node").get<std::string>(), url,
                             j.at("ready").get<bool>() ? "" : "  not ready", j.at("draining").get<bool>() ? "  draining" : "");
    std::cout << fmt::format("  {} shards, {} of them moving away, {} active entities, {} messages wait for an owner\n", owned, giving,
                             active, parked);
    int number = 0;
    for (const auto& d : j.at("databases"))
      std::cout << fmt::format("  database {}: {}, owns {} of {}, view {} of {} nodes\n", ++number,
                               d.at("answers").get<bool>() ? "answers" : "DOES NOT ANSWER", d.at("owned").get<int>(),
                               d.at("resident").get<int>(), d.at("view").get<std::int64_t>(), d.at("members").get<int>());
    for (const auto& l : j.at("lanes"))
      std::cout << fmt::format("  lane {}-{}: {} queued, {} write sets in {} batches, {} halved, {} settled\n",
                               l.at("database").get<int>(), l.at("lane").get<int>(), l.at("queued").get<std::uint64_t>(),
                               l.at("write_sets").get<std::uint64_t>(), l.at("batches").get<std::uint64_t>(),
                               l.at("halvings").get<std::uint64_t>(), l.at("settlements").get<std::uint64_t>());
    for (const auto& l : j.at("links"))
      std::cout << fmt::format("  link to {:<12} {}, {} calls under way{}\n", l.at("node").get<std::string>(),
                               l.at("linked").get<bool>() ? "up" : "DOWN", l.at("in_flight").get<std::uint64_t>(),
                               l.at("why").get<std::string>().empty() ? "" : ": " + l.at("why").get<std::string>());
    const auto& c = j.at("calls");
    std::cout << fmt::format("  calls: {} asked of others, {} served, {} sent again, {} given up\n", c.at("asked").get<std::uint64_t>(),
                             c.at("served").get<std::uint64_t>(), c.at("repeated").get<std::uint64_t>(),
                             c.at("given_up").get<std::uint64_t>());
    return true;
  } catch (const std::exception& e) {
    std::cout << "node at " << url << " does not answer: " << e.what() << "\n";
    return false;
  }
}

} // namespace

int status(const config::parsed& p) {
  bool well = true;
  const storage::postgres::databases all{p.settings.database_url};
  for (std::size_t i = 0; i < all.all().size(); ++i)
    well = tell_database(all, i, p.settings.node_stale_ms) && well;
  if (const auto urls = p.options.find("urls"); urls != p.options.end()) {
    std::istringstream list{urls->second};
    for (std::string url; std::getline(list, url, ',');)
      if (!url.empty())
        well = tell_node(url) && well;
  }
  return well ? 0 : 1;
}

} // namespace souk::server
