#include "integrations/providers_sandbox/stripe_desk.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace souk::providers {

namespace {

constexpr std::int64_t page_default = 10;
constexpr std::int64_t page_max = 100;
constexpr std::int64_t event_life_ms = 30LL * 24 * 3600 * 1000;
constexpr std::string_view api_version = "2026-06-24.dahlia";

struct path_rule {
  std::string_view method;
  std::array<std::string_view, 4> path; ///< below /v1; "*" takes an id, the rest is empty
  stripe_desk::operation call;
};

using desk = stripe_desk;

constexpr path_rule rules[] = {
  {"POST", {"payment_intents", "*", "confirm"}, &desk::confirm_intent},
  {"POST", {"payment_intents"}, &desk::create_intent},
  {"GET", {"payment_intents", "search"}, &desk::search_intents},
  {"GET", {"payment_intents", "*"}, &desk::find_intent},
  {"POST", {"payment_intents", "*", "capture"}, &desk::capture_intent},
  {"POST", {"payment_intents", "*", "cancel"}, &desk::cancel_intent},
  {"POST", {"payment_intents", "*"}, &desk::update_intent},
  {"GET", {"payment_intents"}, &desk::list_intents},
  {"POST", {"refunds"}, &desk::create_refund},
  {"POST", {"refunds", "*"}, &desk::update_refund},
  {"GET", {"refunds"}, &desk::list_refunds},
  {"GET", {"refunds", "*"}, &desk::find_refund},
  {"GET", {"charges"}, &desk::list_charges},
  {"GET", {"charges", "*"}, &desk::find_charge},
  {"GET", {"events"}, &desk::list_events},
  {"GET", {"events", "*"}, &desk::find_event},
  {"POST", {"checkout", "sessions"}, &desk::create_session},
  {"GET", {"checkout", "sessions"}, &desk::list_sessions},
  {"GET", {"checkout", "sessions", "*"}, &desk::find_session},
  {"POST", {"checkout", "sessions", "*", "expire"}, &desk::expire_session},
  {"GET", {"checkout", "sessions", "*", "line_items"}, &desk::list_line_items},
  {"POST", {"test_helpers", "confirmation_tokens"}, &desk::create_confirmation_token},
  {"GET", {"payment_methods", "*"}, &desk::find_payment_method_object},
  {"GET", {"account"}, &desk::find_account},
};

bool fits(const path_rule& rule, std::string_view method, const std::vector<std::string_view>& segments) {
  auto length = static_cast<std::size_t>(
    std::find(rule.path.begin(), rule.path.end(), std::string_view{}) - rule.path.begin());
  if (rule.method != method || segments.size() != length + 1 || segments[0] != "v1")
    return false;
  for (std::size_t i = 0; i < length; ++i)
    if (rule.path[i] != "*" && rule.path[i] != segments[i + 1])
      return false;
  return true;
}

/// created=5 or created[gte]=…: which creation times, in seconds, are wanted.
struct time_window {
  std::int64_t first = 0;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
};

time_window read_window(const stripe_params& params, const json& fields) {
  time_window window;
  auto created = fields.find("created");
  if (created == fields.end())
    return window;
  if (created->is_string()) {
    window.first = window.last = params.integer("created").value_or(0);
    return window;
  }
  stripe_params bounds{*created};
  bounds.only({"gt", "gte", "lt", "lte"});
  if (auto gte = bounds.integer("gte"))
    window.first = *gte;
  if (auto gt = bounds.integer("gt"))
    window.first = std::max(window.first, *gt + 1);
  if (auto lte = bounds.integer("lte"))
    window.last = *lte;
  if (auto lt = bounds.integer("lt"))
    window.last = std::min(window.last, *lt - 1);
  return window;
}

std::string wrap_list(std::string_view url, const std::vector<std::string>& items, bool more) {
  std::string text = "{\"object\":\"list\",\"url\":\"" + std::string{url} + "\",\"has_more\":";
  text += more ? "true,\"data\":[" : "false,\"data\":[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0)
      text += ',';
    text += items[i];
  }
  return text + "]}";
}

place read_place(const json& pair) {
  return {pair.at(0).get<std::uint64_t>(), pair.at(1).get<std::uint32_t>()};
}

} // namespace

stripe_desk::stripe_desk(stripe& owner, store::transaction& change, const json& fields, occasion why)
  : owner_{owner}, change_{change}, fields_{fields}, params_{fields}, why_{std::move(why)},
    pending_webhooks_{owner.endpoints_of(why_.account)->size()} {
  // nop
}

stripe_desk::operation stripe_desk::route(std::string_view method,
                                          const std::vector<std::string_view>& segments) {
  for (const auto& rule : rules)
    if (fits(rule, method, segments))
      return rule.call;
  return nullptr;
}

// -- documents ------------------------------------------------------------------

json stripe_desk::load(table which, const std::string& id, std::string_view what, std::string_view param) {
  const auto* subject = change_.find(which, why_.account, id);
  if (subject == nullptr)
    no_such(what, id, param);
  return change_.read(*subject);
}

stripe_outcome stripe_desk::found(table which, const std::string& id, std::string_view what) {
  const auto* subject = change_.find(which, why_.account, id);
  if (subject == nullptr)
    no_such(what, id, "id");
  return saved(subject->at);
}

place stripe_desk::save(table which, const json& document) {
  return change_.put(which, why_.account, document.at("id").get_ref<const std::string&>(), document);
}

stripe_outcome stripe_desk::saved(place at) {
  return {200, change_.text(at), at};
}

// -- events ---------------------------------------------------------------------

// An event shows its object as it was: the version just written, which stays where it is in the file for ever.
void stripe_desk::emit(std::string_view type, place object, const json& previous) {
  auto id = random_id("evt_1", 23);
  json event{{"id", id},
             {"type", type},
             {"created", now_ms() / 1000},
             {"object", {object.offset, object.length}},
             {"pending", pending_webhooks_}};
  if (!previous.is_null())
    event["previous"] = previous;
  if (!why_.request_id.empty())
    event["request"] = why_.request_id;
  if (!why_.key.empty())
    event["key"] = why_.key;
  events_.push_back({std::string{type}, change_.put(table::stripe_event, why_.account, id, event)});
}

std::string stripe_desk::render_event(store& memory, place where) {
  auto event = json::parse(memory.text(where));
  auto object = memory.text(read_place(event.at("object")));
  std::string text = "{\"id\":" + event.at("id").dump() + ",\"object\":\"event\",\"api_version\":\"";
  text += api_version;
  text += "\",\"created\":" + event.at("created").dump() + ",\"data\":{\"object\":" + object;
  if (event.contains("previous"))
    text += ",\"previous_attributes\":" + event["previous"].dump();
  text += "},\"livemode\":false,\"pending_webhooks\":" + event.at("pending").dump() + ",\"request\":{\"id\":";
  text += event.contains("request") ? event["request"].dump() : "null";
  text += ",\"idempotency_key\":";
  text += event.contains("key") ? event["key"].dump() : "null";
  return text + "},\"type\":" + event.at("type").dump() + "}";
}

stripe_outcome stripe_desk::find_event(const std::string& id) {
  const auto* subject = change_.find(table::stripe_event, why_.account, id);
  if (subject == nullptr || subject->created < now_ms() - event_life_ms)
    no_such("event", id, "id");
  auto where = subject->at;
  change_.finish();
  return {200, render_event(owner_.store_, where)};
}

stripe_outcome stripe_desk::list_events(const std::string&) {
  params_.only({"created", "delivery_success", "ending_before", "limit", "starting_after", "type", "types"});
  std::vector<std::string> types;
  if (auto type = params_.text("type"))
    types.push_back(*type);
  for (const auto& type : params_.nested("types"))
    types.push_back(type.is_string() ? type.get<std::string>() : std::string{});
  auto wanted = [&](const json& event) {
    const auto& type = event.at("type").get_ref<const std::string&>();
    return std::any_of(types.begin(), types.end(), [&](const std::string& name) {
      return name == type || (name.ends_with(".*") && type.starts_with(name.substr(0, name.size() - 1)));
    });
  };
  return list(table::stripe_event, "/v1/events",
              types.empty() ? std::function<bool(const json&)>{} : std::function<bool(const json&)>{wanted});
}

// -- lists ----------------------------------------------------------------------

stripe_outcome stripe_desk::list(table which, std::string_view url,
                                 const std::function<bool(const json&)>& keep) {
  auto limit = params_.integer("limit").value_or(page_default);
  if (limit < 1 || limit > page_max)
    bad_parameter("limit", "parameter_invalid_integer", "limit is a number from 1 to 100");
  auto window = read_window(params_, fields_);
  if (which == table::stripe_event)
    window.first = std::max(window.first, (now_ms() - event_life_ms) / 1000);
  auto after = params_.text("starting_after");
  auto before = params_.text("ending_before");
  if (after && before)
    bad_parameter("ending_before", "", "starting_after and ending_before exclude each other");

  const auto& numbers = change_.list(which, why_.account);
  auto begin = numbers.begin();
  auto end = numbers.end();
  if (const auto& cursor = after ? after : before) {
    const auto* edge = change_.find(which, why_.account, *cursor);
    if (edge == nullptr)
      no_such(url.substr(url.rfind('/') + 1), *cursor, after ? "starting_after" : "ending_before");
    auto position = std::lower_bound(begin, end, edge->number);
    (after ? end : begin) = after ? position : position + 1;
  }
  // What may be on the page is noted under the lock and read without it: documents stay where they are.
  std::vector<place> candidates;
  auto note = [&](std::uint32_t number) {
    const auto& subject = change_.at(which, number);
    auto created = subject.created / 1000;
    if (created >= window.first && created <= window.last)
      candidates.push_back(subject.at);
    bool enough = !keep && candidates.size() > static_cast<std::size_t>(limit);
    return !enough && (before ? created <= window.last : created >= window.first);
  };
  if (before)
    for (auto it = begin; it != end && note(*it); ++it) {
    }
  else
    for (auto it = end; it != begin && note(*(it - 1)); --it) {
    }
  change_.finish();

  std::vector<std::string> items;
  bool more = false;
  for (auto where : candidates) {
    auto text = owner_.store_.text(where);
    if (keep && !keep(json::parse(text)))
      continue;
    if (items.size() == static_cast<std::size_t>(limit)) {
      more = true;
      break;
    }
    items.push_back(which == table::stripe_event ? render_event(owner_.store_, where) : std::move(text));
  }
  if (before)
    std::reverse(items.begin(), items.end());
  return {200, wrap_list(url, items, more)};
}

// -- expansion ------------------------------------------------------------------

namespace {

/// Replaces the id at a path like data.latest_charge by its object, as far as `find` knows it.
void expand_at(json& here, std::string_view path, const std::function<json(const std::string&)>& find, int depth) {
  constexpr int depth_max = 4;
  if (depth > depth_max)
    return;
  if (here.is_array()) {
    for (auto& item : here)
      expand_at(item, path, find, depth);
    return;
  }
  auto dot = path.find('.');
  std::string name{path.substr(0, dot)};
  auto member = here.is_object() ? here.find(name) : here.end();
  if (!here.is_object() || member == here.end() || member->is_null())
    return;
  if (member->is_string()) {
    auto object = find(member->get<std::string>());
    if (object.is_null())
      return;
    *member = std::move(object);
  }
  if (dot != std::string_view::npos)
    expand_at(*member, path.substr(dot + 1), find, depth + 1);
}

} // namespace

stripe_outcome stripe_desk::expanded(stripe_outcome plain) {
  const auto& wanted = params_.nested("expand");
  if (!wanted.is_array() || plain.status != 200)
    return plain;
  auto body = json::parse(plain.text);
  auto find = [this](const std::string& id) -> json {
    static constexpr std::pair<std::string_view, table> kinds[] = {
      {"pi_", table::stripe_intent}, {"ch_", table::stripe_charge}, {"re_", table::stripe_refund}};
    store::transaction look{owner_.store_};
    for (auto [prefix, which] : kinds)
      if (id.starts_with(prefix))
        if (const auto* subject = look.find(which, why_.account, id))
          return look.read(*subject);
    const auto* card = find_payment_method(id);
    return card == nullptr ? json{} : payment_method_object(id, *card);
  };
  for (const auto& path : wanted)
    if (path.is_string())
      expand_at(body, path.get<std::string>(), find, 0);
  plain.text = body.dump();
  plain.at.reset();
  return plain;
}

stripe_outcome stripe_desk::create_confirmation_token(const std::string&) {
  params_.only({"payment_method", "payment_method_data", "return_url", "setup_future_usage", "shipping"});
  auto method = params_.need_text("payment_method");
  const auto* card = find_payment_method(method);
  if (card == nullptr)
    no_such("PaymentMethod", method, "payment_method");
  auto created = now_ms() / 1000;
  json token{{"id", confirmation_token_id(*card)},
             {"object", "confirmation_token"},
             {"created", created},
             {"expires_at", created + 12 * 3600},
             {"livemode", false},
             {"payment_intent", nullptr},
             {"payment_method_preview", {{"type", "card"}, {"card", {{"brand", card->brand}, {"last4", card->last4}}}}},
             {"return_url", params_.url("return_url") ? json(*params_.url("return_url")) : json()}};
  return {200, token.dump()};
}

stripe_outcome stripe_desk::find_payment_method_object(const std::string& id) {
  const auto* card = find_payment_method(id);
  if (card == nullptr)
    no_such("PaymentMethod", id, "id");
  return {200, payment_method_object(id, *card).dump()};
}

stripe_outcome stripe_desk::find_account(const std::string&) {
  auto handle = owner_.store_.account_handle(why_.account);
  json account{{"id", "acct_1" + handle},     {"object", "account"},       {"charges_enabled", true},
               {"details_submitted", true},   {"default_currency", "usd"}, {"country", "US"},
               {"payouts_enabled", true},     {"email", nullptr},          {"type", "standard"}};
  return {200, account.dump()};
}

} // namespace souk::providers
