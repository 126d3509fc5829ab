#pragma once

#include "storage/ulid.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace souk::runtime {

/// Rendezvous hashing: every node gives every shard a score made of its name, the highest has it. When a node joins it takes its
/// share from all others and no other shard moves; when one leaves, only its shards do. By name, so that a restarted node is due
/// the same shards.
std::uint64_t rendezvous_score(storage::shard_id shard, std::string_view node) noexcept;

/// @returns index of the node that should own the shard. @pre nodes not empty
std::size_t preferred_node(storage::shard_id shard, const std::vector<std::string>& nodes) noexcept;

} // namespace souk::runtime
