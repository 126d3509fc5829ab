#include "actors/webhooks/webhook_rules.hpp"

#include "actors/webhooks/topics.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace souk::actors {

using storage::delivery_state;
using storage::webhook_state;

namespace {

using std::chrono::minutes;

constexpr std::size_t address_max = 2048;
constexpr std::array<minutes, webhook_rules::retries> waits{minutes{1},  minutes{2},  minutes{4},  minutes{8},
                                                           minutes{15}, minutes{30}, minutes{60}, minutes{120}};

/// What can be said of an address without asking anybody; whether it may be called, the sender knows.
std::optional<rejection> check_address(const std::string& address) {
  if (address.empty() || address.size() > address_max)
    return invalid("address", "must have 1 to " + std::to_string(address_max) + " characters");
  if (!address.starts_with("https://") && !address.starts_with("http://"))
    return invalid("address", "must begin with https://");
  if (std::any_of(address.begin(), address.end(), [](char c) { return c <= ' ' || c > '~'; }))
    return invalid("address", "must not have spaces or characters beyond ASCII");
  return std::nullopt;
}

outcome<std::vector<std::string>> checked_topics(std::vector<std::string> topics) {
  std::sort(topics.begin(), topics.end());
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  if (topics.empty())
    return invalid("topics", "must name at least one topic; \"*\" stands for all");
  const auto& known = webhook_topics();
  for (const auto& t : topics)
    if (t != "*" && !std::binary_search(known.begin(), known.end(), std::string_view{t}))
      return invalid("topics", "there is no topic \"" + t.substr(0, 100) + "\"");
  return topics;
}

template <class T>
const char* read_number(const char* from, const char* end, T& into) {
  auto [at, wrong] = std::from_chars(from, end, into);
  return wrong == std::errc{} ? at : nullptr;
}

} // namespace

std::optional<event_position> event_position::parse(const std::string& event_id) {
  event_position out;
  const char* const end = event_id.data() + event_id.size();
  const char* at = read_number(event_id.data(), end, out.shard);
  if (at == nullptr || at == end || *at != '-')
    return std::nullopt;
  at = read_number(at + 1, end, out.seq);
  if (at == nullptr || at == end || *at != '-')
    return std::nullopt;
  at = read_number(at + 1, end, out.n);
  if (at != end || out.seq < 0 || out.n < 0)
    return std::nullopt;
  return out;
}

namespace webhook_rules {

outcome<storage::webhook_row> create(const storage::webhook_row& draft, const std::vector<storage::webhook_row>& known,
                                     storage::timestamp now) {
  if (known.size() >= webhooks_max)
    return rejection{errc::limit_exceeded, "a store can have at most " + std::to_string(webhooks_max) + " webhooks", ""};
  if (auto no = check_address(draft.address))
    return *no;
  auto topics = checked_topics(draft.topics);
  if (!topics)
    return topics.why();
  if (draft.sealed_secret.empty())
    return invalid("secret", "deliveries must be signed");
  if (draft.id.shard() != draft.store_id.shard())
    return invalid("webhook_id", "does not lie beside its store");
  auto out = draft;
  out.topics = std::move(*topics);
  out.state = webhook_state::active;
  out.failing_since = {};
  out.version = 1;
  out.created_at = out.updated_at = now;
  return out;
}

outcome<storage::webhook_row> change(const storage::webhook_row& row, const change_webhook& c, storage::timestamp now) {
  if (c.expected_version && *c.expected_version != row.version)
    return rejection{errc::version_conflict, "the webhook was changed meanwhile", ""};
  auto out = row;
  if (c.address) {
    if (auto no = check_address(*c.address))
      return *no;
    out.address = *c.address;
  }
  if (c.topics) {
    auto topics = checked_topics(*c.topics);
    if (!topics)
      return topics.why();
    out.topics = std::move(*topics);
  }
  if (c.sealed_secret) {
    if (c.sealed_secret->empty())
      return invalid("secret", "deliveries must be signed");
    out.sealed_secret = *c.sealed_secret;
  }
  if (c.active && *c.active != (row.state == webhook_state::active)) {
    out.state = *c.active ? webhook_state::active : webhook_state::paused;
    out.failing_since = {};
  }
  if (out == row)
    return out;
  ++out.version;
  out.updated_at = now;
  return out;
}

bool wants(const storage::webhook_row& w, const std::string& topic) {
  return w.state == webhook_state::active
         && std::any_of(w.topics.begin(), w.topics.end(), [&](const auto& t) { return t == "*" || t == topic; });
}

// In the place of the time stands the event's number in its shard, so that deliveries sort as their events do; the webhook's own
// random bits tell apart those who hear of the same event.
storage::ulid delivery_id(const event_position& event, const storage::ulid& webhook) {
  storage::ulid id;
  for (std::size_t i = 0; i < 6; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(event.seq >> (40 - 8 * static_cast<int>(i)) & 255);
  id.bytes[6] = webhook.shard();
  id.bytes[7] = static_cast<std::uint8_t>(event.n >> 8 & 255);
  id.bytes[8] = static_cast<std::uint8_t>(event.n & 255);
  std::copy(webhook.bytes.begin() + 9, webhook.bytes.end(), id.bytes.begin() + 9);
  return id;
}

storage::webhook_delivery_row delivery_of(const storage::webhook_row& w, const webhook_event& e, const event_position& at,
                                          storage::timestamp now) {
  storage::webhook_delivery_row d;
  d.id = delivery_id(at, w.id);
  d.webhook_id = w.id;
  d.store_id = w.store_id;
  d.event_id = e.event_id;
  d.topic = e.topic;
  d.payload = e.payload;
  d.next_at = d.created_at = d.updated_at = now;
  return d;
}

std::chrono::seconds retry_wait(const storage::ulid& delivery, std::int32_t attempts) {
  const auto base = std::chrono::seconds{waits.at(static_cast<std::size_t>(attempts - 1))};
  std::uint64_t mixed = 0xcbf29ce484222325ULL + static_cast<std::uint64_t>(attempts); // FNV-1a
  for (const auto byte : delivery.bytes)
    mixed = (mixed ^ byte) * 0x100000001b3ULL;
  const auto per_mille = 800 + static_cast<std::int64_t>((mixed >> 16) % 401);
  return base * per_mille / 1000;
}

bool attempted(storage::webhook_delivery_row& d, storage::webhook_row& w, const webhook_answer& how, storage::timestamp now) {
  ++d.attempts;
  d.status = how.status;
  d.error = how.error;
  d.took_ms = how.took_ms;
  d.updated_at = now;
  auto before = w;
  if (how.arrived()) {
    d.state = delivery_state::delivered;
    w.failing_since = {};
  } else {
    if (w.failing_since == storage::timestamp{})
      w.failing_since = now;
    else if (w.state == webhook_state::active && now - w.failing_since >= patience)
      w.state = webhook_state::failing_too_long;
    if (d.attempts > retries || w.state != webhook_state::active)
      d.state = delivery_state::failed;
    else
      d.next_at = now + retry_wait(d.id, d.attempts);
  }
  if (w == before)
    return false;
  ++w.version;
  w.updated_at = now;
  return true;
}

void given_up(storage::webhook_delivery_row& d, const storage::webhook_row& w, storage::timestamp now) {
  d.state = delivery_state::failed;
  d.error = w.state == webhook_state::paused ? "webhook_paused" : "webhook_disabled";
  d.updated_at = now;
}

void again(storage::webhook_delivery_row& d, storage::timestamp now) {
  d.state = delivery_state::waiting;
  d.attempts = 0;
  d.status = 0;
  d.error.clear();
  d.took_ms = 0;
  d.next_at = d.updated_at = now;
}

} // namespace webhook_rules

} // namespace souk::actors
