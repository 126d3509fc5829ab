// What it costs to ask the wrong node: two nodes of one cluster in this process, orders asked at the first of them for stores whose
// shard is its own and for stores whose shard is the other's, in turns.

#include "tests/bench/direct_shop.hpp"

#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

namespace souk::bench {

namespace {

using namespace std::chrono_literals;

constexpr int stores = 256;
constexpr int variants_each = 8;
constexpr int drivers = 8;
constexpr int window = 64;
/// Right, wrong, wrong, right …: what drifts meanwhile drifts for both.
constexpr int turns = 8;

std::uint16_t free_port() {
  const int s = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  const bool found = s >= 0 && bind(s, reinterpret_cast<sockaddr*>(&at), size) == 0
                     && getsockname(s, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  if (s >= 0)
    close(s);
  if (!found)
    throw std::runtime_error("no free port");
  return ntohs(at.sin_port);
}

config::settings node_of_two(const options& o, const std::string& name) {
  auto s = lone_node({o.database_url});
  s.node_name = name;
  s.cluster_port = free_port();
  s.peer_calls_max = 65'536; // the events of a shop at its limit fill the default, and orders would be refused
  return s;
}

/// Until both own about half of the shards and no more move. @throws std::runtime_error after a minute
void wait_until_halved(direct_shop& a, direct_shop& b) {
  const auto until = std::chrono::steady_clock::now() + 60s;
  std::size_t before = 0;
  int same = 0;
  while (std::chrono::steady_clock::now() < until) {
    const auto mine = a.stack().node().owned(), others = b.stack().node().owned();
    same = mine == before && mine + others == storage::shard_count && std::min(mine, others) >= storage::shard_count / 3
             ? same + 1
             : 0;
    if (same == 20)
      return;
    before = mine;
    std::this_thread::sleep_for(100ms);
  }
  throw std::runtime_error("the shards were not evened out within a minute");
}

/// What the turn before left to do (events are delivered after their orders) is not to be counted to the next.
void wait_until_quiet() {
  for (int i = 0; i < 50; ++i) {
    const auto before = process_cpu();
    std::this_thread::sleep_for(200ms);
    if (process_cpu() - before < 20ms)
      return;
  }
}

struct side {
  std::vector<direct_shop::sold> goods;
  double seconds = 0;
  double cpu_us = 0;
  std::uint64_t placed = 0;
  std::uint64_t refused = 0;
  latencies took;

  double cpu_per_order() const { return cpu_us / static_cast<double>(placed); }
};

std::vector<storage::ulid> owners(direct_shop& shop) {
  std::vector<storage::ulid> out;
  for (int i = 0; i < storage::shard_count; ++i)
    out.push_back(shop.stack().node().map().at(static_cast<storage::shard_id>(i)).owner);
  return out;
}

struct measured {
  side right, wrong;
  std::uint64_t calls = 0; ///< from the asked node to the other
  int under_way = 0;
};

measured measure(const options& o) {
  direct_shop asked{node_of_two(o, "bench-1")}, other{node_of_two(o, "bench-2")};
  wait_until_halved(asked, other);
  const auto owned_by = owners(asked);
  measured m;
  for (const auto& g : asked.open_stores(stores, variants_each))
    (owned_by[g.store.shard()] == asked.stack().node().self().incarnation ? m.right : m.wrong).goods.push_back(g);
  if (m.right.goods.empty() || m.wrong.goods.empty())
    throw std::runtime_error("all stores are one node's");
  const auto shoppers = asked.sign_up_shoppers(64);
  const int each = o.concurrency > 0 ? std::max(1, o.concurrency / drivers) : window;
  m.under_way = drivers * each;
  const auto duration = std::chrono::milliseconds{o.duration} * 2 / turns;
  for (auto* s : {&m.right, &m.wrong}) // wakes stores and stock, grows batches and buffers
    place_orders(asked, s->goods, shoppers, drivers, each, 500ms, 1500ms);
  for (int i = 0; i < turns; ++i) {
    auto& s = i % 4 == 0 || i % 4 == 3 ? m.right : m.wrong;
    wait_until_quiet();
    auto r = place_orders(asked, s.goods, shoppers, drivers, each, 500ms, duration);
    std::cerr << (&s == &m.right ? "right" : "wrong") << " node: " << static_cast<long>(r.per_second) << " orders/s, "
              << static_cast<long>(r.cpu_us) << " us of CPU each\n";
    s.seconds += r.per_second > 0 ? static_cast<double>(r.placed) / r.per_second : 0;
    s.cpu_us += r.cpu_us * static_cast<double>(r.placed);
    s.placed += r.placed;
    s.refused += r.refused;
    s.took.merge(r.took);
  }
  if (owners(asked) != owned_by)
    throw std::runtime_error("shards moved meanwhile: the machine is too busy for this");
  if (m.right.placed == 0 || m.wrong.placed == 0)
    throw std::runtime_error("no orders were placed");
  m.calls = asked.stack().node().status().peers.calls;
  spdlog::set_level(spdlog::level::err); // that links break is now as it should be
  return m;
}

} // namespace

int remote(const options& o) {
  auto [right, wrong, calls, under_way] = measure(o);
  std::cerr << "CPU is this process's: both nodes and the load, not PostgreSQL\n";
  report(o.name,
         {{"cpu_us_right", right.cpu_per_order()},
          {"cpu_us_wrong", wrong.cpu_per_order()},
          {"orders_per_s_right", static_cast<double>(right.placed) / right.seconds},
          {"orders_per_s_wrong", static_cast<double>(wrong.placed) / wrong.seconds},
          {"p50_ms_right", right.took.percentile(50)},
          {"p50_ms_wrong", wrong.took.percentile(50)},
          {"p99_ms_right", right.took.percentile(99)},
          {"p99_ms_wrong", wrong.took.percentile(99)},
          {"orders_right", static_cast<double>(right.placed)},
          {"orders_wrong", static_cast<double>(wrong.placed)},
          {"calls_between_nodes", static_cast<double>(calls)},
          {"refused", static_cast<double>(right.refused + wrong.refused)},
          {"under_way", under_way}},
         right.cpu_per_order(), wrong.cpu_per_order() / right.cpu_per_order());
  return 0;
}

} // namespace souk::bench
