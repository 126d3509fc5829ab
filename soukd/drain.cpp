#include "soukd/commands.hpp"
#include "storage/error.hpp"
#include "storage/postgres/postgres.hpp"

#include <algorithm>
#include <iostream>
#include <thread>

namespace souk::server {

namespace {

constexpr std::chrono::seconds limit{60};

} // namespace

int drain(const config::parsed& p) {
  const auto& name = p.arguments.at(0);
  const bool undo = p.options.contains("undo");
  const storage::postgres::databases all{p.settings.database_url};
  std::vector<std::unique_ptr<storage::ownership_store>> rows;
  bool known = false, all_answer = true;
  for (std::size_t i = 0; i < all.all().size(); ++i) {
    try {
      auto one = storage::postgres::make_ownership_store(all.all()[i]);
      known = one->ask_to_drain(name, !undo) || known;
      rows.push_back(std::move(one));
    } catch (const storage::unavailable& e) {
      std::cerr << "database " << all.name_of(i) << " does not answer: " << e.what() << "\n";
      all_answer = false;
    }
  }
  if (!known) {
    std::cerr << "there is no node " << name << "\n";
    return 1;
  }
  if (undo) {
    std::cout << name << " may have shards again\n";
    return all_answer ? 0 : 1;
  }
  const auto until = std::chrono::steady_clock::now() + limit;
  for (std::size_t before = 0;;) {
    std::size_t owned = 0, others = 0;
    for (const auto& one : rows) {
      std::vector<storage::ulid> its;
      for (const auto& n : one->nodes(p.settings.node_stale_ms)) {
        if (n.name == name)
          its.push_back(n.incarnation);
        else if (n.alive && !n.draining)
          ++others;
      }
      for (const auto& s : one->shards())
        owned += static_cast<std::size_t>(std::count(its.begin(), its.end(), s.owner));
    }
    if (owned == 0 && !all_answer) {
      std::cerr << name << " owns no shards in the databases that answer; what it owns elsewhere is not known\n";
      return 1;
    }
    if (owned == 0) {
      std::cout << name << " owns no shards: it can be stopped\n";
      return 0;
    }
    if (others == 0) {
      std::cerr << "no other node is there to take the " << owned << " shards of " << name << "\n";
      return 1;
    }
    if (owned != before)
      std::cout << name << " still owns " << owned << " shards" << std::endl;
    before = owned;
    if (std::chrono::steady_clock::now() > until) {
      std::cerr << name << " still owns " << owned << " shards after " << limit.count() << " s\n";
      return 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
}

} // namespace souk::server
