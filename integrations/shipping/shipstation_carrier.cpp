#include "integrations/shipping/shipstation_carrier.hpp"

#include "integrations/provider_http/account_secrets.hpp"
#include "integrations/provider_http/json_fields.hpp"
#include "integrations/shipping/shipstation_orders.hpp"

#include <algorithm>

namespace souk::integrations {

using actors::shipping_answer;
using actors::shipping_news;
using nlohmann::json;
using storage::order_snapshot;

namespace {

constexpr int pages_max = 20; // of 500 parcels: a batch is far smaller

/// A limit is counted per minute, so that waiting for it within a call is no use.
bool shipstation_retry(const http_reply& reply) {
  return reply.status == 0 || reply.status >= 500;
}

std::string id_of(const json& order) {
  const auto& id = member(order, "orderId");
  return id.is_number_integer() ? std::to_string(id.get<std::int64_t>()) : std::string{};
}

shipping_answer done(const json& order) {
  return {shipping_answer::kind::done, id_of(order), {}};
}

shipping_answer rejected(std::string error, std::string reference = {}) {
  return {shipping_answer::kind::rejected, std::move(reference), std::move(error)};
}

} // namespace

client_tuning shipstation_tuning() {
  client_tuning tuning;
  tuning.calls_per_second = 40.0 / 60;
  tuning.burst = 40;
  return tuning;
}

shipstation_carrier::shipstation_carrier(const std::string& base_url, std::chrono::milliseconds time_limit,
                                         std::shared_ptr<const actors::secret_box> box, client_tuning tuning)
  : client_{base_url, tuning, shipstation_retry}, time_limit_{time_limit}, box_{std::move(box)} {
  // nop
}

std::optional<shipstation_carrier::access> shipstation_carrier::open(const storage::ulid& store,
                                                                     const storage::carrier_account& account) const {
  auto secrets = open_account(box_.get(), store, "shipstation", account.sealed);
  auto secret = secrets ? text_at(*secrets, "api_secret") : std::string{};
  if (secret.empty() || account.public_key.empty())
    return std::nullopt;
  return access{account_name(account.public_key), basic_authorization(account.public_key, secret),
                provider_client::clock::now() + time_limit_};
}

shipstation_carrier::reply shipstation_carrier::send(const access& who, const char* method, const std::string& path,
                                                     const json& body) {
  http_request request;
  request.method = method;
  request.path = path;
  request.headers = {who.authorization, "Content-Type: application/json"};
  if (!body.is_null())
    request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  auto got = client_.send(who.account, request, who.deadline);
  auto reset = seconds_in(got.http.header("x-rate-limit-reset"));
  if (got.status() == 429 && reset < 0)
    reset = seconds_in(got.http.header("retry-after"));
  if ((got.status() == 429 || got.http.header("x-rate-limit-remaining") == "0") && reset > 0)
    client_.hold_back(who.account, provider_client::clock::now() + std::chrono::seconds{std::min<std::int64_t>(reset, 120)});
  return {got.status(), parsed(got.http.body)};
}

// -- orders ---------------------------------------------------------------------

shipping_answer shipstation_carrier::push(const order_snapshot& order, const storage::store_row& store,
                                          const storage::carrier_account& account) {
  return put(order, store, account, shipstation_status(order.order));
}

shipping_answer shipstation_carrier::withdraw(const order_snapshot& order, const storage::store_row& store,
                                              const storage::carrier_account& account) {
  return put(order, store, account, "cancelled");
}

shipping_answer shipstation_carrier::put(const order_snapshot& order, const storage::store_row& store,
                                         const storage::carrier_account& account, const std::string& status) {
  try {
    auto who = open(store.id, account);
    if (!who)
      return rejected("no_account");
    auto got = send(*who, "POST", "/orders/createorder", shipstation_order(order, store, status));
    if (got.ok() && !id_of(got.body).empty())
      return done(got.body);
    if (got.status == 400)
      return refused(*who, order, got, status == "cancelled");
    if (got.status == 401 || got.status == 403)
      return rejected("bad_credentials"); // nobody knows when the merchant mends them, and other merchants' orders wait behind this one
    if (got.status == 413 || got.status == 422)
      return rejected("status_" + std::to_string(got.status));
    return {shipping_answer::kind::not_now, {}, got.status == 0 ? "no_answer" : "status_" + std::to_string(got.status)};
  } catch (...) {
    return {shipping_answer::kind::not_now, {}, "failed"};
  }
}

/// An order that is shipped or cancelled there can no longer be changed, which is right if that is what was wanted.
shipping_answer shipstation_carrier::refused(const access& who, const order_snapshot& order, const reply& no, bool withdrawing) {
  auto got = send(who, "GET", "/orders?pageSize=500&orderNumber=" + std::to_string(order.order.number));
  if (!got.ok())
    return {shipping_answer::kind::not_now, {}, "status_" + std::to_string(got.status)};
  for (const auto& known : list_at(got.body, "orders")) {
    if (text_at(known, "orderKey") != order.order.id.str())
      continue;
    auto status = text_at(known, "orderStatus");
    if (withdrawing ? status == "cancelled" : status == "shipped")
      return done(known);
    if (status == "shipped" || status == "cancelled")
      return rejected("already_" + status, id_of(known));
  }
  auto why = text_at(no.body, "ExceptionMessage");
  if (why.empty())
    why = text_at(no.body, "Message");
  return rejected(why.empty() ? "status_400" : why.substr(0, 200));
}

// -- news -----------------------------------------------------------------------

shipping_news shipstation_carrier::read_event(const storage::ulid& store, const storage::carrier_account& account,
                                              const actors::provider_call& call) {
  shipping_news out;
  try {
    auto event = parsed(call.body);
    auto resource = text_at(event, "resource_url");
    auto type = text_at(event, "resource_type");
    if (resource.empty() || type.empty())
      return out;
    auto path = shipments_path(resource, client_.base_url());
    bool ships = type == "SHIP_NOTIFY" || type == "ITEM_SHIP_NOTIFY";
    if (ships && path.empty())
      return out;
    out.what = shipping_news::kind::parcels; // none, of an event that is about something else
    if (!ships)
      return out;
    auto who = open(store, account);
    for (int page = 1; who && page <= pages_max; ++page) {
      auto got = send(*who, "GET", path + "&pageSize=500&page=" + std::to_string(page));
      if (!got.ok()) {
        // ShipStation does not know what it is said to have told of: somebody else told it.
        bool never = got.status == 400 || got.status == 404;
        return {never ? shipping_news::kind::forged : shipping_news::kind::not_now, {}};
      }
      for (const auto& shipment : list_at(got.body, "shipments")) {
        auto parcel = read_shipment(shipment);
        if (!parcel.order_id.is_nil())
          out.parcels.push_back(std::move(parcel));
      }
      if (page >= integer_at(got.body, "pages", 1))
        return out;
    }
    return {shipping_news::kind::not_now, {}};
  } catch (...) {
    return {shipping_news::kind::not_now, {}};
  }
}

std::string shipstation_carrier::check_account(const storage::ulid& store, const storage::carrier_account& account,
                                               const std::string& webhook_url) {
  try {
    auto who = open(store, account);
    if (!who)
      return "bad_credentials";
    auto got = send(*who, "GET", "/webhooks");
    if (got.status == 401 || got.status == 403)
      return "bad_credentials";
    if (!got.ok())
      return "unreachable";
    for (const auto& hook : list_at(got.body, "webhooks"))
      if (text_at(hook, "Url") == webhook_url && text_at(hook, "HookType") == "SHIP_NOTIFY" && member(hook, "Active") != false)
        return {};
    if (webhook_url.empty())
      return {};
    auto made = send(*who, "POST", "/webhooks/subscribe",
                     {{"target_url", webhook_url}, {"event", "SHIP_NOTIFY"}, {"store_id", nullptr}, {"friendly_name", "souk"}});
    if (made.ok())
      return {};
    return made.status == 400 ? "webhook_refused" : "unreachable";
  } catch (...) {
    return "unreachable";
  }
}

} // namespace souk::integrations
