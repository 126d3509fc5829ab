#include "integrations/webhooks/webhook_events.hpp"

#include "actors/asking.hpp"
#include "actors/error.hpp"
#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"
#include "actors/webhooks/topics.hpp"

#include <algorithm>

#include <caf/sec.hpp>
#include <spdlog/spdlog.h>

namespace souk::integrations {

namespace {

constexpr std::chrono::seconds believed{30};
constexpr std::size_t stores_max = 100'000; ///< remembered
/// With a shard that answers; and with one that has let us wait: there are few threads and many shards, and those of a database
/// that is away must not keep the others waiting. What is written after all is found when it is told again.
constexpr std::chrono::milliseconds patience{2000}, little_patience{250};

/// Whether asking again could end otherwise. What an entity refuses, it refuses for good.
bool worth_asking_again(const caf::error& why) {
  return why.category() != caf::detail::error_factory<actors::errc>::category;
}

} // namespace

bool webhook_events::has_none(const storage::ulid& store) {
  std::lock_guard lock{guard_};
  const auto at = without_.find(store);
  return at != without_.end() && std::chrono::steady_clock::now() < at->second;
}

void webhook_events::learned(const storage::outbox_event& e, bool has_webhooks) {
  std::lock_guard lock{guard_};
  if (has_webhooks) {
    without_.erase(e.event.store_id);
    return;
  }
  if (without_.size() >= stores_max)
    without_.clear();
  without_[e.event.store_id] = std::chrono::steady_clock::now() + believed;
}

std::size_t webhook_events::deliver(const std::vector<storage::outbox_event>& events) {
  std::size_t done = 0;
  while (done < events.size() && !stopping_) {
    // Up to the next change of a store's webhooks: what was learned before it must not be believed behind it.
    std::vector<std::pair<runtime::entity_address, actors::webhook_event>> questions;
    std::vector<std::size_t> about;
    auto at = done;
    for (; at < events.size(); ++at) {
      const auto& e = events[at].event;
      if (e.topic.starts_with("webhook.")) {
        if (!about.empty())
          break;
        learned(events[at], true);
        continue;
      }
      const auto topic = actors::webhook_topic_of(e.topic);
      if (topic.empty() || e.store_id.is_nil() || has_none(e.store_id))
        continue;
      about.push_back(at);
      questions.emplace_back(actors::webhooks_at(e.store_id),
                             actors::webhook_event{e.store_id, event_id_of(events[at]), std::string{topic},
                                                   webhook_payload(events[at], topic)});
    }
    if (!questions.empty()) {
      auto& slow = slow_[events.front().shard];
      const auto answers = actors::ask_all<bool>(system_, routes_, questions, slow ? little_patience : patience);
      slow = std::any_of(answers.begin(), answers.end(), [](const auto& a) { return a.why == caf::sec::request_timeout; });
      for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto& a = answers[i];
        if (!a.value && worth_asking_again(a.why)) {
          spdlog::debug("event {} waits for the webhooks of its store: {}", questions[i].second.event_id, caf::to_string(a.why));
          return about[i];
        }
        if (!a.value)
          spdlog::error("event {} was refused by its store's webhooks: {}", questions[i].second.event_id, caf::to_string(a.why));
        else
          learned(events[about[i]], *a.value);
      }
    }
    done = at;
  }
  return done;
}

} // namespace souk::integrations
