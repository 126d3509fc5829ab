#include "runtime/cluster_map.hpp"
#include "runtime/id_source.hpp"
#include "runtime/placement.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <numeric>

using namespace souk::runtime;
using souk::storage::shard_id;
using souk::storage::ulid;

namespace {

std::vector<shard_id> all_shards() {
  std::vector<shard_id> out(souk::storage::shard_count);
  std::iota(out.begin(), out.end(), shard_id{0});
  return out;
}

std::vector<std::string> nodes(int count) {
  std::vector<std::string> out;
  for (int i = 1; i <= count; ++i)
    out.push_back("node-" + std::to_string(i));
  return out;
}

std::map<shard_id, std::string> named_plan(const std::vector<shard_id>& shards, const std::vector<std::string>& names) {
  std::map<shard_id, std::string> out;
  for (auto [shard, node] : plan_shards(shards, names))
    out[shard] = names[node];
  return out;
}

ulid node_id(std::uint8_t n) {
  ulid out;
  out.bytes[0] = n;
  return out;
}

} // namespace

TEST_CASE("every shard has a node, and no node more than a tenth above its fair share", "[placement]") {
  for (int count : {1, 2, 3, 7, 10, 30}) {
    CAPTURE(count);
    std::map<std::size_t, std::size_t> share;
    const auto plan = plan_shards(all_shards(), nodes(count));
    CHECK(plan.size() == 256);
    for (auto [shard, node] : plan)
      ++share[node];
    for (auto [node, shards] : share)
      CHECK(static_cast<double>(shards) <= 256.0 / count * 1.1 + 1);
  }
}

TEST_CASE("the plan does not depend on the order in which nodes and shards are listed", "[placement]") {
  auto names = nodes(7);
  auto shards = all_shards();
  const auto plan = named_plan(shards, names);
  std::reverse(names.begin(), names.end());
  std::reverse(shards.begin(), shards.end());
  CHECK(named_plan(shards, names) == plan);
}

TEST_CASE("when a node joins or leaves, little more than its own share moves", "[placement]") {
  for (int count : {3, 10, 30}) {
    CAPTURE(count);
    const auto before = named_plan(all_shards(), nodes(count));
    const auto after = named_plan(all_shards(), nodes(count + 1));
    int moved = 0;
    for (const auto& [shard, node] : after)
      moved += before.at(shard) != node ? 1 : 0;
    CHECK(moved > 0);
    CHECK(moved <= 256 / (count + 1) + 256 / 20);
  }
}

TEST_CASE("the map believes the newer epoch, whoever says it", "[cluster_map]") {
  cluster_map map{node_id(1)};
  CHECK(map.learn(7, {node_id(2), 5}));
  CHECK_FALSE(map.learn(7, {node_id(3), 4}));
  CHECK(map.at(7).owner == node_id(2));
  CHECK(map.learn(7, {node_id(3), 6}));
  CHECK_FALSE(map.learn(7, {node_id(3), 7})); // the same owner took it again
  CHECK(map.at(7).epoch == 7);
}

TEST_CASE("an owner that is gone is forgotten unless another one is known already", "[cluster_map]") {
  cluster_map map{node_id(1)};
  map.learn(7, {node_id(2), 5});
  CHECK_FALSE(map.forget_owner(7, node_id(3)));
  CHECK(map.at(7).owner == node_id(2));
  CHECK(map.forget_owner(7, node_id(2)));
  CHECK(map.at(7).owner.is_nil());
  CHECK(map.learn(7, {node_id(2), 5})); // it is there after all
}

TEST_CASE("the map tells once when a shard turns out to live in another database", "[cluster_map]") {
  cluster_map map{node_id(1)};
  std::vector<std::pair<int, int>> told;
  map.on_resides = [&](shard_id shard, std::uint8_t database) { told.emplace_back(shard, database); };
  CHECK(map.database(9) == cluster_map::unknown_database);
  map.resides(9, 1);
  map.resides(9, 1);
  map.resides(9, 0);
  CHECK(map.database(9) == 0);
  CHECK(told == std::vector<std::pair<int, int>>{{9, 1}, {9, 0}});
}

TEST_CASE("whoever is new is not put where nobody serves", "[id_source]") {
  struct : souk::runtime::clock {
    souk::storage::timestamp now() const override { return {}; }
  } time;
  id_source ids{time, 42};
  ids.prefer([](shard_id shard) { return shard % 2 == 1; });
  for (int i = 0; i < 100; ++i)
    CHECK(ids.fresh().shard() % 2 == 1);
  const auto owner = node_id(1); // in shard 0, not served, and still where its own belong
  CHECK(ids.fresh_beside(owner).shard() == owner.shard());

  INFO("with nobody serving anything an id is drawn all the same");
  ids.prefer([](shard_id) { return false; });
  CHECK_FALSE(ids.fresh().is_nil());
}
