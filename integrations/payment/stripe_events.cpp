// What Stripe tells of its own accord, and its books.

#include "integrations/payment/stripe_gateway.hpp"
#include "integrations/payment/stripe_money.hpp"
#include "integrations/payment/stripe_signature.hpp"
#include "integrations/provider_http/account_secrets.hpp"
#include "integrations/provider_http/json_fields.hpp"

#include <algorithm>
#include <set>

namespace souk::integrations {

using actors::event_reading;
using actors::provider_entries;
using actors::provider_entry;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr auto books_limit = 60s; // a day of a busy shop has many pages
constexpr int pages_max = 2000;
constexpr std::chrono::days events_live{30}; // then Stripe forgets them

storage::ulid id_at(const json& object, const char* name) {
  return storage::ulid::parse(text_at(object, {"metadata", name})).value_or(storage::ulid{});
}

/// The first whole second that is not before `at`: Stripe counts in whole ones.
std::string second_from(storage::timestamp at) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(at.time_since_epoch()).count());
}

provider_entry entry_of(const json& event) {
  const auto& object = member(event, {"data", "object"});
  provider_entry out;
  out.order_id = id_at(object, "order_id");
  out.attempt_id = id_at(object, "attempt_id");
  out.currency = text_at(object, "currency");
  std::transform(out.currency.begin(), out.currency.end(), out.currency.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  out.at = storage::timestamp{std::chrono::seconds{integer_at(event, "created")}};
  out.refund = text_at(object, "object") == "refund";
  if (out.refund) {
    out.refund_reference = text_at(object, "id");
    out.reference = text_at(object, "payment_intent");
    out.amount = from_stripe_amount(integer_at(object, "amount"), out.currency);
  } else {
    out.reference = text_at(object, "id");
    out.amount = from_stripe_amount(integer_at(object, "amount_received"), out.currency);
  }
  return out;
}

} // namespace

std::string stripe_gateway::check_account(const storage::ulid& store, const storage::payment_account& account) {
  try {
    auto who = open(store, account, time_limit_);
    if (!who)
      return "bad_credentials";
    // What a restricted key needs to be allowed anyway; the account itself it may not be shown.
    auto got = api_.get(*who, "/v1/payment_intents?limit=1");
    return got.ok() ? "" : got.unauthorized() ? "bad_credentials" : "unreachable";
  } catch (...) {
    return "unreachable";
  }
}

event_reading stripe_gateway::read_event(const storage::ulid& store, const storage::payment_account& account,
                                         const actors::provider_call& call, storage::timestamp now) {
  event_reading out;
  try {
    auto secrets = open_account(box_.get(), store, "stripe", account.sealed);
    auto header = call.headers.find("stripe-signature");
    if (!secrets || header == call.headers.end())
      return out;
    std::vector<std::string> keys;
    for (const auto& key : list_at(*secrets, "webhook_secrets"))
      if (key.is_string())
        keys.push_back(key.get<std::string>());
    auto now_s = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    if (!stripe_signature_holds(header->second, call.body, keys, now_s))
      return out;
    auto event = parsed(call.body);
    out.event.id = text_at(event, "id");
    out.event.type = text_at(event, "type");
    const auto& object = member(event, {"data", "object"});
    if (out.event.id.empty() || out.event.type.empty() || !object.is_object()) {
      out.what = event_reading::kind::unreadable;
      return out;
    }
    out.what = event_reading::kind::genuine;
    // Two stores may share an account: each hears of the other's payments.
    auto owner = id_at(object, "store_id");
    if (owner.is_nil() || owner == store) {
      out.event.order_id = id_at(object, "order_id");
      out.event.attempt_id = id_at(object, "attempt_id");
    }
  } catch (...) {
    out = {event_reading::kind::unknown, {}};
  }
  return out;
}

/// From the events, which say when money moved. What Stripe may have forgotten makes it incomplete.
provider_entries stripe_gateway::entries(const storage::ulid& store, const storage::payment_account& account,
                                         storage::timestamp from, storage::timestamp to) {
  provider_entries out;
  try {
    auto who = open(store, account, books_limit);
    if (!who)
      return out;
    auto path = "/v1/events?limit=100&created%5Bgte%5D=" + second_from(from) + "&created%5Blt%5D=" + second_from(to)
              + "&types%5B%5D=payment_intent.succeeded&types%5B%5D=refund.created&types%5B%5D=refund.updated";
    std::set<std::string> seen;
    std::string after;
    for (int page = 0; page < pages_max; ++page) {
      auto got = api_.get(*who, path + (after.empty() ? "" : "&starting_after=" + percent_encoded(after)));
      if (!got.ok())
        return out;
      for (const auto& event : list_at(got.body, "data")) {
        after = text_at(event, "id");
        const auto& object = member(event, {"data", "object"});
        bool moved = text_at(object, "status") == "succeeded" && seen.insert(text_at(object, "id")).second;
        if (moved)
          out.entries.push_back(entry_of(event));
      }
      if (member(got.body, "has_more") != true || after.empty()) {
        out.complete = from > std::chrono::system_clock::now() - events_live;
        return out;
      }
    }
  } catch (...) {
    out.complete = false;
  }
  return out;
}

} // namespace souk::integrations
