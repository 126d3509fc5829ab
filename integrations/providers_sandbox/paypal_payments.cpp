// Authorizations, captures and refunds, and the report of the money they moved.

#include "integrations/providers_sandbox/paypal_desk.hpp"
#include "integrations/providers_sandbox/paypal_money.hpp"

#include <algorithm>
#include <charconv>

namespace souk::providers {

namespace {

constexpr std::int64_t honor_period_ms = 3LL * 86400 * 1000;
constexpr std::int64_t report_span_max_ms = 31LL * 86400 * 1000;
constexpr std::int64_t page_max = 500;

std::int64_t minor_of(const json& money) {
  return minor_units(money.at("value").get<std::string>(), money.at("currency_code").get<std::string>()).value_or(0);
}

/// Reads the optional amount of a capture or refund.
std::int64_t read_part(const json& body, const json& whole, std::int64_t otherwise) {
  if (!body.is_object() || !body.contains("amount"))
    return otherwise;
  const auto& amount = body["amount"];
  auto currency = text_of(amount, "currency_code");
  if (currency != text_of(whole, "currency_code"))
    unprocessable("CURRENCY_MISMATCH", "The currency is not that of the payment.", "/amount/currency_code");
  auto minor = minor_units(text_of(amount, "value"), currency);
  if (!minor || *minor < 1)
    unprocessable("DECIMAL_PRECISION", "The value is not a decimal above zero with the digits of its currency.",
                  "/amount/value");
  return *minor;
}

std::int64_t number_in(const json& query, const char* name, std::int64_t otherwise, std::int64_t longest) {
  auto text = text_of(query, name);
  std::int64_t value = otherwise;
  if (!text.empty()) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 1 || value > longest)
      bad_request("INVALID_PARAMETER_VALUE", "It is a number from 1 to " + std::to_string(longest) + ".", name);
  }
  return value;
}

} // namespace

/// An invoice number is paid once per merchant: PayPal's own guard against double payment.
void paypal_desk::check_invoice(const std::string& invoice) {
  if (!invoice.empty() && change_.find(table::paypal_invoice, why_.account, invoice) != nullptr)
    unprocessable("DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected.", "/invoice_id");
}

json paypal_desk::make_capture(const json& unit, const json& amount, const std::string& order,
                               const std::string& authorization, bool pending) {
  json capture{{"id", random_id("", 17)},
               {"status", pending ? "PENDING" : "COMPLETED"},
               {"amount", {{"currency_code", amount["currency_code"]}, {"value", amount["value"]}}},
               {"final_capture", true},
               {"create_time", rfc3339(now_ms())},
               {"supplementary_data", {{"related_ids", {{"order_id", order}}}}},
               {"_sandbox", {{"order", order}, {"authorization", authorization}, {"refunded", 0}}}};
  if (pending)
    capture["status_details"] = {{"reason", "ECHECK"}};
  if (!authorization.empty())
    capture["supplementary_data"]["related_ids"]["authorization_id"] = authorization;
  for (const char* name : {"custom_id", "invoice_id"})
    if (unit.contains(name))
      capture[name] = unit[name];
  return capture;
}

/// Writes a capture, and what follows from it: the ledger, and that its invoice number is used.
void paypal_desk::count_capture(const json& capture) {
  save(table::paypal_capture, capture);
  if (capture["status"] != "COMPLETED")
    return;
  auto currency = text_of(capture["amount"], "currency_code");
  auto invoice = text_of(capture, "invoice_id");
  if (!invoice.empty())
    change_.put(table::paypal_invoice, why_.account, invoice, {{"capture", capture["id"]}});
  book(change_, "paypal", why_.account, "captured", capture["id"], text_of(capture["_sandbox"], "order"),
       text_of(capture, "custom_id"), minor_of(capture["amount"]), currency);
}

/// Keeps the order's copy of a payment true.
void paypal_desk::put_payment_into_order(const std::string& id, const char* list, const json& payment) {
  auto order = load(table::paypal_order, id);
  for (auto& unit : order["purchase_units"]) {
    auto& known = unit["payments"][list];
    if (!known.is_array())
      known = json::array();
    for (auto& entry : known)
      if (entry["id"] == payment["id"]) {
        entry = payment;
        save(table::paypal_order, order);
        return;
      }
  }
  order["purchase_units"][0]["payments"][list].push_back(payment);
  save(table::paypal_order, order);
}

// -- authorizations -------------------------------------------------------------

paypal_outcome paypal_desk::find_authorization(const std::string& id) {
  load(table::paypal_authorization, id);
  return {200, table::paypal_authorization, id, nullptr};
}

paypal_outcome paypal_desk::capture_authorization(const std::string& id) {
  auto authorization = load(table::paypal_authorization, id);
  if (authorization["status"] == "VOIDED")
    unprocessable("AUTHORIZATION_VOIDED", "A voided authorization cannot be captured.");
  if (authorization["status"] == "CAPTURED")
    unprocessable("AUTHORIZATION_ALREADY_CAPTURED", "The authorization is captured in full already.");
  auto whole = minor_of(authorization["amount"]);
  auto captured = authorization["_sandbox"]["captured"].get<std::int64_t>();
  auto amount = read_part(body_, authorization["amount"], whole - captured);
  if (amount < 1 || captured + amount > whole + whole * 15 / 100) // PayPal grants 15 % more
    unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED", "More than 115 % of the authorization cannot be captured.",
                  "/amount/value");
  if (why_.decline)
    unprocessable("INSTRUMENT_DECLINED", "The instrument presented was declined by the processor or bank.");
  auto unit = authorization;
  if (auto invoice = text_of(body_, "invoice_id"); !invoice.empty())
    unit["invoice_id"] = invoice;
  if (captured == 0 || !text_of(body_, "invoice_id").empty())
    check_invoice(text_of(unit, "invoice_id"));
  bool last = body_.value("final_capture", false) || captured + amount >= whole;
  auto order = text_of(authorization["_sandbox"], "order");
  auto capture = make_capture(unit, paypal_money(amount, text_of(authorization["amount"], "currency_code")), order, id, false);
  capture["final_capture"] = last;
  authorization["_sandbox"]["captured"] = captured + amount;
  authorization["status"] = last ? "CAPTURED" : "PARTIALLY_CAPTURED";
  save(table::paypal_authorization, authorization);
  count_capture(capture);
  auto shown = render(table::paypal_capture, capture);
  put_payment_into_order(order, "authorizations", render(table::paypal_authorization, authorization));
  put_payment_into_order(order, "captures", shown);
  emit("PAYMENT.CAPTURE.COMPLETED", "capture", shown);
  return {201, table::paypal_capture, capture["id"], nullptr};
}

paypal_outcome paypal_desk::reauthorize(const std::string& id) {
  auto authorization = load(table::paypal_authorization, id);
  if (authorization["status"] != "CREATED")
    unprocessable("PREVIOUSLY_" + authorization["status"].get<std::string>(), "The authorization is not open.");
  if (now_ms() - authorization["_sandbox"]["at"].get<std::int64_t>() < honor_period_ms)
    unprocessable("REAUTHORIZATION_TOO_SOON", "A reauthorization is possible after the honor period of three days.");
  authorization["_sandbox"]["at"] = now_ms();
  save(table::paypal_authorization, authorization);
  return {201, table::paypal_authorization, id, nullptr};
}

paypal_outcome paypal_desk::void_authorization(const std::string& id) {
  auto authorization = load(table::paypal_authorization, id);
  if (authorization["status"] == "VOIDED")
    unprocessable("PREVIOUSLY_VOIDED", "The authorization is voided already.");
  if (authorization["status"] == "CAPTURED")
    unprocessable("PREVIOUSLY_CAPTURED", "The authorization is captured already.");
  authorization["status"] = "VOIDED";
  save(table::paypal_authorization, authorization);
  auto shown = render(table::paypal_authorization, authorization);
  put_payment_into_order(text_of(authorization["_sandbox"], "order"), "authorizations", shown);
  emit("PAYMENT.AUTHORIZATION.VOIDED", "authorization", shown);
  return {200, table::paypal_authorization, id, nullptr};
}

// -- captures and refunds -------------------------------------------------------

paypal_outcome paypal_desk::find_capture(const std::string& id) {
  load(table::paypal_capture, id);
  return {200, table::paypal_capture, id, nullptr};
}

paypal_outcome paypal_desk::settle_capture(const std::string& id, bool complete) {
  auto capture = load(table::paypal_capture, id);
  if (capture["status"] != "PENDING")
    unprocessable("CAPTURE_NOT_PENDING", "The capture is " + capture["status"].get<std::string>() + ".");
  capture["status"] = complete ? "COMPLETED" : "DECLINED";
  capture.erase("status_details");
  count_capture(capture);
  auto shown = render(table::paypal_capture, capture);
  put_payment_into_order(text_of(capture["_sandbox"], "order"), "captures", shown);
  emit(complete ? "PAYMENT.CAPTURE.COMPLETED" : "PAYMENT.CAPTURE.DENIED", "capture", shown);
  return {200, table::paypal_capture, id, nullptr};
}

paypal_outcome paypal_desk::refund_capture(const std::string& id) {
  auto capture = load(table::paypal_capture, id);
  if (capture["status"] == "PENDING")
    unprocessable("PENDING_CAPTURE", "A pending capture cannot be refunded.");
  if (capture["status"] == "REFUNDED")
    unprocessable("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.");
  if (capture["status"] != "COMPLETED" && capture["status"] != "PARTIALLY_REFUNDED")
    unprocessable("REFUND_NOT_ALLOWED", "The capture is " + capture["status"].get<std::string>() + ".");
  auto whole = minor_of(capture["amount"]);
  auto refunded = capture["_sandbox"]["refunded"].get<std::int64_t>();
  auto amount = read_part(body_, capture["amount"], whole - refunded);
  if (amount > whole - refunded)
    unprocessable("REFUND_AMOUNT_EXCEEDED", "The refund is more than what is left of the capture.", "/amount/value");
  auto currency = text_of(capture["amount"], "currency_code");
  json refund{{"id", random_id("", 17)},
              {"status", "COMPLETED"},
              {"amount", paypal_money(amount, currency)},
              {"create_time", rfc3339(now_ms())},
              {"_sandbox", {{"capture", id}}}};
  for (const char* name : {"invoice_id", "custom_id", "note_to_payer"}) {
    if (auto text = text_of(body_, name); !text.empty())
      refund[name] = text;
    else if (capture.contains(name))
      refund[name] = capture[name];
  }
  capture["_sandbox"]["refunded"] = refunded + amount;
  capture["status"] = refunded + amount == whole ? "REFUNDED" : "PARTIALLY_REFUNDED";
  save(table::paypal_capture, capture);
  save(table::paypal_refund, refund);
  auto order = text_of(capture["_sandbox"], "order");
  book(change_, "paypal", why_.account, "refunded", refund["id"], order, text_of(capture, "custom_id"), amount, currency);
  auto shown = render(table::paypal_refund, refund);
  put_payment_into_order(order, "captures", render(table::paypal_capture, capture));
  put_payment_into_order(order, "refunds", shown);
  emit("PAYMENT.CAPTURE.REFUNDED", "refund", shown);
  return {201, table::paypal_refund, refund["id"], nullptr};
}

paypal_outcome paypal_desk::find_refund(const std::string& id) {
  load(table::paypal_refund, id);
  return {200, table::paypal_refund, id, nullptr};
}

// -- reporting ------------------------------------------------------------------

paypal_outcome paypal_desk::list_transactions(const std::string&) {
  auto start = parse_rfc3339(text_of(query_, "start_date"));
  auto end = parse_rfc3339(text_of(query_, "end_date"));
  if (!start || !end)
    bad_request("MISSING_REQUIRED_PARAMETER", "start_date and end_date are RFC 3339 instants.", "start_date");
  if (*end < *start || *end - *start > report_span_max_ms)
    bad_request("INVALID_PARAMETER_VALUE", "The range is at most 31 days.", "end_date");
  auto size = number_in(query_, "page_size", 100, page_max);
  auto page = number_in(query_, "page", 1, 1'000'000);
  struct line {
    std::int64_t at;
    place where;
    bool refund;
  };
  std::vector<line> lines;
  for (auto kind : {table::paypal_capture, table::paypal_refund})
    for (auto number : change_.list(kind, why_.account)) {
      const auto& subject = change_.at(kind, number);
      if (subject.created >= *start && subject.created / 1000 <= *end / 1000)
        lines.push_back({subject.created, subject.at, kind == table::paypal_refund});
    }
  change_.finish();
  std::stable_sort(lines.begin(), lines.end(), [](const line& a, const line& b) { return a.at < b.at; });
  auto details = json::array();
  auto first = static_cast<std::size_t>((page - 1) * size);
  for (auto i = first; i < lines.size() && i < first + static_cast<std::size_t>(size); ++i) {
    auto document = json::parse(owner_.store_.text(lines[i].where));
    auto status = document["status"].get<std::string>();
    auto amount = document["amount"];
    json info{{"transaction_id", document["id"]},
              {"transaction_event_code", lines[i].refund ? "T1107" : "T0006"},
              {"transaction_initiation_date", rfc3339(lines[i].at)},
              {"transaction_updated_date", document["update_time"]},
              {"transaction_status", status == "PENDING" ? "P" : status == "DECLINED" ? "D" : "S"}};
    if (lines[i].refund) {
      amount["value"] = "-" + amount["value"].get<std::string>();
      info["paypal_reference_id"] = document["_sandbox"]["capture"];
      info["paypal_reference_id_type"] = "TXN";
    }
    info["transaction_amount"] = amount;
    if (document.contains("invoice_id"))
      info["invoice_id"] = document["invoice_id"];
    if (document.contains("custom_id"))
      info["custom_field"] = document["custom_id"];
    details.push_back({{"transaction_info", info}});
  }
  auto total = lines.size();
  return {200, table::count, "",
          {{"transaction_details", details},
           {"account_number", owner_.store_.account_handle(why_.account)},
           {"start_date", rfc3339(*start)},
           {"end_date", rfc3339(*end)},
           {"last_refreshed_datetime", rfc3339(now_ms())},
           {"page", page},
           {"total_items", total},
           {"total_pages", (total + static_cast<std::size_t>(size) - 1) / static_cast<std::size_t>(size)},
           {"links", json::array()}}};
}

} // namespace souk::providers
