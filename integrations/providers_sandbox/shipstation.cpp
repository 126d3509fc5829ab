#include "integrations/providers_sandbox/shipstation.hpp"

#include "integrations/providers_sandbox/form.hpp"
#include "integrations/providers_sandbox/signatures.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <thread>

namespace souk::providers {

namespace {

constexpr std::int64_t window_ms = 60'000;
constexpr std::int64_t first_number = 100'000'001; ///< ids are numbers in this API
constexpr std::int64_t page_size_default = 100;
constexpr std::int64_t page_size_max = 500;
constexpr std::size_t batch_max = 100;
constexpr std::array<std::string_view, 5> statuses{"awaiting_payment", "awaiting_shipment", "shipped", "on_hold",
                                                   "cancelled"};
constexpr std::array<std::string_view, 6> events{"ORDER_NOTIFY",     "ITEM_ORDER_NOTIFY",   "SHIP_NOTIFY",
                                                 "ITEM_SHIP_NOTIFY", "FULFILLMENT_SHIPPED", "FULFILLMENT_REJECTED"};

answer say(int status, const json& body) {
  return {status, body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

answer invalid(const json& state) {
  return say(400, {{"Message", "The request is invalid."}, {"ModelState", state}});
}

std::string text_in(const json& object, const char* name) {
  if (!object.is_object())
    return {};
  auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string{};
}

/// @returns a number that a query gives as text and a body as number or text; 0 when it is none.
std::int64_t number_in(const json& object, const char* name) {
  if (!object.is_object() || !object.contains(name))
    return 0;
  if (object[name].is_number_integer())
    return object[name].get<std::int64_t>();
  auto text = text_in(object, name);
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

/// ShipStation writes local times without an offset; ours are UTC.
std::string stamp(std::int64_t at_ms) {
  std::time_t seconds = at_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return std::string{text.data(), length} + ".0000000";
}

json page_of(const char* name, std::vector<json> all, const json& query) {
  auto size = number_in(query, "pageSize");
  size = size == 0 ? page_size_default : std::clamp<std::int64_t>(size, 1, page_size_max);
  auto page = std::max<std::int64_t>(number_in(query, "page"), 1);
  auto total = static_cast<std::int64_t>(all.size());
  auto pages = (total + size - 1) / size;
  auto items = json::array();
  for (auto i = std::min((page - 1) * size, total); i < std::min(page * size, total); ++i)
    items.push_back(std::move(all[static_cast<std::size_t>(i)]));
  return {{name, std::move(items)}, {"total", total}, {"page", page}, {"pages", pages}};
}

} // namespace

shipstation::shipstation(store& memory, webhook_sender& sender, faults& knobs, shipstation_options options)
  : store_{memory}, sender_{sender}, faults_{knobs}, options_{std::move(options)} {
  store_.watch(table::ship_order, [this](const row& subject, const json&) { account_of_key_[subject.id] = subject.account; });
}

bool shipstation::is_command(const call& asked) const {
  return asked.method != "GET";
}

answer shipstation::refusal(const call&, int status) {
  if (status == 429)
    return answer{429, "Too Many Requests", "text/plain"}
      .with("Retry-After", "1")
      .with("X-Rate-Limit-Limit", std::to_string(options_.calls_per_minute))
      .with("X-Rate-Limit-Remaining", "0")
      .with("X-Rate-Limit-Reset", "1");
  return say(status, {{"Message", "An error has occurred."}});
}

shipstation::limit_state shipstation::count(std::uint32_t account) {
  std::lock_guard lock{windows_mutex_};
  auto& current = windows_[account];
  auto now = now_ms();
  if (now - current.began >= window_ms)
    current = {now, 0};
  ++current.calls;
  return {std::max<std::int64_t>(options_.calls_per_minute - current.calls, 0),
          (current.began + window_ms - now + 999) / 1000, current.calls > options_.calls_per_minute};
}

answer shipstation::handle(call& asked) {
  auto header = asked.header("Authorization");
  auto pair = header.starts_with("Basic ") ? from_base64(std::string_view{header}.substr(6)) : std::string{};
  auto colon = pair.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == pair.size() || pair.find("bad") != std::string::npos
      || !is_utf8(pair))
    return answer{401, "401 Unauthorized", "text/plain"}.with("WWW-Authenticate", "Basic realm=\"ShipStation\"");
  auto account = store_.intern(pair.substr(0, colon));
  auto left = count(account);
  auto limited = [&](answer said) {
    return std::move(said)
      .with("X-Rate-Limit-Limit", std::to_string(options_.calls_per_minute))
      .with("X-Rate-Limit-Remaining", std::to_string(left.remaining))
      .with("X-Rate-Limit-Reset", std::to_string(left.reset_s));
  };
  if (left.over)
    return limited(answer{429, "Too Many Requests", "text/plain"}.with("Retry-After", std::to_string(left.reset_s)));
  if (asked.faults.latency_ms > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds{asked.faults.latency_ms});
  if (asked.faults.conflict)
    return limited(say(409, {{"Message", "Another request changes this order."}}));
  auto query = parse_form(asked.query);
  auto body = asked.body.empty() ? json::object() : json::parse(asked.body, nullptr, false);
  if (!query || body.is_discarded())
    return limited(say(400, {{"Message", "The request is invalid."}}));
  auto said = route(asked, account, *query, body);
  return limited(asked.faults.fail ? refusal(asked, 500) : std::move(said));
}

answer shipstation::route(const call& asked, std::uint32_t account, const json& query, const json& body) {
  if (asked.method == "POST") {
    if (asked.path == "/orders/createorder")
      return create_order(account, body);
    if (asked.path == "/orders/createorders")
      return create_orders(account, body);
    if (asked.path == "/orders/markasshipped")
      return mark_as_shipped(account, body);
    if (asked.path == "/webhooks/subscribe")
      return subscribe(account, body);
  } else if (asked.method == "GET") {
    if (asked.path == "/orders")
      return list_orders(account, query);
    if (asked.segments.size() == 2 && asked.segments[0] == "orders")
      return find_order(account, std::string{asked.segments[1]});
    if (asked.path == "/shipments")
      return list_shipments(account, query);
    if (asked.path == "/webhooks")
      return list_webhooks(account);
    if (asked.path == "/carriers")
      return say(200, json::array({{{"name", "Stamps.com"}, {"code", "stamps_com"}, {"primary", true}},
                                   {{"name", "UPS"}, {"code", "ups"}, {"primary", false}},
                                   {{"name", "FedEx"}, {"code", "fedex"}, {"primary", false}}}));
  } else if (asked.method == "DELETE" && asked.segments.size() == 2 && asked.segments[0] == "webhooks") {
    return remove_webhook(account, std::string{asked.segments[1]});
  }
  return say(404, {{"Message", "No HTTP resource was found that matches the request URI."}});
}

// -- orders ---------------------------------------------------------------------

namespace {

/// @returns ModelState: what is wrong with an order, by field; empty when nothing is.
json check_order(const json& given) {
  auto state = json::object();
  auto missing = [&](const char* name) {
    state["apiOrder." + std::string{name}] = json::array({"The " + std::string{name} + " field is required."});
  };
  if (!given.is_object()) {
    state["apiOrder"] = json::array({"An order is an object."});
    return state;
  }
  for (const char* name : {"orderNumber", "orderDate", "orderStatus"})
    if (text_in(given, name).empty())
      missing(name);
  for (const char* name : {"billTo", "shipTo"})
    if (!given.contains(name) || !given[name].is_object() || !given[name].contains("name"))
      missing(name);
  auto status = text_in(given, "orderStatus");
  if (!status.empty() && std::find(statuses.begin(), statuses.end(), status) == statuses.end())
    state["apiOrder.orderStatus"] = json::array({"'" + status + "' is no order status."});
  if (text_in(given, "orderNumber").size() > 50 || text_in(given, "orderKey").size() > 200)
    state["apiOrder.orderNumber"] = json::array({"orderNumber has at most 50 characters, orderKey at most 200."});
  if (given.contains("items") && !given["items"].is_array())
    state["apiOrder.items"] = json::array({"items is a list."});
  return state;
}

} // namespace

json shipstation::upsert(store::transaction& change, std::uint32_t account, const json& given, const std::string& batch,
                         bool& fresh) {
  auto key = text_in(given, "orderKey");
  if (key.empty())
    key = random_id("", 32);
  auto now = now_ms();
  const auto* known = change.find(table::ship_order, account, key);
  fresh = known == nullptr;
  auto order = known == nullptr ? json::object() : change.read(*known);
  if (known != nullptr && (order["orderStatus"] == "shipped" || order["orderStatus"] == "cancelled"))
    return {{"Message", "The order is " + order["orderStatus"].get<std::string>() + " and can no longer be changed."}};
  for (const auto& [name, value] : given.items())
    if (name != "orderId" && name != "_batch")
      order[name] = value;
  order["orderKey"] = key;
  order["modifyDate"] = stamp(now);
  if (known == nullptr) {
    order["orderId"] = first_number + static_cast<std::int64_t>(change.size(table::ship_order));
    order["createDate"] = stamp(now);
    order["_batch"] = batch;
  }
  auto items = order.value("items", json::array());
  double total = 0;
  std::int64_t item_id = order["orderId"].get<std::int64_t>() * 100;
  for (auto& item : items) {
    if (!item.is_object())
      continue;
    item["orderItemId"] = ++item_id;
    if (item.contains("unitPrice") && item["unitPrice"].is_number() && item.contains("quantity") && item["quantity"].is_number())
      total += item["unitPrice"].get<double>() * item["quantity"].get<double>();
  }
  for (const char* name : {"taxAmount", "shippingAmount"})
    if (order.contains(name) && order[name].is_number())
      total += order[name].get<double>();
  order["items"] = items;
  order["orderTotal"] = total;
  change.put(table::ship_order, account, key, order);
  order.erase("_batch");
  return order;
}

answer shipstation::create_order(std::uint32_t account, const json& body) {
  if (auto state = check_order(body); !state.empty())
    return invalid(state);
  store::transaction change{store_};
  auto batch = random_id("", 32);
  bool fresh = false;
  auto order = upsert(change, account, body, batch, fresh);
  change.finish();
  if (order.contains("Message"))
    return say(400, order);
  if (fresh)
    notify(account, "ORDER_NOTIFY", "/orders?importBatch=" + batch);
  return say(200, order);
}

answer shipstation::create_orders(std::uint32_t account, const json& body) {
  if (!body.is_array() || body.empty() || body.size() > batch_max)
    return say(400, {{"Message", "The body is a list of 1 to 100 orders."}});
  auto batch = random_id("", 32);
  auto results = json::array();
  bool errors = false;
  bool any = false;
  store::transaction change{store_};
  for (const auto& given : body) {
    auto state = check_order(given);
    bool fresh = false;
    auto order = state.empty() ? upsert(change, account, given, batch, fresh) : json{{"Message", state.dump()}};
    any = any || fresh;
    bool good = !order.contains("Message");
    errors = errors || !good;
    results.push_back({{"orderNumber", text_in(given, "orderNumber")},
                       {"orderKey", good ? order["orderKey"] : json(text_in(given, "orderKey"))},
                       {"orderId", good ? order["orderId"] : json()},
                       {"success", good},
                       {"errorMessage", good ? json() : order["Message"]}});
  }
  change.finish();
  if (any)
    notify(account, "ORDER_NOTIFY", "/orders?importBatch=" + batch);
  return say(200, {{"hasErrors", errors}, {"results", results}});
}

answer shipstation::list_orders(std::uint32_t account, const json& query) {
  std::vector<place> places;
  {
    store::transaction look{store_};
    for (auto number : look.list(table::ship_order, account))
      places.push_back(look.at(table::ship_order, number).at);
    look.finish();
  }
  auto number = text_in(query, "orderNumber");
  auto status = text_in(query, "orderStatus");
  auto batch = text_in(query, "importBatch");
  std::vector<json> found;
  for (auto where : places) {
    auto order = json::parse(store_.text(where));
    bool fits = (number.empty() || text_in(order, "orderNumber").starts_with(number))
             && (status.empty() || order["orderStatus"] == status) && (batch.empty() || order["_batch"] == batch);
    for (auto [bound, field, later] :
         {std::tuple{"createDateStart", "createDate", true}, std::tuple{"createDateEnd", "createDate", false},
          std::tuple{"modifyDateStart", "modifyDate", true}, std::tuple{"modifyDateEnd", "modifyDate", false}}) {
      auto at = text_in(query, bound);
      if (!at.empty())
        fits = fits && (later ? text_in(order, field) >= at : text_in(order, field) <= at);
    }
    if (!fits)
      continue;
    order.erase("_batch");
    found.push_back(std::move(order));
  }
  return say(200, page_of("orders", std::move(found), query));
}

answer shipstation::find_order(std::uint32_t account, const std::string& id) {
  auto number = number_in({{"id", id}}, "id") - first_number;
  store::transaction look{store_};
  if (number < 0 || static_cast<std::size_t>(number) >= look.size(table::ship_order)
      || look.at(table::ship_order, static_cast<std::uint32_t>(number)).account != account)
    return say(404, {{"Message", "No order was found."}});
  auto order = look.read(look.at(table::ship_order, static_cast<std::uint32_t>(number)));
  look.finish();
  order.erase("_batch");
  return say(200, order);
}

// -- shipments ------------------------------------------------------------------

json shipstation::add_shipment(store::transaction& change, std::uint32_t account, json order, const std::string& carrier,
                               const std::string& tracking, const std::string& batch) {
  auto now = now_ms();
  auto id = first_number + static_cast<std::int64_t>(change.size(table::shipment));
  json shipment{{"shipmentId", id},
                {"orderId", order["orderId"]},
                {"orderKey", order["orderKey"]},
                {"orderNumber", order["orderNumber"]},
                {"createDate", stamp(now)},
                {"shipDate", stamp(now).substr(0, 10)},
                {"shipmentCost", 0.0},
                {"trackingNumber", tracking},
                {"carrierCode", carrier},
                {"serviceCode", order.value("serviceCode", json())},
                {"batchNumber", batch},
                {"voided", false},
                {"voidDate", nullptr},
                {"shipTo", order["shipTo"]},
                {"shipmentItems", order.value("items", json::array())},
                {"_batch", batch}};
  change.put(table::shipment, account, std::to_string(id), shipment);
  order["orderStatus"] = "shipped";
  order["shipDate"] = shipment["shipDate"];
  order["modifyDate"] = stamp(now);
  change.put(table::ship_order, account, order["orderKey"].get<std::string>(), order);
  shipment.erase("_batch");
  return shipment;
}

answer shipstation::list_shipments(std::uint32_t account, const json& query) {
  std::vector<place> places;
  {
    store::transaction look{store_};
    for (auto number : look.list(table::shipment, account))
      places.push_back(look.at(table::shipment, number).at);
    look.finish();
  }
  std::vector<json> found;
  for (auto where : places) {
    auto shipment = json::parse(store_.text(where));
    auto same = [&](const char* parameter, const char* field) {
      auto wanted = text_in(query, parameter);
      auto has = shipment[field].is_string() ? shipment[field].get<std::string>() : shipment[field].dump();
      return wanted.empty() || wanted == has;
    };
    if (!same("orderId", "orderId") || !same("orderNumber", "orderNumber") || !same("trackingNumber", "trackingNumber")
        || !same("shipmentId", "shipmentId") || !same("carrierCode", "carrierCode") || !same("batchId", "_batch"))
      continue;
    shipment.erase("_batch");
    auto with_items = text_in(query, "includeShipmentItems");
    if (with_items != "true" && with_items != "True")
      shipment["shipmentItems"] = nullptr;
    found.push_back(std::move(shipment));
  }
  return say(200, page_of("shipments", std::move(found), query));
}

answer shipstation::mark_as_shipped(std::uint32_t account, const json& body) {
  auto number = number_in(body, "orderId") - first_number;
  auto carrier = text_in(body, "carrierCode");
  if (carrier.empty())
    return invalid({{"apiModel.carrierCode", json::array({"The carrierCode field is required."})}});
  store::transaction change{store_};
  if (number < 0 || static_cast<std::size_t>(number) >= change.size(table::ship_order)
      || change.at(table::ship_order, static_cast<std::uint32_t>(number)).account != account)
    return say(404, {{"Message", "No order was found."}});
  auto order = change.read(change.at(table::ship_order, static_cast<std::uint32_t>(number)));
  auto batch = random_id("", 32);
  add_shipment(change, account, order, carrier, text_in(body, "trackingNumber"), batch);
  change.finish();
  notify(account, "FULFILLMENT_SHIPPED", "/shipments?batchId=" + batch + "&includeShipmentItems=False");
  return say(200, {{"orderId", order["orderId"]}, {"orderNumber", order["orderNumber"]}});
}

answer shipstation::ship(const std::string& account, const std::string& order_key, const std::string& carrier,
                         const std::string& tracking) {
  store::transaction change{store_};
  auto owner = account_of_key_.find(order_key);
  auto number = account.empty() ? (owner == account_of_key_.end() ? 0 : owner->second) : change.account(account);
  const auto* subject = change.find(table::ship_order, number, order_key);
  if (subject == nullptr)
    return say(404, {{"error", {{"message", "no order has this orderKey"}}}});
  auto order = change.read(*subject);
  if (order["orderStatus"] != "awaiting_shipment")
    return say(409, {{"error", {{"message", "the order is " + order["orderStatus"].get<std::string>()}}}});
  auto batch = random_id("", 32);
  auto shipment = add_shipment(change, number, std::move(order), carrier, tracking, batch);
  change.finish();
  notify(number, "SHIP_NOTIFY", "/shipments?batchId=" + batch + "&includeShipmentItems=False");
  notify(number, "ITEM_SHIP_NOTIFY", "/shipments?batchId=" + batch + "&includeShipmentItems=True");
  return say(200, shipment);
}

json shipstation::shipments(std::size_t after, std::size_t limit) {
  std::vector<std::pair<std::uint32_t, place>> found;
  store::transaction look{store_};
  for (auto i = after; i < look.size(table::shipment) && found.size() < limit; ++i) {
    const auto& subject = look.at(table::shipment, static_cast<std::uint32_t>(i));
    found.emplace_back(subject.account, subject.at);
  }
  look.finish();
  auto list = json::array();
  for (auto [account, where] : found) {
    auto shipment = json::parse(store_.text(where));
    shipment.erase("_batch");
    shipment["seq"] = after + list.size() + 1;
    shipment["account"] = store_.account_name(account);
    list.push_back(std::move(shipment));
  }
  return list;
}

// -- webhooks -------------------------------------------------------------------

answer shipstation::subscribe(std::uint32_t account, const json& body) {
  constexpr std::size_t webhooks_max = 50;
  auto target = text_in(body, "target_url");
  auto event = text_in(body, "event");
  if ((!target.starts_with("http://") && !target.starts_with("https://")) || target.size() > 2048)
    return invalid({{"apiModel.target_url", json::array({"The target_url field is an address of http or https."})}});
  if (std::find(events.begin(), events.end(), event) == events.end())
    return invalid({{"apiModel.event", json::array({"The event field is required and is one of the known events."})}});
  store::transaction change{store_};
  if (change.list(table::ship_webhook, account).size() >= webhooks_max)
    return say(400, {{"Message", "There are too many webhooks."}});
  auto id = std::to_string(first_number + static_cast<std::int64_t>(change.size(table::ship_webhook)));
  change.put(table::ship_webhook, account, id,
             {{"IsLabelAPIHook", false},
              {"WebHookID", std::stoll(id)},
              {"HookType", event},
              {"Url", target},
              {"Name", text_in(body, "friendly_name")},
              {"StoreID", body.value("store_id", json())},
              {"Active", true}});
  change.finish();
  return say(201, {{"id", std::stoll(id)}});
}

answer shipstation::list_webhooks(std::uint32_t account) {
  auto webhooks = json::array();
  store::transaction look{store_};
  for (auto number : look.list(table::ship_webhook, account)) {
    auto hook = look.read(look.at(table::ship_webhook, number));
    if (hook["Active"] == true)
      webhooks.push_back(std::move(hook));
  }
  look.finish();
  return say(200, {{"webhooks", webhooks}});
}

answer shipstation::remove_webhook(std::uint32_t account, const std::string& id) {
  store::transaction change{store_};
  const auto* subject = change.find(table::ship_webhook, account, id);
  if (subject == nullptr)
    return say(404, {{"Message", "No webhook was found."}});
  auto hook = change.read(*subject);
  hook["Active"] = false;
  change.put(table::ship_webhook, account, id, hook);
  change.finish();
  return {200, "", "text/plain"};
}

// A delivery says where to look and nothing else, and nothing proves where it comes from.
void shipstation::notify(std::uint32_t account, std::string_view event, const std::string& resource) {
  std::vector<std::string> targets;
  {
    store::transaction look{store_};
    for (auto number : look.list(table::ship_webhook, account)) {
      auto hook = look.read(look.at(table::ship_webhook, number));
      if (hook["Active"] == true && hook["HookType"] == event)
        targets.push_back(hook["Url"]);
    }
    if (const auto* known = look.find(table::account, account, "shipstation")) {
      auto settings = look.read(*known);
      for (const auto& hook : settings["webhooks"]) {
        auto wanted = hook.value("events", std::vector<std::string>{"SHIP_NOTIFY"});
        if (std::find(wanted.begin(), wanted.end(), event) != wanted.end())
          targets.push_back(hook["url"]);
      }
    }
  }
  for (const auto& target : targets) {
    auto url = options_.url + resource;
    webhook subject;
    subject.url = target;
    // No signature tells a forged one; it points to another host, which would be handed the account's key.
    subject.body = [url, type = std::string{event}, resource](bool forged) {
      return json{{"resource_url", forged ? "http://attacker.invalid" + resource : url}, {"resource_type", type}}.dump();
    };
    subject.sign = [](const std::string&, std::int64_t, bool) -> header_list { return {}; };
    sender_.send(faults_, std::move(subject));
  }
}

} // namespace souk::providers
