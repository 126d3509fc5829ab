#pragma once

#include "integrations/providers_sandbox/call.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace souk::providers {

/// What a tester switches on for one provider while it runs (`POST /admin/faults`); docs/providers-sandbox.md
/// says what each does.
class faults {
public:
  /// How one call fares, seen from its connection.
  struct verdict {
    bool refuse = false;      ///< close before executing, from the switch or the counter
    bool drop_after = false;  ///< execute, then close without an answer
    bool partial = false;     ///< execute, send half of the answer, then close
    bool fail_before = false; ///< 500, nothing executed
    bool limit = false;       ///< 429, nothing executed
    fate inner;
  };

  /// What happens to one delivery of a webhook.
  struct delivery {
    bool drop = false;
    bool twice = false;
    bool forge = false;
    bool stale = false;
    std::int64_t delay_ms = 0;
  };

  /// Takes what hits this call from the counters.
  verdict judge(std::string_view path, bool command);

  delivery judge_delivery();

  /// @returns how many more deliveries are to be gathered and let go in reverse, counting this one; 0 when
  /// none are.
  std::int64_t take_reorder();

  /// Sets what `wanted` names, all or nothing.
  /// @returns what is wrong with it, or nullopt.
  std::optional<std::string> set(const nlohmann::json& wanted);

  nlohmann::json show();

private:
  enum knob : std::size_t {
    latency_ms,
    drop_before_next,
    drop_after_next,
    partial_next,
    fail_next,
    fail_before_next,
    limit_next,
    conflict_next,
    decline_next,
    webhook_duplicate_next,
    webhook_reorder_next,
    webhook_drop_next,
    webhook_forge_next,
    webhook_stale_next,
    webhook_delay_ms,
    knob_count
  };
  static const std::array<std::string_view, knob_count> names;

  bool take(knob which);

  std::mutex mutex_;
  std::array<std::int64_t, knob_count> values_{};
  bool refuse_ = false;
  std::string path_; ///< counters hit only calls whose path contains this; empty: every command
};

} // namespace souk::providers
