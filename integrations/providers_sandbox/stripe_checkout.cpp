// Checkout Sessions: a hosted page where a shopper pays, declines or goes back.

#include "integrations/providers_sandbox/stripe_desk.hpp"

#include <algorithm>

namespace souk::providers {

namespace {

constexpr std::int64_t session_life_s = 24 * 3600;
constexpr std::int64_t session_life_min_s = 30 * 60;
constexpr std::int64_t amount_max = 99'999'999;
constexpr std::size_t line_items_max = 100;

/// Reads line_items into the API's shape.
json read_line_items(const stripe_params& params, std::string& currency, std::int64_t& total) {
  const auto& given = params.nested("line_items");
  if (!given.is_array() || given.empty())
    bad_parameter("line_items", "parameter_missing", "In `payment` mode, line_items are required.");
  if (given.size() > line_items_max)
    bad_parameter("line_items", "", "There are at most 100 line_items.");
  auto items = json::array();
  for (std::size_t i = 0; i < given.size(); ++i) {
    auto name = "line_items[" + std::to_string(i) + "]";
    if (!given[i].is_object())
      bad_parameter(name, "", "Invalid object for " + name);
    stripe_params item{given[i]};
    item.only({"adjustable_quantity", "price_data", "quantity", "tax_rates"});
    stripe_params price{item.nested("price_data")};
    if (!item.has("price_data"))
      bad_parameter(name + "[price_data]", "parameter_missing", "The sandbox has no prices of its own: give price_data");
    price.only({"currency", "product", "product_data", "tax_behavior", "unit_amount"});
    auto quantity = item.integer("quantity").value_or(1);
    auto unit = price.need_integer("unit_amount");
    auto of_item = price.need_text("currency");
    std::transform(of_item.begin(), of_item.end(), of_item.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (of_item.size() != 3 || (!currency.empty() && of_item != currency))
      bad_parameter(name + "[price_data][currency]", "", "All line items are in one currency of three letters");
    currency = of_item;
    if (quantity < 1 || quantity > 1'000'000 || unit < 0 || unit > amount_max)
      bad_parameter(name, "parameter_invalid_integer", "A quantity is from 1, a unit_amount from 0 to 99999999");
    total += quantity * unit;
    if (total > amount_max)
      bad_parameter("line_items", "amount_too_large", "The total is at most 99999999 minor units.");
    auto description = stripe_params{price.nested("product_data")}.text("name").value_or("");
    items.push_back({{"id", random_id("li_1", 23)},
                     {"object", "item"},
                     {"amount_subtotal", quantity * unit},
                     {"amount_total", quantity * unit},
                     {"currency", currency},
                     {"description", description},
                     {"price", {{"currency", currency}, {"object", "price"}, {"unit_amount", unit}}},
                     {"quantity", quantity}});
  }
  return items;
}

} // namespace

stripe_outcome stripe_desk::create_session(const std::string&) {
  params_.only({"allow_promotion_codes", "automatic_tax", "billing_address_collection", "cancel_url",
                "client_reference_id", "currency", "customer", "customer_creation", "customer_email", "expires_at",
                "line_items", "locale", "metadata", "mode", "payment_intent_data", "payment_method_types",
                "phone_number_collection", "shipping_address_collection", "submit_type", "success_url", "ui_mode"});
  params_.need_text("mode");
  params_.one_of("mode", {"payment"});
  auto success = params_.url("success_url");
  if (!success)
    bad_parameter("success_url", "parameter_missing", "Missing required param: success_url.");
  auto back = params_.url("cancel_url");
  std::string currency;
  std::int64_t total = 0;
  auto items = read_line_items(params_, currency, total);
  if (total < amount_min(currency))
    bad_parameter("line_items", "amount_too_small", "The total must be at least " + std::to_string(amount_min(currency)));
  auto created = now_ms() / 1000;
  auto expires = params_.integer("expires_at").value_or(created + session_life_s);
  if (expires < created + session_life_min_s - 60 || expires > created + session_life_s + 60)
    bad_parameter("expires_at", "", "expires_at is between 30 minutes and 24 hours from now.");

  stripe_params of_intent{params_.nested("payment_intent_data")};
  of_intent.only({"capture_method", "description", "metadata", "receipt_email", "setup_future_usage", "shipping",
                  "statement_descriptor", "statement_descriptor_suffix"});
  json plan{{"capture_method", of_intent.one_of("capture_method", {"automatic", "automatic_async", "manual"})
                                 .value_or("automatic_async")},
            {"description", of_intent.text("description") ? json(*of_intent.text("description")) : json()},
            {"metadata", json::object()}};
  of_intent.merge_metadata(plan["metadata"]);

  auto id = random_id("cs_test_a1", 56);
  auto text_or_null = [&](const char* name) {
    auto text = params_.text(name);
    return text ? json(*text) : json();
  };
  json session{{"id", id},
               {"object", "checkout.session"},
               {"amount_subtotal", total},
               {"amount_total", total},
               {"cancel_url", back ? json(*back) : json()},
               {"client_reference_id", text_or_null("client_reference_id")},
               {"created", created},
               {"currency", currency},
               {"customer", text_or_null("customer")},
               {"customer_details", nullptr},
               {"customer_email", text_or_null("customer_email")},
               {"expires_at", expires},
               {"livemode", false},
               {"metadata", json::object()},
               {"mode", "payment"},
               {"payment_intent", nullptr},
               {"payment_method_types", {"card"}},
               {"payment_status", "unpaid"},
               {"status", "open"},
               {"success_url", *success},
               {"ui_mode", "hosted"},
               {"url", owner_.options_.url + "/pages/checkout/" + owner_.store_.account_handle(why_.account) + "/" + id}};
  params_.merge_metadata(session["metadata"]);
  change_.put(table::stripe_session_plan, why_.account, id, {{"intent", plan}, {"items", items}});
  return saved(save(table::stripe_session, session));
}

/// An open session whose time has come is expired by whoever looks at it.
json stripe_desk::load_session(const std::string& id, std::string_view param) {
  auto session = load(table::stripe_session, id, "checkout.session", param);
  if (session["status"] == "open" && session["expires_at"] <= now_ms() / 1000)
    end_session(session);
  return session;
}

place stripe_desk::end_session(json& session) {
  session["status"] = "expired";
  session["url"] = nullptr;
  if (session["payment_intent"].is_string()) { // from a card that was declined
    auto intent = load(table::stripe_intent, session["payment_intent"], "payment_intent");
    intent["status"] = "canceled";
    intent["canceled_at"] = now_ms() / 1000;
    intent["cancellation_reason"] = "automatic";
    emit("payment_intent.canceled", save(table::stripe_intent, intent));
  }
  auto at = save(table::stripe_session, session);
  emit("checkout.session.expired", at);
  return at;
}

stripe_outcome stripe_desk::find_session(const std::string& id) {
  params_.only({});
  load_session(id);
  return found(table::stripe_session, id, "checkout.session");
}

stripe_outcome stripe_desk::list_sessions(const std::string&) {
  params_.only({"created", "customer", "ending_before", "limit", "payment_intent", "starting_after", "status"});
  auto intent = params_.text("payment_intent");
  auto status = params_.text("status");
  return list(table::stripe_session, "/v1/checkout/sessions", [&](const json& session) {
    return (!intent || session.at("payment_intent") == *intent) && (!status || session.at("status") == *status);
  });
}

stripe_outcome stripe_desk::list_line_items(const std::string& id) {
  params_.only({"ending_before", "limit", "starting_after"});
  load_session(id);
  auto plan = load(table::stripe_session_plan, id, "checkout.session");
  return {200, json{{"object", "list"},
                    {"url", "/v1/checkout/sessions/" + id + "/line_items"},
                    {"has_more", false},
                    {"data", plan["items"]}}
                 .dump()};
}

stripe_outcome stripe_desk::expire_session(const std::string& id) {
  params_.only({});
  auto session = load_session(id);
  if (session["status"] != "open")
    throw stripe_error{400,
                       {{"type", "invalid_request_error"},
                        {"message", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout "
                                    "Session has a status of "
                                      + session["status"].get<std::string>() + "."}},
                       true};
  return saved(end_session(session));
}

/// What the shopper does on the page: pays by a card, which may be declined, or later.
stripe_outcome stripe_desk::pay_session(const std::string& id, const stripe_card& card) {
  auto session = load_session(id);
  if (session["status"] != "open")
    throw stripe_error{400,
                       {{"type", "invalid_request_error"},
                        {"message", "The session is " + session["status"].get<std::string>() + "."}}};
  const auto plan = load(table::stripe_session_plan, id, "checkout.session")["intent"];
  json intent;
  if (session["payment_intent"].is_string()) {
    intent = load(table::stripe_intent, session["payment_intent"], "payment_intent");
  } else {
    intent = fresh_intent();
    intent["amount"] = session["amount_total"];
    intent["currency"] = session["currency"];
    intent["customer"] = session["customer"];
    intent["capture_method"] = plan["capture_method"];
    intent["description"] = plan["description"];
    intent["metadata"] = plan["metadata"];
    session["payment_intent"] = intent["id"];
  }
  intent["payment_method"] = payment_method_id(card);
  auto intent_id = intent["id"].get<std::string>();
  auto paid = confirm(std::move(intent));
  session["customer_details"] = {{"email", session["customer_email"]}, {"name", nullptr}, {"address", nullptr}};
  if (paid.status == 200) {
    auto after = load(table::stripe_intent, intent_id, "payment_intent");
    session["status"] = "complete";
    session["payment_status"] = after["status"] == "succeeded" ? "paid" : "unpaid";
    session["url"] = nullptr;
  }
  auto at = save(table::stripe_session, session);
  if (paid.status == 200)
    emit("checkout.session.completed", at);
  return saved(at);
}

void stripe_desk::close_session_of(const std::string& intent, std::string_view payment_status,
                                   std::string_view event) {
  const auto& numbers = change_.list(table::stripe_session, why_.account);
  for (auto it = numbers.rbegin(); it != numbers.rend(); ++it) {
    auto session = change_.read(change_.at(table::stripe_session, *it));
    if (session["payment_intent"] != intent)
      continue;
    session["payment_status"] = payment_status;
    emit(event, save(table::stripe_session, session));
    return;
  }
}

} // namespace souk::providers
