#include "integrations/providers_sandbox/paypal.hpp"

#include "integrations/providers_sandbox/form.hpp"
#include "integrations/providers_sandbox/paypal_desk.hpp"
#include "integrations/providers_sandbox/paypal_money.hpp"
#include "integrations/sandbox_common/html.hpp"

#include <sodium.h>
#include <thread>

namespace souk::providers {

namespace {

constexpr std::size_t request_id_max = 108;
constexpr std::size_t client_id_max = 200;
constexpr std::string_view token_owner = "paypal access tokens"; ///< one account for all of them: a token says no client
constexpr std::string_view key_owner = "paypal signing key";

std::string debug_id() {
  return random_id("", 13);
}

answer say(int status, const json& body) {
  return {status, body.is_null() ? std::string{} : body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

answer error_answer(const paypal_error& error) {
  json body{{"name", error.name},
            {"message", error.status == 404   ? "The specified resource does not exist."
                        : error.status == 422 ? "The requested action could not be performed, semantically incorrect, or "
                                                "failed business validation."
                                              : "The request could not be executed."},
            {"debug_id", debug_id()},
            {"links", json::array()}};
  if (!error.issue.empty()) {
    json detail{{"issue", error.issue}, {"description", error.description}};
    if (!error.field.empty()) {
      detail["field"] = error.field;
      detail["location"] = "body";
    }
    body["details"] = json::array({detail});
  }
  return say(error.status, body);
}

std::string hash_of(std::string_view text) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     nullptr, 0);
  std::array<char, 33> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

} // namespace

std::string text_of(const json& object, const char* name) {
  if (!object.is_object())
    return {};
  auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string{};
}

paypal::paypal(store& memory, webhook_sender& sender, faults& knobs, paypal_options options)
  : store_{memory}, sender_{sender}, faults_{knobs}, options_{std::move(options)} {
  store_.watch(table::paypal_token, [this](const row& subject, const json& document) {
    if (subject.id == "pem")
      return;
    std::lock_guard lock{mutex_};
    auto now = now_ms();
    if (tokens_.size() > 10'000)
      std::erase_if(tokens_, [&](const auto& known) { return known.second.expires < now; });
    tokens_[subject.id] = {store_.intern(document.at("client").get<std::string>()),
                           document.at("expires").get<std::int64_t>()};
  });
}

void paypal::start() {
  store::transaction change{store_};
  auto owner = change.account(key_owner);
  if (const auto* kept = change.find(table::paypal_token, owner, "pem")) {
    key_ = signing_key::from_pem(change.read(*kept)["pem"].get<std::string>());
  } else {
    key_ = signing_key::rsa();
    change.put(table::paypal_token, owner, "pem", {{"pem", key_->private_pem()}});
  }
  change.finish();
  forger_ = signing_key::rsa();
  certificate_ = key_->certificate("messageverificationcerts.sandbox.souk");
  certificate_url_ = options_.url + "/v1/notifications/certs/CERT-" + hash_of(key_->public_der()).substr(0, 16);
}

bool paypal::is_command(const call& asked) const {
  return asked.method != "GET" && !asked.path.starts_with("/v1/oauth2/")
      && asked.path != "/v1/notifications/verify-webhook-signature";
}

answer paypal::refusal(const call&, int status) {
  if (status == 429)
    return say(429, {{"name", "RATE_LIMIT_REACHED"},
                     {"message", "Too many requests. Blocked due to rate limiting."},
                     {"debug_id", debug_id()}})
      .with("Retry-After", "1");
  return say(status, {{"name", "INTERNAL_SERVER_ERROR"},
                      {"message", "An internal server error occurred."},
                      {"debug_id", debug_id()}});
}

// -- who calls ------------------------------------------------------------------

answer paypal::issue_token(const call& asked) {
  auto header = asked.header("Authorization");
  auto pair = header.starts_with("Basic ") ? from_base64(std::string_view{header}.substr(6)) : std::string{};
  auto colon = pair.find(':');
  auto client = pair.substr(0, colon);
  auto secret = colon == std::string::npos ? std::string{} : pair.substr(colon + 1);
  bool good = !client.empty() && !secret.empty() && client.size() <= client_id_max && is_utf8(client)
           && pair.find("bad") == std::string::npos;
  if (!good)
    return say(401, {{"error", "invalid_client"}, {"error_description", "Client Authentication failed"}});
  auto fields = parse_form(asked.body);
  if (!fields || text_of(*fields, "grant_type") != "client_credentials")
    return say(400, {{"error", "unsupported_grant_type"}, {"error_description", "Grant Type is not client_credentials"}});
  auto issued = random_id("A21AA", 60);
  store::transaction change{store_};
  auto expires = now_ms() + std::chrono::milliseconds{options_.token_life}.count();
  change.put(table::paypal_token, change.account(token_owner), issued,
             {{"client", client}, {"expires", expires}});
  change.finish();
  return say(200, {{"scope", "https://uri.paypal.com/services/payments/payment"},
                   {"access_token", issued},
                   {"token_type", "Bearer"},
                   {"app_id", "APP-80W284485P519543T"},
                   {"expires_in", options_.token_life.count()},
                   {"nonce", rfc3339(now_ms()) + random_id("", 40)}});
}

std::optional<std::uint32_t> paypal::account_of(const call& asked, answer& refused) {
  auto header = asked.header("Authorization");
  if (!header.starts_with("Bearer ")) {
    refused = say(401, {{"name", "AUTHENTICATION_FAILURE"},
                        {"message", "Authentication failed due to invalid authentication credentials or a missing "
                                    "Authorization header."},
                        {"debug_id", debug_id()},
                        {"links", json::array()}});
    return std::nullopt;
  }
  std::lock_guard lock{mutex_};
  auto known = tokens_.find(header.substr(7));
  if (known != tokens_.end() && known->second.expires > now_ms())
    return known->second.account;
  refused = say(401, {{"error", "invalid_token"},
                      {"error_description", known == tokens_.end() ? "The token passed in was not found in the system"
                                                                   : "Access Token has expired"}});
  return std::nullopt;
}

// -- calls ----------------------------------------------------------------------

answer paypal::handle(call& asked) {
  if (asked.path.starts_with("/pages/"))
    return page(asked);
  if (asked.method == "GET" && asked.path.starts_with("/v1/notifications/certs/"))
    return options_.url + std::string{asked.path} == certificate_url_
           ? answer{200, certificate_, "application/x-pem-file"}
           : error_answer({404, "RESOURCE_NOT_FOUND", "", "", ""});
  if (asked.method == "POST" && asked.path == "/v1/oauth2/token")
    return issue_token(asked);
  answer refused;
  auto account = account_of(asked, refused);
  if (!account)
    return refused;
  return std::move(api(asked, *account)).with("Paypal-Debug-Id", debug_id());
}

answer paypal::api(call& asked, std::uint32_t account) {
  auto body = asked.body.empty() ? json::object() : json::parse(asked.body, nullptr, false);
  if (body.is_discarded())
    return error_answer({400, "INVALID_REQUEST", "MALFORMED_REQUEST_JSON", "", "The request JSON is not well formed."});
  if (!asked.body.empty() && !asked.header("Content-Type").starts_with("application/json"))
    return error_answer({415, "UNSUPPORTED_MEDIA_TYPE", "", "", ""});
  if (asked.method == "POST" && asked.path == "/v1/notifications/verify-webhook-signature") {
    for (const char* name : {"auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time",
                             "webhook_id", "webhook_event"})
      if (!body.is_object() || !body.contains(name))
        return error_answer({400, "VALIDATION_ERROR", "MISSING_REQUIRED_PARAMETER", name, "It is required."});
    return say(200, {{"verification_status", verify(body, asked.body, account) ? "SUCCESS" : "FAILURE"}});
  }
  const auto* rule = paypal_desk::route(asked.method, asked.segments);
  if (rule == nullptr)
    return error_answer({404, "RESOURCE_NOT_FOUND", "", "", ""});
  auto query = parse_form(asked.query);
  if (!query)
    return error_answer({400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX", "", "The query cannot be read."});
  auto request_id = asked.method == "POST" ? asked.header("PayPal-Request-Id") : std::string{};
  if (request_id.size() > request_id_max || !is_utf8(request_id))
    return error_answer({400, "INVALID_REQUEST", "INVALID_PARAMETER_LENGTH", "PayPal-Request-Id",
                         "It has 1 to 108 characters."});
  auto key = request_id.empty() ? std::string{} : std::string{asked.path} + '\n' + request_id;
  turns::turn turn{turns_, std::to_string(account) + '\n' + (key.empty() ? random_id("", 16) : key)};
  if (!turn.alone() || asked.faults.conflict)
    return error_answer({409, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS", "",
                         "A previous request on this resource is in progress."});
  if (asked.faults.latency_ms > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds{asked.faults.latency_ms});
  bool minimal = asked.method != "GET" && asked.header("Prefer").find("representation") == std::string::npos;

  store::transaction change{store_};
  paypal_desk desk{*this, change, body, *query, {account, asked.faults.decline}};
  paypal_outcome done;
  auto fingerprint = hash_of(asked.body);
  auto life = asked.path.starts_with("/v2/checkout/") ? options_.order_key_life : options_.payment_key_life;
  const auto* used = key.empty() ? nullptr : change.find(table::paypal_request, account, key);
  try {
    if (used != nullptr && used->updated > now_ms() - std::chrono::milliseconds{life}.count()) {
      auto kept = change.read(*used);
      if (kept["request"] != fingerprint)
        unprocessable("DUPLICATE_REQUEST_ID", "This PayPal-Request-Id was used with another request.");
      // A repeat is answered with what became of the first, which is not always what was said then.
      done = {200, static_cast<table>(kept["kind"].get<int>()), kept["id"], nullptr};
    } else {
      std::string id;
      for (std::size_t i = 0; i < rule->path.size(); ++i)
        if (rule->path[i] == "*")
          id = asked.segments[i];
      done = (desk.*(rule->call))(id);
      if (!key.empty() && done.kind != table::count)
        change.put(table::paypal_request, account, key,
                   {{"request", fingerprint}, {"kind", static_cast<int>(done.kind)}, {"id", done.id}});
    }
  } catch (const paypal_error& error) {
    if (change.open())
      change.finish(); // a declined instrument sends the order back to its buyer
    return error_answer(error);
  } catch (const json::type_error&) { // a member of another type than the API has
    if (change.open())
      change.finish();
    return error_answer({400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX", "", "A field is of the wrong type."});
  }
  if (done.kind != table::count && done.status != 204)
    done.body = desk.show(done.kind, done.id, minimal);
  if (done.kind == table::paypal_authorization && asked.segments.back() == "void" && minimal)
    done = {204, table::count, "", nullptr};
  if (change.open())
    change.finish();
  for (const auto& event : desk.events())
    deliver(account, event.type, event.event);
  if (asked.faults.fail)
    return refusal(asked, 500);
  return say(done.status, done.body);
}

answer paypal::act(const std::string& account, const std::string& id, const std::string& action) {
  static const json none = json::object();
  store::transaction change{store_};
  paypal_desk desk{*this, change, none, none, {change.account(account), false}};
  json shown;
  try {
    paypal_outcome done;
    if (action == "complete" || action == "deny")
      done = desk.settle_capture(id, action == "complete");
    else if (action == "approve")
      done = desk.approve(id, "");
    else if (action == "approve_declined" || action == "approve_pending")
      done = desk.approve(id, action.substr(8));
    else
      bad_request("INVALID_PARAMETER_VALUE",
                  "action is approve, approve_declined or approve_pending for an order, complete or deny for a capture");
    shown = desk.show(done.kind, done.id, false);
  } catch (const paypal_error& error) {
    return error_answer(error);
  }
  auto number = change.account(account);
  change.finish();
  for (const auto& event : desk.events())
    deliver(number, event.type, event.event);
  return say(200, shown);
}

// -- the approval page ----------------------------------------------------------

answer paypal::page(const call& asked) {
  using sandbox_common::escaped;
  const auto& parts = asked.segments; // pages approve HANDLE ORDER [BUTTON]
  auto html = [](int status, const std::string& body) {
    return answer{status, sandbox_common::html_page("PayPal sandbox", body), "text/html; charset=utf-8"};
  };
  auto account = parts.size() >= 4 && parts[1] == "approve" ? store_.account_behind(parts[2]) : std::nullopt;
  json order;
  std::string id{account ? parts[3] : std::string_view{}};
  if (account) {
    store::transaction look{store_};
    if (const auto* subject = look.find(table::paypal_order, *account, id))
      order = look.read(*subject);
  }
  if (order.is_null())
    return html(404, "<h1>Not found</h1>");
  auto way_back = [&](const char* which, const std::string& more) {
    auto url = text_of(order["_sandbox"], which);
    if (url.empty())
      return html(200, "<h1>Thank you</h1><p>The shop gave no address to go back to.</p>");
    url += (url.find('?') == std::string::npos ? "?token=" : "&token=") + id + more;
    return answer{303, "", "text/plain"}.with("Location", url);
  };
  if (parts.size() == 5 && asked.method == "POST") {
    std::string pressed{parts[4]};
    if (pressed == "cancel")
      return way_back("cancel_url", "");
    if (pressed != "approve" && pressed != "approve_declined" && pressed != "approve_pending")
      return html(404, "<h1>Not found</h1>");
    if (act(store_.account_name(*account), id, pressed).status != 200)
      return html(200, "<h1>Too late</h1><p>This order cannot be approved any more.</p>");
    return way_back("return_url", "&PayerID=" + random_id("", 13));
  }
  auto here = options_.url + "/pages/approve/" + std::string{parts[2]} + "/" + id + "/";
  auto button = [&](const char* verb, const char* label) {
    return "<form method=\"post\" action=\"" + escaped(here + verb) + "\"><button>" + label + "</button></form>";
  };
  std::string body = "<h1>PayPal</h1>";
  for (const auto& unit : order["purchase_units"])
    body += "<p>Pay <strong>" + escaped(text_of(unit["amount"], "value")) + " "
          + escaped(text_of(unit["amount"], "currency_code")) + "</strong></p>";
  return html(200, body + button("approve", "Approve") + button("approve_declined", "Approve with a card that is declined")
                     + button("approve_pending", "Approve with a slow bank account") + button("cancel", "Cancel"));
}

} // namespace souk::providers
