// Orders: made, approved, captured, authorized.

#include "integrations/providers_sandbox/paypal_desk.hpp"
#include "integrations/providers_sandbox/paypal_money.hpp"

#include <algorithm>

namespace souk::providers {

namespace {

constexpr std::size_t units_max = 10;
constexpr std::size_t items_max = 500;
constexpr std::size_t reference_max = 256;
constexpr std::size_t custom_max = 127;
constexpr std::int64_t amount_max = 1'000'000'000'00; // minor units

using desk = paypal_desk;

constexpr desk::rule rules[] = {
  {"POST", {"v2", "checkout", "orders"}, &desk::create_order},
  {"GET", {"v2", "checkout", "orders", "*"}, &desk::find_order},
  {"PATCH", {"v2", "checkout", "orders", "*"}, &desk::patch_order},
  {"POST", {"v2", "checkout", "orders", "*", "capture"}, &desk::capture_order},
  {"POST", {"v2", "checkout", "orders", "*", "authorize"}, &desk::authorize_order},
  {"GET", {"v2", "payments", "authorizations", "*"}, &desk::find_authorization},
  {"POST", {"v2", "payments", "authorizations", "*", "capture"}, &desk::capture_authorization},
  {"POST", {"v2", "payments", "authorizations", "*", "reauthorize"}, &desk::reauthorize},
  {"POST", {"v2", "payments", "authorizations", "*", "void"}, &desk::void_authorization},
  {"GET", {"v2", "payments", "captures", "*"}, &desk::find_capture},
  {"POST", {"v2", "payments", "captures", "*", "refund"}, &desk::refund_capture},
  {"GET", {"v2", "payments", "refunds", "*"}, &desk::find_refund},
  {"GET", {"v1", "reporting", "transactions"}, &desk::list_transactions},
  {"POST", {"v1", "notifications", "webhooks"}, &desk::create_webhook},
  {"GET", {"v1", "notifications", "webhooks"}, &desk::list_webhooks},
  {"GET", {"v1", "notifications", "webhooks-events"}, &desk::list_events},
  {"GET", {"v1", "notifications", "webhooks-events", "*"}, &desk::find_event},
  {"POST", {"v1", "notifications", "webhooks-events", "*", "resend"}, &desk::resend_event},
};

/// Reads an amount. @throws paypal_error.
std::int64_t read_money(const json& money, const std::string& field) {
  auto currency = text_of(money, "currency_code");
  auto value = text_of(money, "value");
  if (currency.empty() || value.empty())
    bad_request("MISSING_REQUIRED_PARAMETER", "An amount has a currency_code and a value, both texts.", field);
  if (!paypal_takes(currency))
    unprocessable("CURRENCY_NOT_SUPPORTED", "This currency is not supported.", field + "/currency_code");
  auto minor = minor_units(value, currency);
  if (!minor)
    unprocessable("DECIMAL_PRECISION", "The value is not a decimal with the digits of its currency.", field + "/value");
  if (*minor > amount_max)
    unprocessable("MAX_VALUE_EXCEEDED", "The value is too large.", field + "/value");
  return *minor;
}

void check_length(const json& object, const char* name, std::size_t longest, const std::string& field) {
  if (object.contains(name) && (!object[name].is_string() || object[name].get_ref<const std::string&>().empty()
                                || object[name].get_ref<const std::string&>().size() > longest))
    bad_request("INVALID_PARAMETER_LENGTH", "It has 1 to " + std::to_string(longest) + " characters.",
                field + "/" + name);
}

} // namespace

void unprocessable(std::string issue, std::string description, std::string field) {
  throw paypal_error{422, "UNPROCESSABLE_ENTITY", std::move(issue), std::move(field), std::move(description)};
}

void bad_request(std::string issue, std::string description, std::string field) {
  throw paypal_error{400, "INVALID_REQUEST", std::move(issue), std::move(field), std::move(description)};
}

void not_found() {
  throw paypal_error{404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", "", "The specified resource ID does not exist."};
}

paypal_desk::paypal_desk(paypal& owner, store::transaction& change, const json& body, const json& query, occasion why)
  : owner_{owner}, change_{change}, body_{body}, query_{query}, why_{why} {
  // nop
}

const paypal_desk::rule* paypal_desk::route(std::string_view method, const std::vector<std::string_view>& segments) {
  for (const auto& rule : rules) {
    auto length = static_cast<std::size_t>(
      std::find(rule.path.begin(), rule.path.end(), std::string_view{}) - rule.path.begin());
    bool fits = rule.method == method && segments.size() == length;
    for (std::size_t i = 0; fits && i < length; ++i)
      fits = rule.path[i] == "*" || rule.path[i] == segments[i];
    if (fits)
      return &rule;
  }
  return nullptr;
}

json paypal_desk::load(table kind, const std::string& id) {
  const auto* subject = change_.find(kind, why_.account, id);
  if (subject == nullptr)
    not_found();
  return change_.read(*subject);
}

void paypal_desk::save(table kind, const json& document) {
  auto fresh = document;
  fresh["update_time"] = rfc3339(now_ms());
  change_.put(kind, why_.account, fresh.at("id").get<std::string>(), fresh);
}

// What souk-providers needs to know beyond the API's fields is under "_sandbox", and never shown.
json paypal_desk::render(table kind, const json& document) {
  auto shown = document;
  auto id = document.at("id").get<std::string>();
  shown.erase("_sandbox");
  auto links = json::array();
  auto link = [&](const std::string& path, const char* rel, const char* method) {
    links.push_back({{"href", owner_.options_.url + path}, {"rel", rel}, {"method", method}});
  };
  if (kind == table::paypal_order) {
    auto self = "/v2/checkout/orders/" + id;
    link(self, "self", "GET");
    bool wallet = document.at("_sandbox").at("wallet");
    auto status = document.at("status").get<std::string>();
    if (status == "CREATED" || status == "PAYER_ACTION_REQUIRED")
      link("/pages/approve/" + owner_.store_.account_handle(why_.account) + "/" + id, wallet ? "payer-action" : "approve",
           "GET");
    if (status != "COMPLETED" && status != "VOIDED") {
      link(self, "update", "PATCH");
      bool capture = document.at("intent") == "CAPTURE";
      link(self + (capture ? "/capture" : "/authorize"), capture ? "capture" : "authorize", "POST");
    }
  } else if (kind == table::paypal_authorization) {
    auto self = "/v2/payments/authorizations/" + id;
    link(self, "self", "GET");
    for (const char* verb : {"capture", "void", "reauthorize"})
      link(self + "/" + verb, verb, "POST");
  } else if (kind == table::paypal_capture) {
    link("/v2/payments/captures/" + id, "self", "GET");
    link("/v2/payments/captures/" + id + "/refund", "refund", "POST");
    link("/v2/checkout/orders/" + text_of(document.at("_sandbox"), "order"), "up", "GET");
  } else {
    link("/v2/payments/refunds/" + id, "self", "GET");
    link("/v2/payments/captures/" + text_of(document.at("_sandbox"), "capture"), "up", "GET");
  }
  shown["links"] = std::move(links);
  return shown;
}

json paypal_desk::show(table kind, const std::string& id, bool minimal) {
  auto shown = render(kind, load(kind, id));
  if (!minimal)
    return shown;
  return {{"id", shown["id"]}, {"status", shown["status"]}, {"links", shown["links"]}};
}

// -- orders ---------------------------------------------------------------------

json paypal_desk::read_unit(const json& given, std::size_t index) {
  auto field = "/purchase_units/" + std::to_string(index);
  if (!given.is_object())
    bad_request("INVALID_PARAMETER_SYNTAX", "A purchase unit is an object.", field);
  auto unit = given;
  if (!unit.contains("reference_id"))
    unit["reference_id"] = "default";
  check_length(unit, "reference_id", reference_max, field);
  check_length(unit, "custom_id", custom_max, field);
  check_length(unit, "invoice_id", custom_max, field);
  check_length(unit, "description", custom_max, field);
  if (!unit.contains("amount"))
    bad_request("MISSING_REQUIRED_PARAMETER", "A required field is missing.", field + "/amount");
  auto total = read_money(unit["amount"], field + "/amount");
  if (total <= 0)
    unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "It must be greater than zero.", field + "/amount/value");
  auto currency = text_of(unit["amount"], "currency_code");
  const auto breakdown = unit["amount"].value("breakdown", json());
  if (breakdown.is_object()) {
    std::int64_t sum = 0;
    for (const auto& [name, money] : breakdown.items()) {
      bool minus = name == "discount" || name == "shipping_discount";
      sum += (minus ? -1 : 1) * read_money(money, field + "/amount/breakdown/" + name);
      if (text_of(money, "currency_code") != currency)
        unprocessable("CURRENCY_MISMATCH", "All amounts are in one currency.", field + "/amount/breakdown/" + name);
    }
    if (sum != total)
      unprocessable("AMOUNT_MISMATCH", "The amount is not the sum of its breakdown.", field + "/amount/value");
  }
  if (!unit.contains("items"))
    return unit;
  if (!unit["items"].is_array() || unit["items"].size() > items_max)
    bad_request("INVALID_PARAMETER_SYNTAX", "items is a list of at most 500.", field + "/items");
  std::int64_t sum = 0;
  for (const auto& item : unit["items"]) {
    auto quantity = minor_units(text_of(item, "quantity"), "JPY"); // a whole number in a text
    if (text_of(item, "name").empty() || !quantity || *quantity < 1)
      bad_request("MISSING_REQUIRED_PARAMETER", "An item has a name, a unit_amount and a quantity, which is a text.",
                  field + "/items");
    sum += *quantity * read_money(item.value("unit_amount", json()), field + "/items/unit_amount");
  }
  if (!breakdown.is_object() || !breakdown.contains("item_total"))
    unprocessable("ITEM_TOTAL_REQUIRED", "With items, amount/breakdown/item_total is required.", field + "/amount/breakdown");
  if (read_money(breakdown["item_total"], field + "/amount/breakdown/item_total") != sum)
    unprocessable("ITEM_TOTAL_MISMATCH", "item_total is not the sum of the items.", field + "/amount/breakdown/item_total");
  return unit;
}

paypal_outcome paypal_desk::create_order(const std::string&) {
  auto intent = text_of(body_, "intent");
  if (intent != "CAPTURE" && intent != "AUTHORIZE")
    bad_request(intent.empty() ? "MISSING_REQUIRED_PARAMETER" : "INVALID_PARAMETER_VALUE", "intent is CAPTURE or AUTHORIZE.",
                "/intent");
  const auto given = body_.value("purchase_units", json::array());
  if (!given.is_array() || given.empty() || given.size() > units_max)
    bad_request("INVALID_ARRAY_MIN_ITEMS", "There are 1 to 10 purchase units.", "/purchase_units");
  auto units = json::array();
  for (std::size_t i = 0; i < given.size(); ++i) {
    units.push_back(read_unit(given[i], i));
    for (std::size_t j = 0; j < i; ++j)
      if (units[j]["reference_id"] == units[i]["reference_id"])
        unprocessable("DUPLICATE_REFERENCE_ID", "Every purchase unit has a reference_id of its own.",
                      "/purchase_units/" + std::to_string(i) + "/reference_id");
  }
  const auto source = body_.value("payment_source", json::object());
  bool wallet = source.is_object() && source.contains("paypal");
  auto context = wallet ? source["paypal"].value("experience_context", json::object())
                        : body_.value("application_context", json::object());
  auto id = random_id("", 17);
  std::transform(id.begin(), id.end(), id.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  json order{{"id", id},
             {"intent", intent},
             {"status", wallet ? "PAYER_ACTION_REQUIRED" : "CREATED"},
             {"purchase_units", units},
             {"create_time", rfc3339(now_ms())},
             {"_sandbox", {{"wallet", wallet}, {"return_url", text_of(context, "return_url")},
                           {"cancel_url", text_of(context, "cancel_url")}, {"instrument", ""}}}};
  if (wallet)
    order["payment_source"] = {{"paypal", json::object()}};
  save(table::paypal_order, order);
  return {201, table::paypal_order, id, nullptr};
}

paypal_outcome paypal_desk::find_order(const std::string& id) {
  load(table::paypal_order, id);
  return {200, table::paypal_order, id, nullptr};
}

// Only what a shop changes before the buyer approves: amount, custom_id, invoice_id, description of a unit.
paypal_outcome paypal_desk::patch_order(const std::string& id) {
  auto order = load(table::paypal_order, id);
  if (order["status"] == "COMPLETED" || order["status"] == "VOIDED")
    unprocessable("ORDER_COMPLETED_OR_VOIDED", "The order is completed or voided and cannot be patched.");
  if (!body_.is_array() || body_.empty())
    bad_request("INVALID_PARAMETER_SYNTAX", "A patch is a list of {op, path, value}.");
  for (const auto& step : body_) {
    auto path = text_of(step, "path");
    auto op = text_of(step, "op");
    bool done = false;
    for (auto& unit : order["purchase_units"]) {
      auto prefix = "/purchase_units/@reference_id=='" + text_of(unit, "reference_id") + "'/";
      if (!path.starts_with(prefix))
        continue;
      auto name = path.substr(prefix.size());
      if ((op != "replace" && op != "add") || !step.contains("value")
          || (name != "amount" && name != "custom_id" && name != "invoice_id" && name != "description"))
        unprocessable("NOT_PATCHABLE", "This cannot be patched.", path);
      unit[name] = step["value"];
      done = true;
    }
    if (!done)
      unprocessable("INVALID_PATCH_OPERATION", "There is no such purchase unit.", path);
  }
  for (std::size_t i = 0; i < order["purchase_units"].size(); ++i)
    read_unit(order["purchase_units"][i], i);
  save(table::paypal_order, order);
  return {204, table::paypal_order, id, nullptr};
}

paypal_outcome paypal_desk::approve(const std::string& id, const std::string& wallet) {
  auto order = load(table::paypal_order, id);
  if (order["status"] != "CREATED" && order["status"] != "PAYER_ACTION_REQUIRED" && order["status"] != "APPROVED")
    unprocessable("ORDER_ALREADY_COMPLETED", "There is nothing to approve.");
  order["status"] = "APPROVED";
  order["_sandbox"]["instrument"] = wallet;
  order["payer"] = {{"payer_id", random_id("", 13)}, {"email_address", "buyer@example.com"}};
  order["payment_source"] = {{"paypal", {{"email_address", "buyer@example.com"}, {"account_status", "VERIFIED"}}}};
  save(table::paypal_order, order);
  emit_order("CHECKOUT.ORDER.APPROVED", order);
  return {200, table::paypal_order, id, nullptr};
}

/// Checks that the order can be paid now, and that its buyer's instrument holds.
void paypal_desk::use_instrument(json& order, const std::string& verb) {
  bool capture = verb == "capture";
  if ((order["intent"] == "CAPTURE") != capture)
    unprocessable("ACTION_DOES_NOT_MATCH_INTENT", "The order was created with the other intent.");
  if (order["status"] == "COMPLETED")
    unprocessable(capture ? "ORDER_ALREADY_CAPTURED" : "ORDER_ALREADY_AUTHORIZED", "The order is already " + verb + "d.");
  if (order["status"] != "APPROVED")
    unprocessable("ORDER_NOT_APPROVED", "The payer has not yet approved the order.");
  for (const auto& unit : order["purchase_units"])
    check_invoice(text_of(unit, "invoice_id"));
  if (why_.decline || order["_sandbox"]["instrument"] == "declined") {
    // The buyer must choose another instrument: the order waits for an approval again. That is a change, which
    // the exception leaves in place.
    order["status"] = order["_sandbox"]["wallet"] == true ? "PAYER_ACTION_REQUIRED" : "CREATED";
    order["_sandbox"]["instrument"] = "";
    save(table::paypal_order, order);
    unprocessable("INSTRUMENT_DECLINED", "The instrument presented was declined by the processor or bank.");
  }
}

paypal_outcome paypal_desk::capture_order(const std::string& id) {
  auto order = load(table::paypal_order, id);
  use_instrument(order, "capture");
  bool pending = order["_sandbox"]["instrument"] == "pending";
  std::vector<json> captures;
  for (auto& unit : order["purchase_units"]) {
    captures.push_back(make_capture(unit, unit["amount"], id, "", pending));
    unit["payments"]["captures"] = json::array({render(table::paypal_capture, captures.back())});
  }
  order["status"] = "COMPLETED";
  save(table::paypal_order, order);
  for (const auto& capture : captures) {
    count_capture(capture);
    emit(pending ? "PAYMENT.CAPTURE.PENDING" : "PAYMENT.CAPTURE.COMPLETED", "capture",
         render(table::paypal_capture, capture));
  }
  emit_order("CHECKOUT.ORDER.COMPLETED", order);
  return {201, table::paypal_order, id, nullptr};
}

paypal_outcome paypal_desk::authorize_order(const std::string& id) {
  constexpr std::int64_t authorization_life_ms = 29LL * 86400 * 1000;
  auto order = load(table::paypal_order, id);
  use_instrument(order, "authorize");
  for (auto& unit : order["purchase_units"]) {
    auto now = now_ms();
    json amount{{"currency_code", unit["amount"]["currency_code"]}, {"value", unit["amount"]["value"]}};
    json authorization{{"id", random_id("", 17)},
                       {"status", "CREATED"},
                       {"amount", amount},
                       {"create_time", rfc3339(now)},
                       {"expiration_time", rfc3339(now + authorization_life_ms)},
                       {"_sandbox", {{"order", id}, {"captured", 0}, {"at", now}}}};
    for (const char* name : {"custom_id", "invoice_id"})
      if (unit.contains(name))
        authorization[name] = unit[name];
    save(table::paypal_authorization, authorization);
    auto shown = render(table::paypal_authorization, authorization);
    unit["payments"]["authorizations"] = json::array({shown});
    emit("PAYMENT.AUTHORIZATION.CREATED", "authorization", shown);
  }
  order["status"] = "COMPLETED";
  save(table::paypal_order, order);
  return {201, table::paypal_order, id, nullptr};
}

} // namespace souk::providers
