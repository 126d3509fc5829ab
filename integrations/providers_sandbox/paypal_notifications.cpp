// PayPal's events: written, signed, delivered, looked up, and verified when a shop asks.

#include "integrations/providers_sandbox/paypal_desk.hpp"
#include "integrations/providers_sandbox/paypal_money.hpp"

#include <algorithm>

namespace souk::providers {

namespace {

constexpr std::string_view algorithm = "SHA256withRSA";
constexpr std::size_t webhooks_max = 10;

/// @returns the text of a top-level member of a JSON object as it was sent; empty when it is not found. What was
/// signed is these bytes, not what a parser makes of them.
std::string_view raw_member(std::string_view object, std::string_view name) {
  int depth = 0;
  bool quoted = false;
  std::size_t string_begin = 0;
  std::size_t value_begin = std::string_view::npos;
  std::string_view last_string;
  for (std::size_t i = 0; i < object.size(); ++i) {
    char c = object[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
        last_string = object.substr(string_begin, i - string_begin);
      }
      continue;
    }
    if (c == '"') {
      quoted = true;
      string_begin = i + 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == ':' && depth == 1 && last_string == name && value_begin == std::string_view::npos) {
      value_begin = i + 1;
    } else if (c == '}' || c == ']' || c == ',') {
      bool ends = depth == 1;
      if (c != ',')
        --depth;
      if (ends && value_begin != std::string_view::npos) {
        auto value = object.substr(value_begin, i - value_begin);
        while (!value.empty() && (value.front() == ' ' || value.front() == '\n' || value.front() == '\t' || value.front() == '\r'))
          value.remove_prefix(1);
        while (!value.empty() && (value.back() == ' ' || value.back() == '\n' || value.back() == '\t' || value.back() == '\r'))
          value.remove_suffix(1);
        return value;
      }
      last_string = {};
    }
  }
  return {};
}

} // namespace

void paypal_desk::emit(const std::string& type, const std::string& resource_type, const json& resource) {
  auto id = random_id("WH-", 17) + random_id("-", 17);
  json event{{"id", id},
             {"event_version", "1.0"},
             {"create_time", rfc3339(now_ms())},
             {"resource_type", resource_type},
             {"resource_version", "2.0"},
             {"event_type", type},
             {"summary", "A sandbox event: " + type},
             {"resource", resource},
             {"links", json::array({{{"href", owner_.options_.url + "/v1/notifications/webhooks-events/" + id},
                                     {"rel", "self"},
                                     {"method", "GET"}},
                                    {{"href", owner_.options_.url + "/v1/notifications/webhooks-events/" + id + "/resend"},
                                     {"rel", "resend"},
                                     {"method", "POST"}}})}};
  events_.push_back({type, change_.put(table::paypal_event, why_.account, id, event)});
}

void paypal_desk::emit_order(const std::string& type, const json& order) {
  emit(type, "checkout-order", render(table::paypal_order, order));
}

paypal_outcome paypal_desk::create_webhook(const std::string&) {
  auto url = text_of(body_, "url");
  const auto types = body_.value("event_types", json::array());
  if (url.empty() || !types.is_array() || types.empty())
    bad_request("MISSING_REQUIRED_PARAMETER", "A webhook has a url and event_types [{name}].", "url");
  json settings{{"webhooks", json::array()}};
  if (const auto* known = change_.find(table::account, why_.account, "paypal"))
    settings = change_.read(*known);
  if (settings["webhooks"].size() >= webhooks_max)
    throw paypal_error{400, "WEBHOOK_NUMBER_LIMIT_EXCEEDED", "", "", ""};
  auto names = json::array();
  for (const auto& type : types)
    names.push_back(text_of(type, "name"));
  auto id = random_id("", 17);
  settings["webhooks"].push_back({{"url", url}, {"webhook_id", id}, {"events", names}});
  change_.put(table::account, why_.account, "paypal", settings);
  return {201, table::count, "", {{"id", id}, {"url", url}, {"event_types", types}, {"links", json::array()}}};
}

paypal_outcome paypal_desk::list_webhooks(const std::string&) {
  auto webhooks = json::array();
  for (const auto& endpoint : *owner_.endpoints_of(why_.account)) {
    auto types = json::array();
    for (const auto& type : endpoint.types)
      types.push_back({{"name", type}});
    webhooks.push_back({{"id", endpoint.id}, {"url", endpoint.url}, {"event_types", types}});
  }
  return {200, table::count, "", {{"webhooks", webhooks}}};
}

paypal_outcome paypal_desk::find_event(const std::string& id) {
  return {200, table::count, "", load(table::paypal_event, id)};
}

paypal_outcome paypal_desk::list_events(const std::string&) {
  auto start = parse_rfc3339(text_of(query_, "start_time")).value_or(0);
  auto end = parse_rfc3339(text_of(query_, "end_time")).value_or(now_ms());
  auto type = text_of(query_, "event_type");
  auto size = std::clamp<long>(std::strtol(text_of(query_, "page_size").c_str(), nullptr, 10), 0, 300);
  std::vector<place> candidates;
  const auto& numbers = change_.list(table::paypal_event, why_.account);
  for (auto it = numbers.rbegin(); it != numbers.rend(); ++it) {
    const auto& subject = change_.at(table::paypal_event, *it);
    if (subject.created >= start && subject.created / 1000 <= end / 1000)
      candidates.push_back(subject.at);
  }
  change_.finish();
  auto events = json::array();
  for (auto where : candidates) {
    auto event = json::parse(owner_.store_.text(where));
    if (type.empty() || event["event_type"] == type)
      events.push_back(std::move(event));
    if (events.size() == static_cast<std::size_t>(size == 0 ? 10 : size))
      break;
  }
  auto count = events.size();
  return {200, table::count, "", {{"events", std::move(events)}, {"count", count}, {"links", json::array()}}};
}

paypal_outcome paypal_desk::resend_event(const std::string& id) {
  auto event = load(table::paypal_event, id);
  events_.push_back({event["event_type"], change_.find(table::paypal_event, why_.account, id)->at});
  return {202, table::count, "", event};
}

// -- delivery -------------------------------------------------------------------

paypal::endpoint_list paypal::endpoints_of(std::uint32_t account) {
  static const auto none = std::make_shared<const std::vector<endpoint>>();
  std::lock_guard lock{mutex_};
  auto known = endpoints_.find(account);
  return known == endpoints_.end() ? none : known->second;
}

void paypal::configure(std::uint32_t account, const json& settings) {
  auto list = std::make_shared<std::vector<endpoint>>();
  for (const auto& given : settings.value("webhooks", json::array()))
    list->push_back({given.at("url"), given.at("webhook_id"), given.value("events", std::vector<std::string>{"*"})});
  std::lock_guard lock{mutex_};
  endpoints_[account] = std::move(list);
}

std::string paypal::signed_text(const std::string& id, const std::string& time, const std::string& webhook_id,
                                std::string_view body) const {
  return id + "|" + time + "|" + webhook_id + "|" + std::to_string(crc32(body));
}

void paypal::deliver(std::uint32_t account, const std::string& type, place event) {
  for (const auto& target : *endpoints_of(account)) {
    bool wanted = std::any_of(target.types.begin(), target.types.end(),
                              [&](const std::string& name) { return name == "*" || name == type; });
    if (!wanted)
      continue;
    webhook subject;
    subject.url = target.url;
    subject.body = [this, event](bool) { return store_.text(event); };
    subject.sign = [this, webhook_id = target.id](const std::string& body, std::int64_t at, bool forged) -> header_list {
      auto id = random_id("", 36);
      auto time = rfc3339(at * 1000);
      const auto& key = forged ? *forger_ : *key_;
      return {{"PAYPAL-TRANSMISSION-ID", id},
              {"PAYPAL-TRANSMISSION-TIME", time},
              {"PAYPAL-TRANSMISSION-SIG", base64(key.sign(signed_text(id, time, webhook_id, body)))},
              {"PAYPAL-CERT-URL", certificate_url_},
              {"PAYPAL-AUTH-ALGO", std::string{algorithm}}};
    };
    sender_.send(faults_, std::move(subject));
  }
}

bool paypal::verify(const json& question, std::string_view raw, std::uint32_t account) {
  auto webhook_id = text_of(question, "webhook_id");
  auto endpoints = endpoints_of(account);
  bool known = std::any_of(endpoints->begin(), endpoints->end(), [&](const endpoint& it) { return it.id == webhook_id; });
  if (!known || text_of(question, "auth_algo") != algorithm || text_of(question, "cert_url") != certificate_url_)
    return false;
  auto signature = from_base64(text_of(question, "transmission_sig"));
  auto id = text_of(question, "transmission_id");
  auto time = text_of(question, "transmission_time");
  // Sent on as it came, or parsed and written again in the same order: both are the event.
  return key_->verifies(signed_text(id, time, webhook_id, raw_member(raw, "webhook_event")), signature)
      || key_->verifies(signed_text(id, time, webhook_id, question["webhook_event"].dump()), signature);
}

} // namespace souk::providers
