#include "runtime/placement.hpp"

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

std::size_t preferred_node(storage::shard_id shard, const std::vector<std::string>& nodes) noexcept {
  std::size_t best = 0;
  auto highest = rendezvous_score(shard, nodes[0]);
  for (std::size_t i = 1; i < nodes.size(); ++i)
    if (auto score = rendezvous_score(shard, nodes[i]); score > highest || (score == highest && nodes[i] < nodes[best])) {
      best = i;
      highest = score;
    }
  return best;
}

} // namespace souk::runtime
