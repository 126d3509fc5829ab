#include "tests/gateway_probe/commands.hpp"

#include "integrations/payment/paypal_gateway.hpp"
#include "integrations/payment/stripe_gateway.hpp"
#include "integrations/shipping/shipstation_carrier.hpp"

#include <stdexcept>

namespace souk::probe {

using actors::charge;
using actors::gateway_answer;
using actors::gateway_status;
using nlohmann::json;
using storage::timestamp;
using storage::ulid;

namespace {

ulid id_in(const json& object, const char* name) {
  auto text = object.value(name, std::string{});
  auto id = ulid::parse(text);
  if (!text.empty() && !id)
    throw std::runtime_error(std::string{name} + " is no id");
  return id.value_or(ulid{});
}

/// Seconds since 1970; 0 is not said.
timestamp time_in(const json& object, const char* name) {
  return timestamp{std::chrono::microseconds{static_cast<std::int64_t>(object.value(name, 0.0) * 1e6)}};
}

double seconds_of(timestamp at) {
  return static_cast<double>(at.time_since_epoch().count()) / 1e6;
}

std::string shown(const ulid& id) {
  return id.is_nil() ? std::string{} : id.str();
}

integrations::client_tuning tuning_in(const json& given) {
  integrations::client_tuning out;
  auto ms = [&](const char* name, std::chrono::milliseconds otherwise) {
    return std::chrono::milliseconds{given.value(name, otherwise.count())};
  };
  out.retries = given.value("retries", out.retries);
  out.back_off_first = ms("back_off_first_ms", out.back_off_first);
  out.back_off_max = ms("back_off_max_ms", out.back_off_max);
  out.calls_per_second = given.value("calls_per_second", out.calls_per_second);
  out.burst = given.value("burst", out.burst);
  out.breaker_failures = given.value("breaker_failures", out.breaker_failures);
  out.breaker_window = ms("breaker_window_ms", out.breaker_window);
  out.breaker_pause = ms("breaker_pause_ms", out.breaker_pause);
  return out;
}

storage::postal_address address_in(const json& given) {
  storage::postal_address out;
  out.name = given.value("name", "");
  out.line1 = given.value("line1", "");
  out.line2 = given.value("line2", "");
  out.city = given.value("city", "");
  out.region = given.value("region", "");
  out.postal_code = given.value("postal_code", "");
  out.country = given.value("country", "");
  out.phone = given.value("phone", "");
  return out;
}

charge charge_in(const json& given) {
  charge c;
  c.attempt_id = id_in(given, "attempt_id");
  c.order_id = id_in(given, "order_id");
  c.store_id = id_in(given, "store_id");
  c.amount = given.value("amount", std::int64_t{0});
  c.currency = given.value("currency", "EUR");
  c.method_token = given.value("method_token", "");
  c.reference = given.value("reference", "");
  c.order_number = given.value("order_number", std::int64_t{1001});
  c.email = given.value("email", "");
  c.store_name = given.value("store_name", "");
  c.address = address_in(given.value("address", json::object()));
  c.created_at = time_in(given, "created_at");
  c.return_url = given.value("return_url", "");
  c.captures = given.value("captures", std::int64_t{0});
  c.refund_id = id_in(given, "refund_id");
  c.refunds = given.value("refunds", std::int64_t{0});
  c.refund_reference = given.value("refund_reference", "");
  c.refund_reason = given.value("refund_reason", "");
  c.refund_created_at = time_in(given, "refund_created_at");
  return c;
}

const char* name_of(gateway_status status) {
  switch (status) {
    case gateway_status::succeeded: return "succeeded";
    case gateway_status::declined: return "declined";
    case gateway_status::requires_action: return "requires_action";
    case gateway_status::processing: return "processing";
    case gateway_status::cancelled: return "cancelled";
    case gateway_status::refunded: return "refunded";
    case gateway_status::unknown: return "unknown";
    case gateway_status::not_found: return "not_found";
    case gateway_status::rejected: return "rejected";
    case gateway_status::authorized: return "authorized";
    case gateway_status::not_now: return "not_now";
  }
  return "";
}

json answer_json(const gateway_answer& a) {
  return {{"status", name_of(a.status)},   {"reference", a.reference},
          {"code", a.code},                {"action_url", a.action_url},
          {"refund_reference", a.refund_reference}, {"captured", a.captured},
          {"refunded", a.refunded}};
}

actors::provider_call call_in(const json& given) {
  actors::provider_call call;
  const auto headers = given.value("headers", json::object());
  for (const auto& [name, value] : headers.items())
    call.headers[name] = value.get<std::string>();
  call.body = given.value("body", "");
  return call;
}

json event_json(const actors::event_reading& read) {
  constexpr const char* kinds[] = {"genuine", "forged", "unreadable", "unknown"};
  return {{"what", kinds[static_cast<int>(read.what)]},
          {"id", read.event.id},
          {"type", read.event.type},
          {"order_id", shown(read.event.order_id)},
          {"attempt_id", shown(read.event.attempt_id)}};
}

json entries_json(const actors::provider_entries& read) {
  auto list = json::array();
  for (const auto& e : read.entries)
    list.push_back({{"reference", e.reference},
                    {"refund_reference", e.refund_reference},
                    {"order_id", shown(e.order_id)},
                    {"attempt_id", shown(e.attempt_id)},
                    {"refund", e.refund},
                    {"amount", e.amount},
                    {"currency", e.currency},
                    {"at", seconds_of(e.at)}});
  return {{"complete", read.complete}, {"entries", list}};
}

storage::order_snapshot order_in(const json& given, const ulid& store) {
  storage::order_snapshot out;
  auto& o = out.order;
  o.id = id_in(given, "id");
  o.store_id = store;
  o.number = given.value("number", std::int64_t{1001});
  o.currency = given.value("currency", "EUR");
  o.status = static_cast<storage::order_status>(given.value("status", 2));
  o.payment = static_cast<storage::payment_status>(given.value("payment", 2));
  o.total = given.value("total", std::int64_t{0});
  o.tax = given.value("tax", std::int64_t{0});
  o.shipping = given.value("shipping", std::int64_t{0});
  o.discount = given.value("discount", std::int64_t{0});
  o.pricing.tax_inclusive = given.value("tax_inclusive", false);
  o.email = given.value("email", "");
  o.shipping_method = given.value("shipping_method", "");
  o.address = address_in(given.value("address", json::object()));
  o.created_at = time_in(given, "created_at");
  for (const auto& line : given.value("items", json::array())) {
    storage::order_item_row item;
    item.line = line.at("line");
    item.sku = line.value("sku", "");
    item.title = line.value("title", "");
    item.quantity = line.at("quantity");
    item.unit_price = line.at("unit_price");
    item.grams = line.value("grams", std::int64_t{0});
    item.requires_shipping = line.value("requires_shipping", true);
    out.items.push_back(item);
  }
  for (const auto& parcel : given.value("parcels", json::array())) {
    storage::fulfilment sent;
    sent.state = storage::fulfilment_state::shipped;
    sent.source = parcel.at("source");
    sent.lines.push_back({parcel.at("line"), parcel.at("quantity")});
    out.life.fulfilments.push_back(sent);
  }
  return out;
}

json shipping_json(const actors::shipping_answer& a) {
  constexpr const char* kinds[] = {"done", "rejected", "not_now"};
  return {{"what", kinds[static_cast<int>(a.what)]}, {"reference", a.reference}, {"why", a.error}};
}

json news_json(const actors::shipping_news& news) {
  constexpr const char* kinds[] = {"parcels", "forged", "not_now"};
  auto parcels = json::array();
  for (const auto& p : news.parcels) {
    auto lines = json::array();
    for (const auto& [line, quantity] : p.lines)
      lines.push_back({line, quantity});
    parcels.push_back({{"external_id", p.external_id},
                       {"order_id", shown(p.order_id)},
                       {"lines", lines},
                       {"carrier", p.carrier},
                       {"tracking_number", p.tracking_number},
                       {"tracking_url", p.tracking_url},
                       {"voided", p.voided}});
  }
  return {{"what", kinds[static_cast<int>(news.what)]}, {"parcels", parcels}};
}

} // namespace

clients::clients(const json& settings) {
  box_ = std::make_shared<actors::secret_box>(std::vector<std::string>{std::string(64, 'a')});
  std::chrono::milliseconds limit{settings.value("time_limit_ms", 5000)};
  auto tuning = tuning_in(settings.value("tuning", json::object()));
  if (settings.contains("stripe"))
    gateways_["stripe"] = std::make_shared<integrations::stripe_gateway>(settings["stripe"], limit, box_, tuning);
  if (settings.contains("paypal"))
    gateways_["paypal"] = std::make_shared<integrations::paypal_gateway>(settings["paypal"], limit, box_, tuning);
  if (settings.contains("shipstation"))
    carriers_["shipstation"] = std::make_shared<integrations::shipstation_carrier>(settings["shipstation"], limit, box_, tuning);
}

std::string clients::sealed(const ulid& store, const std::string& provider, const json& secrets) const {
  return secrets.is_null() ? std::string{} : box_->seal(actors::secret_owner(store, provider), secrets.dump());
}

json clients::run(const json& command) {
  const std::string name = command.at("client");
  if (auto gate = gateways_.find(name); gate != gateways_.end())
    return pay(*gate->second, command);
  if (auto service = carriers_.find(name); service != carriers_.end())
    return ship(*service->second, command);
  throw std::runtime_error("there is no client " + name);
}

json clients::pay(actors::gateway& gate, const json& command) {
  auto c = charge_in(command.value("charge", json::object()));
  const auto given = command.value("account", json::object());
  c.account.provider = command.at("client");
  c.account.manual_capture = given.value("manual_capture", false);
  c.account.public_key = given.value("public_key", "");
  c.account.sealed = sealed(c.store_id, c.account.provider, given.value("secrets", json()));
  const std::string verb = command.at("verb");
  if (verb == "authorize")
    return answer_json(gate.authorize(c));
  if (verb == "query")
    return answer_json(gate.query(c));
  if (verb == "capture")
    return answer_json(gate.capture(c));
  if (verb == "cancel")
    return answer_json(gate.cancel(c));
  if (verb == "refund")
    return answer_json(gate.refund(c));
  if (verb == "query_refund")
    return answer_json(gate.query_refund(c));
  if (verb == "check_account")
    return gate.check_account(c.store_id, c.account);
  if (verb == "read_event")
    return event_json(gate.read_event(c.store_id, c.account, call_in(command), time_in(command, "now")));
  if (verb == "entries")
    return entries_json(gate.entries(c.store_id, c.account, time_in(command, "from"), time_in(command, "to")));
  throw std::runtime_error("there is no verb " + verb);
}

json clients::ship(actors::carrier& service, const json& command) {
  storage::store_row store;
  store.id = id_in(command, "store_id");
  store.name = "Tea & Co";
  storage::carrier_account account;
  const auto given = command.value("account", json::object());
  account.provider = command.at("client");
  account.public_key = given.value("public_key", "");
  account.sealed = sealed(store.id, account.provider, given.value("secrets", json()));
  const std::string verb = command.at("verb");
  if (verb == "push")
    return shipping_json(service.push(order_in(command.at("order"), store.id), store, account));
  if (verb == "withdraw")
    return shipping_json(service.withdraw(order_in(command.at("order"), store.id), store, account));
  if (verb == "check_account")
    return service.check_account(store.id, account, command.value("webhook_url", ""));
  if (verb == "read_event")
    return news_json(service.read_event(store.id, account, call_in(command)));
  throw std::runtime_error("there is no verb " + verb);
}

} // namespace souk::probe
