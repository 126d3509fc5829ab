#include "integrations/webhooks/webhook_payload.hpp"

#include "integrations/webhooks/webhook_signature.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace souk::integrations {

namespace {

using json = nlohmann::ordered_json;

/// Fields that are whole numbers; all of an event's fields are kept as text.
constexpr std::array<std::string_view, 14> figures{"total",     "amount",  "subtotal",  "number",     "version",  "delta",
                                                   "available", "on_hand", "threshold", "item_count", "quantity", "rating",
                                                   "tax",       "shipping"};
/// Links for a shopper's eyes only: whoever has one acts as the shopper.
constexpr std::array<std::string_view, 4> withheld{"token", "link", "resume_url", "unsubscribe_url"};

json value_of(const std::string& name, const std::string& text) {
  if (std::find(figures.begin(), figures.end(), name) != figures.end()) {
    std::int64_t number = 0;
    const auto [at, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (wrong == std::errc{} && at == text.data() + text.size())
      return number;
  }
  if (text == "true" || text == "false")
    return text == "true";
  return text;
}

} // namespace

std::string webhook_payload(const storage::outbox_event& e, std::string_view topic) {
  json data = json::object();
  for (const auto& [name, text] : e.event.fields)
    if (std::find(withheld.begin(), withheld.end(), name) == withheld.end())
      data[name] = value_of(name, text);
  const json out{{"id", e.event.subject.str()},
                 {"store_id", e.event.store_id.str()},
                 {"topic", topic},
                 {"event", e.event.topic},
                 {"event_id", event_id_of(e)},
                 {"occurred_at", utc_time(e.event.at)},
                 {"data", std::move(data)}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace souk::integrations
