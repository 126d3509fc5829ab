#include "runtime/placement.hpp"

#include <algorithm>

namespace souk::runtime {

namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): every bit of the input
// changes half of the output.
std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

} // namespace

// FNV-1a of the name, the same on every machine and in every build: std::hash promises neither.
std::uint64_t rendezvous_score(storage::shard_id shard, std::string_view node) noexcept {
  std::uint64_t h = 0xCBF29CE484222325U;
  for (unsigned char c : node)
    h = (h ^ c) * 0x100000001B3U;
  return mix(mix(h) + (std::uint64_t{shard} + 1) * 0x9E3779B97F4A7C15U);
}

std::map<storage::shard_id, std::size_t> plan_shards(const std::vector<storage::shard_id>& shards,
                                                     const std::vector<std::string>& nodes) {
  struct bid {
    std::uint64_t score = 0;
    storage::shard_id shard = 0;
    std::size_t node = 0;
  };
  std::vector<bid> bids;
  bids.reserve(shards.size() * nodes.size());
  for (auto shard : shards)
    for (std::size_t i = 0; i < nodes.size(); ++i)
      bids.push_back({rendezvous_score(shard, nodes[i]), shard, i});
  std::sort(bids.begin(), bids.end(), [&](const bid& a, const bid& b) {
    if (a.score != b.score)
      return a.score > b.score;
    return a.shard != b.shard ? a.shard < b.shard : nodes[a.node] < nodes[b.node];
  });
  const auto places = 100 * nodes.size();
  const auto full = (shards.size() * (100 + surplus_percent) + places - 1) / places;
  std::map<storage::shard_id, std::size_t> plan;
  std::vector<std::size_t> count(nodes.size());
  for (const auto& b : bids)
    if (count[b.node] < full && plan.try_emplace(b.shard, b.node).second)
      ++count[b.node];
  return plan;
}

} // namespace souk::runtime
