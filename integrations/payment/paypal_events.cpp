// What PayPal tells of its own accord, and its books.

#include "integrations/payment/paypal_gateway.hpp"
#include "integrations/payment/paypal_money.hpp"
#include "integrations/provider_http/account_secrets.hpp"
#include "integrations/provider_http/json_fields.hpp"

#include <ctime>

namespace souk::integrations {

using actors::event_reading;
using actors::provider_call;
using actors::provider_entries;
using actors::provider_entry;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr auto books_limit = 60s;
constexpr auto report_span = 30 * 24h; // PayPal reports on at most 31 days at once
constexpr int pages_max = 1000;

std::string rfc3339(storage::timestamp at) {
  auto seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(at));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32]{};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// "2026-11-26T16:20:00Z" or "…+0000"; PayPal's reports are in UTC. @returns epoch for anything else
storage::timestamp parse_utc(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr)
    return {};
  return storage::timestamp{std::chrono::seconds{timegm(&parts)}};
}

storage::ulid id_at(const json& object, const char* name) {
  return storage::ulid::parse(text_at(object, name)).value_or(storage::ulid{});
}

std::string header(const provider_call& call, const char* name) {
  auto found = call.headers.find(name);
  return found == call.headers.end() ? std::string{} : found->second;
}

/// The question whether an event is genuine. The event goes into it byte for byte: a signature is over bytes, not over what a parser
/// makes of them.
std::string verification(const provider_call& call, const std::string& webhook_id) {
  json question{{"auth_algo", header(call, "paypal-auth-algo")},
                {"cert_url", header(call, "paypal-cert-url")},
                {"transmission_id", header(call, "paypal-transmission-id")},
                {"transmission_sig", header(call, "paypal-transmission-sig")},
                {"transmission_time", header(call, "paypal-transmission-time")},
                {"webhook_id", webhook_id}};
  auto text = question.dump(-1, ' ', false, json::error_handler_t::replace);
  text.pop_back(); // the closing brace
  return text + ",\"webhook_event\":" + call.body + "}";
}

/// @returns false for what is no payment and no refund of one: fees, holds, transfers
bool read_entry(const json& info, provider_entry& out) {
  auto code = text_at(info, "transaction_event_code");
  out.refund = code.starts_with("T11");
  if ((!out.refund && !code.starts_with("T00")) || text_at(info, "transaction_status") != "S")
    return false;
  out.currency = text_at(info, {"transaction_amount", "currency_code"});
  auto amount = from_paypal_value(text_at(info, {"transaction_amount", "value"}), out.currency).value_or(0);
  if ((amount < 0) != out.refund || amount == 0)
    return false; // money that the merchant sent
  out.amount = out.refund ? -amount : amount;
  auto id = text_at(info, "transaction_id");
  out.reference = out.refund ? text_at(info, "paypal_reference_id") : id;
  if (out.refund)
    out.refund_reference = id;
  out.order_id = id_at(info, "custom_field");
  if (!out.order_id.is_nil()) // the report names the capture, souk knows the payment by PayPal's order
    out.reference.clear();
  out.at = parse_utc(text_at(info, "transaction_initiation_date"));
  return true;
}

} // namespace

std::string paypal_gateway::check_account(const storage::ulid& store, const storage::payment_account& account) {
  try {
    auto who = open(store, account, time_limit_);
    if (!who)
      return "bad_credentials";
    auto got = api_.log_in(*who);
    bool refused = got.unauthorized() || got.status == 400;
    return got.ok() ? "" : refused ? "bad_credentials" : "unreachable";
  } catch (...) {
    return "unreachable";
  }
}

event_reading paypal_gateway::read_event(const storage::ulid& store, const storage::payment_account& account,
                                         const provider_call& call, storage::timestamp) {
  event_reading out;
  try {
    auto secrets = open_account(box_.get(), store, "paypal", account.sealed);
    auto webhook_id = secrets ? text_at(*secrets, "webhook_id") : std::string{};
    auto who = open(store, account, time_limit_);
    // What is no JSON object would become something else inside the question.
    auto event = parsed(call.body);
    if (!who || webhook_id.empty() || header(call, "paypal-transmission-sig").empty() || !event.is_object())
      return out;
    who->account += "/webhooks"; // whoever sends forged ones uses up no calls of the shop's payments
    auto got = api_.post(*who, "/v1/notifications/verify-webhook-signature", verification(call, webhook_id), {});
    if (got.status == 400 || got.status == 422)
      return out;
    if (!got.ok()) {
      out.what = event_reading::kind::unknown;
      return out;
    }
    if (text_at(got.body, "verification_status") != "SUCCESS")
      return out;
    out.event.id = text_at(event, "id");
    out.event.type = text_at(event, "event_type");
    const auto& resource = member(event, "resource");
    out.what = out.event.id.empty() || out.event.type.empty() || !resource.is_object() ? event_reading::kind::unreadable
                                                                                      : event_reading::kind::genuine;
    out.event.order_id = id_at(resource, "custom_id");
    for (const auto& unit : list_at(resource, "purchase_units")) {
      out.event.order_id = id_at(unit, "custom_id");
      out.event.attempt_id = id_at(unit, "reference_id");
    }
  } catch (...) {
    out = {event_reading::kind::unknown, {}};
  }
  return out;
}

provider_entries paypal_gateway::entries(const storage::ulid& store, const storage::payment_account& account,
                                         storage::timestamp from, storage::timestamp to) {
  provider_entries out;
  try {
    auto who = open(store, account, books_limit);
    if (!who)
      return out;
    // Of what is to come PayPal reports nothing, and refuses to be asked.
    to = std::min<storage::timestamp>(to, std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now()));
    for (auto start = from; start < to; start += report_span) {
      auto end = std::min<storage::timestamp>(start + report_span, to);
      auto path = "/v1/reporting/transactions?fields=transaction_info&page_size=500&start_date=" + rfc3339(start)
                + "&end_date=" + rfc3339(end);
      bool more = true;
      for (int page = 1; more; ++page) {
        auto got = page > pages_max ? paypal_reply{} : api_.get(*who, path + "&page=" + std::to_string(page));
        if (!got.ok())
          return out;
        for (const auto& line : list_at(got.body, "transaction_details")) {
          provider_entry entry;
          // PayPal counts both ends in, and whole seconds.
          if (read_entry(member(line, "transaction_info"), entry) && entry.at >= start && entry.at < end)
            out.entries.push_back(std::move(entry));
        }
        more = page < integer_at(got.body, "total_pages", 1);
      }
    }
    out.complete = true;
  } catch (...) {
    out.complete = false;
  }
  return out;
}

} // namespace souk::integrations
