#include "integrations/providers_sandbox/faults.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace souk::providers {

namespace {

constexpr std::int64_t value_max = 1'000'000;
constexpr std::size_t path_length_max = 200;

} // namespace

const std::array<std::string_view, faults::knob_count> faults::names{
  "latency_ms",         "drop_before_next",       "drop_after_next",    "partial_next",
  "fail_next",          "fail_before_next",       "limit_next",         "conflict_next",
  "decline_next",       "webhook_duplicate_next", "webhook_reorder_next", "webhook_drop_next",
  "webhook_forge_next", "webhook_stale_next",     "webhook_delay_ms",
};

bool faults::take(knob which) {
  if (values_[which] == 0)
    return false;
  --values_[which];
  return true;
}

faults::verdict faults::judge(std::string_view path, bool command) {
  std::lock_guard lock{mutex_};
  verdict result;
  result.refuse = refuse_;
  result.inner.latency_ms = values_[latency_ms];
  bool hit = path_.empty() ? command : path.find(path_) != std::string_view::npos;
  if (result.refuse || !hit)
    return result;
  // One fault per call, the earliest in its life first, so that counters mean calls.
  if (take(drop_before_next))
    result.refuse = true;
  else if (take(limit_next))
    result.limit = true;
  else if (take(conflict_next))
    result.inner.conflict = true;
  else if (take(fail_before_next))
    result.fail_before = true;
  else if (take(fail_next))
    result.inner.fail = true;
  else if (take(drop_after_next))
    result.drop_after = true;
  else if (take(partial_next))
    result.partial = true;
  else if (take(decline_next))
    result.inner.decline = true;
  return result;
}

faults::delivery faults::judge_delivery() {
  std::lock_guard lock{mutex_};
  delivery result;
  result.drop = take(webhook_drop_next);
  result.twice = !result.drop && take(webhook_duplicate_next);
  result.forge = !result.drop && take(webhook_forge_next);
  result.stale = !result.drop && !result.forge && take(webhook_stale_next);
  result.delay_ms = values_[webhook_delay_ms];
  return result;
}

std::int64_t faults::take_reorder() {
  std::lock_guard lock{mutex_};
  auto left = values_[webhook_reorder_next];
  take(webhook_reorder_next);
  return left;
}

std::optional<std::string> faults::set(const nlohmann::json& wanted) {
  std::lock_guard lock{mutex_};
  for (const auto& [name, value] : wanted.items()) { // look before changing
    if (name == "refuse") {
      if (!value.is_boolean())
        return "refuse is true or false";
    } else if (name == "path") {
      if (!value.is_string() || value.get_ref<const std::string&>().size() > path_length_max)
        return "path is a text of at most 200 characters";
    } else if (std::find(names.begin(), names.end(), name) == names.end()) {
      return "there is no fault " + name;
    } else if (!value.is_number_integer() || value < 0 || value > value_max) {
      return name + " is a whole number from 0 to 1000000";
    }
  }
  for (const auto& [name, value] : wanted.items()) {
    if (name == "refuse")
      refuse_ = value.get<bool>();
    else if (name == "path")
      path_ = value.get<std::string>();
    else
      values_[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())] =
        value.get<std::int64_t>();
  }
  return std::nullopt;
}

nlohmann::json faults::show() {
  std::lock_guard lock{mutex_};
  nlohmann::json shown{{"refuse", refuse_}, {"path", path_}};
  for (std::size_t i = 0; i < names.size(); ++i)
    shown[std::string{names[i]}] = values_[i];
  return shown;
}

} // namespace souk::providers
