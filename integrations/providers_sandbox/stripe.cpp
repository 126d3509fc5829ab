#include "integrations/providers_sandbox/stripe.hpp"

#include "integrations/providers_sandbox/form.hpp"
#include "integrations/providers_sandbox/signatures.hpp"
#include "integrations/providers_sandbox/stripe_desk.hpp"

#include <algorithm>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <thread>

namespace souk::providers {

namespace {

constexpr std::size_t key_length_max = 255;
constexpr std::size_t api_key_length_max = 200;

answer error_answer(int status, json error) {
  return {status, json{{"error", std::move(error)}}.dump(-1, ' ', false, json::error_handler_t::replace)};
}

answer invalid(int status, std::string_view code, const std::string& message) {
  json error{{"type", "invalid_request_error"}, {"message", message}};
  if (!code.empty())
    error["code"] = code;
  return error_answer(status, std::move(error));
}

/// @returns the API key of the call, from Bearer or from Basic's user; empty when there is none.
std::string api_key_of(const call& asked) {
  auto header = asked.header("Authorization");
  if (header.starts_with("Bearer "))
    return header.substr(7);
  if (!header.starts_with("Basic "))
    return {};
  auto pair = from_base64(std::string_view{header}.substr(6));
  return pair.substr(0, pair.find(':'));
}

/// @returns what is wrong with the key, or nullopt.
std::optional<answer> refuse_key(const std::string& key) {
  if (key.empty())
    return invalid(401, "", "You did not provide an API key: send it as Authorization: Bearer.");
  bool known = (key.starts_with("sk_test_") || key.starts_with("rk_test_")) && key.size() <= api_key_length_max
            && is_utf8(key);
  if (!known || key.find("bad") != std::string::npos)
    return invalid(401, "", "Invalid API Key provided: " + key.substr(0, 8) + "****");
  return std::nullopt;
}

/// A hash of what a request asked for: the same key with another one is a client's mistake.
std::string fingerprint(const call& asked, const json& fields) {
  auto text = std::string{asked.method} + ' ' + std::string{asked.path} + '\n' + fields.dump();
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     nullptr, 0);
  std::array<char, 33> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

} // namespace

bool stripe::is_command(const call& asked) const {
  return asked.method != "GET";
}

answer stripe::refusal(const call&, int status) {
  if (status == 429)
    return error_answer(429, {{"type", "invalid_request_error"},
                              {"code", "rate_limit"},
                              {"message", "Request rate limit exceeded."}})
      .with("Retry-After", "1")
      .with("Stripe-Rate-Limited-Reason", "endpoint-rate");
  return error_answer(status, {{"type", "api_error"}, {"message", "An unknown error occurred."}});
}

answer stripe::handle(call& asked) {
  if (asked.path.starts_with("/pages/"))
    return page(asked);
  auto request_id = random_id("req_", 14);
  auto say = [&](answer result) { return std::move(result).with("Request-Id", request_id); };
  auto api_key = api_key_of(asked);
  if (auto refused = refuse_key(api_key))
    return say(*std::move(refused));
  auto operation = stripe_desk::route(asked.method, asked.segments);
  if (operation == nullptr)
    return say(invalid(404, "", "Unrecognized request URL (" + std::string{asked.method} + ": "
                                  + std::string{asked.path} + ")."));
  auto type = asked.header("Content-Type");
  if (!asked.body.empty() && !type.starts_with("application/x-www-form-urlencoded"))
    return say(invalid(400, "", "The body is application/x-www-form-urlencoded."));
  auto fields = parse_form(asked.method == "GET" ? asked.query : std::string_view{asked.body});
  if (!fields)
    return say(invalid(400, "", "The parameters are no form that can be read."));
  if (fields->contains("expand") && !(*fields)["expand"].is_array())
    return say(invalid(400, "", "expand[] is a list."));
  std::string account_name = api_key;
  if (auto connected = asked.header("Stripe-Account"); !connected.empty())
    account_name += "/" + connected;

  stripe_desk::occasion why;
  why.request_id = request_id;
  why.decline = asked.faults.decline;
  auto key = asked.method == "GET" ? std::string{} : asked.header("Idempotency-Key");
  if (key.size() > key_length_max || !is_utf8(key))
    return say(invalid(400, "", "An Idempotency-Key has at most 255 characters."));
  why.key = key;
  turns::turn turn{turns_, key.empty() ? request_id : account_name + '\n' + key};
  if (!turn.alone() || asked.faults.conflict)
    return say(error_answer(409, {{"type", "idempotency_error"},
                                  {"code", "idempotency_key_in_use"},
                                  {"message", "Another request with this Idempotency-Key is still under way."}})
                 .with("Stripe-Should-Retry", "true"));
  if (asked.faults.latency_ms > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds{asked.faults.latency_ms});

  store::transaction change{store_};
  why.account = change.account(account_name);
  std::string request;
  if (!key.empty()) {
    request = fingerprint(asked, *fields);
    const auto* used = change.find(table::stripe_key, why.account, key);
    if (used != nullptr && used->updated > now_ms() - std::chrono::milliseconds{options_.key_life}.count()) {
      auto kept = change.read(*used);
      if (kept["request"] != request)
        return say(error_answer(
          400, {{"type", "idempotency_error"},
                {"message", "Keys for idempotent requests can only be used with the parameters they were first used "
                            "with; this one was used with others: "
                              + key}}));
      answer replay{kept["status"], kept.contains("text") ? kept["text"].get<std::string>()
                                                          : change.text({kept["at"][0], kept["at"][1]})};
      change.finish();
      return say(std::move(replay)
                   .with("Idempotent-Replayed", "true")
                   .with("Idempotency-Key", key)
                   .with("Original-Request", kept["id"]));
    }
  }
  stripe_desk desk{*this, change, *fields, why};
  stripe_outcome done;
  bool keep = true;
  try {
    std::string id{asked.segments.size() > 2 ? asked.segments[2] : std::string_view{}};
    if (id == "sessions")
      id = asked.segments.size() > 3 ? asked.segments[3] : std::string_view{};
    done = (desk.*operation)(id);
  } catch (stripe_error& error) {
    done = {error.status, json{{"error", std::move(error.error)}}.dump(-1, ' ', false, json::error_handler_t::replace)};
    keep = error.executed;
  }
  if (asked.method == "GET") {
    auto shown = done.status == 200 && fields->contains("expand");
    if (change.open())
      change.finish();
    for (const auto& event : desk.events())
      deliver(endpoints_of(why.account), why.account, event.type, event.event);
    return say({done.status, shown ? desk.expanded(std::move(done)).text : std::move(done.text)});
  }
  bool fails = keep && asked.faults.fail;
  if (fails)
    done = {500, refusal(asked, 500).body};
  if (!key.empty() && keep) {
    json record{{"id", request_id}, {"request", request}, {"status", done.status}};
    if (done.at)
      record["at"] = {done.at->offset, done.at->length};
    else
      record["text"] = done.text;
    change.put(table::stripe_key, why.account, key, record);
  }
  change.finish();
  for (const auto& event : desk.events())
    deliver(endpoints_of(why.account), why.account, event.type, event.event);
  bool expand = done.status == 200 && fields->contains("expand");
  auto result = say({done.status, expand ? desk.expanded(std::move(done)).text : std::move(done.text)});
  if (!key.empty())
    result.headers.emplace_back("Idempotency-Key", key);
  return result;
}

answer stripe::act(const std::string& account, const std::string& id, const std::string& action) {
  static const json none = json::object();
  store::transaction change{store_};
  stripe_desk::occasion why;
  why.account = change.account(account);
  stripe_desk desk{*this, change, none, why};
  stripe_outcome done;
  try {
    if (id.starts_with("pi_") && (action == "approve" || action == "decline"))
      done = desk.decide_intent(id, action == "approve");
    else if (id.starts_with("re_") && (action == "succeed" || action == "fail"))
      done = desk.settle_refund(id, action == "succeed");
    else if (id.starts_with("cs_") && action == "expire")
      done = desk.expire_session(id);
    else if (id.starts_with("cs_") && (action == "pay" || action == "decline" || action == "pay_later"))
      done = desk.pay_session(id, *find_payment_method(action == "pay"       ? "pm_card_visa"
                                                       : action == "decline" ? "pm_card_chargeDeclined"
                                                                             : "pm_card_processing"));
    else
      bad_parameter("action", "", "approve or decline a pi_, succeed or fail a re_, pay, pay_later, decline or expire a cs_");
  } catch (stripe_error& error) {
    done = {error.status, json{{"error", std::move(error.error)}}.dump()};
  }
  change.finish();
  for (const auto& event : desk.events())
    deliver(endpoints_of(why.account), why.account, event.type, event.event);
  return {done.status, std::move(done.text)};
}

// -- webhooks -------------------------------------------------------------------

stripe::endpoint_list stripe::endpoints_of(std::uint32_t account) {
  static const auto none = std::make_shared<const std::vector<endpoint>>();
  std::lock_guard lock{endpoints_mutex_};
  auto known = endpoints_.find(account);
  return known == endpoints_.end() ? none : known->second;
}

void stripe::configure(std::uint32_t account, const json& settings) {
  auto list = std::make_shared<std::vector<endpoint>>();
  for (const auto& given : settings.value("webhooks", json::array()))
    list->push_back({given.at("url"), given.at("secrets"), given.value("events", std::vector<std::string>{"*"})});
  std::lock_guard lock{endpoints_mutex_};
  endpoints_[account] = std::move(list);
}

void stripe::deliver(const endpoint_list& endpoints, std::uint32_t, const std::string& type, place event) {
  for (const auto& target : *endpoints) {
    bool wanted = std::any_of(target.types.begin(), target.types.end(),
                              [&](const std::string& name) { return name == "*" || name == type; });
    if (!wanted)
      continue;
    webhook subject;
    subject.url = target.url;
    subject.body = [this, event](bool) { return stripe_desk::render_event(store_, event); };
    subject.sign = [secrets = target.secrets](const std::string& body, std::int64_t at, bool forged) -> header_list {
      auto time = std::to_string(at);
      auto value = "t=" + time;
      for (const auto& secret : secrets)
        value += ",v1=" + hmac_sha256_hex(forged ? "whsec_forged" : secret, time + "." + body);
      return {{"Stripe-Signature", value}};
    };
    sender_.send(faults_, std::move(subject));
  }
}

} // namespace souk::providers
