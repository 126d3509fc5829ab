#pragma once

#include "simulation/world/market.hpp"

#include <string>

namespace souk::simulation {

/// A deliberate bug, with which the simulation proves that it would notice it.
enum class mutant : std::uint8_t {
  none,
  ignore_fence,
  share_key_locks,       ///< the fence reads its row FOR KEY SHARE, and a take-over does not wait for it
  answer_before_commit,
  skip_idempotency_row,
  serve_after_given,     ///< who gave a shard away goes on serving it
  give_without_drain,    ///< what is under way goes on when the shard is somebody else's
  resend_in_doubt        ///< what may have been done and must not be done twice is asked again
};

struct run_result {
  std::uint64_t seed = 0;
  std::vector<storage::checker::violation> violations;
  std::string history;     ///< of a failed run
  std::uint64_t acts = 0;  ///< what shoppers and merchants did
  std::uint64_t steps = 0; ///< messages handled
  std::uint64_t orders = 0;
  std::uint64_t crashes = 0;
  std::uint64_t nodes = 0;  ///< processes
  std::uint64_t calls = 0;  ///< from node to node
  std::uint64_t moves = 0;  ///< shards given to another node
  std::chrono::seconds simulated{0};

  bool held() const noexcept { return violations.empty(); }
  /// For people: what is broken, how to see it again, what had happened.
  std::string story() const;
};

/// One run: shops, shoppers, merchants, and everything that can go wrong, all drawn from the seed; then the faults end, time
/// passes until nothing is open any more, and every promise is checked.
/// @param lines of the history of a failed run, the last ones
run_result simulate(std::uint64_t seed, mutant bug = mutant::none, std::size_t lines = 400);

} // namespace souk::simulation
