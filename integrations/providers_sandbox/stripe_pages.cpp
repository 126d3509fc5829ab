// The pages a shopper sees: the hosted checkout, and the bank that authenticates a payment.

#include "integrations/providers_sandbox/form.hpp"
#include "integrations/providers_sandbox/stripe_desk.hpp"
#include "integrations/sandbox_common/html.hpp"

namespace souk::providers {

using sandbox_common::escaped;
using sandbox_common::html_page;

namespace {

std::string button(const std::string& address, std::string_view label) {
  return "<form method=\"post\" action=\"" + escaped(address) + "\"><button>" + escaped(label) + "</button></form>";
}

std::string text_of(const json& object, const char* name) {
  auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string{};
}

answer html(int status, std::string_view title, const std::string& body) {
  return {status, html_page(title, body), "text/html; charset=utf-8"};
}

answer see_other(const std::string& location) {
  return answer{303, "", "text/plain"}.with("Location", location); // a browser's "reload" must not post again
}

std::string with_query(std::string url, const std::string& query) {
  auto fragment = url.find('#');
  auto tail = fragment == std::string::npos ? std::string{} : url.substr(fragment);
  url.resize(std::min(fragment, url.size()));
  url += url.find('?') == std::string::npos ? '?' : '&';
  return url + query + tail;
}

} // namespace

// /pages/checkout/HANDLE/ID, /pages/authenticate/HANDLE/ID; a POST to them adds what was pressed.
answer stripe::page(call& asked) {
  const auto& parts = asked.segments;
  auto account = parts.size() >= 4 ? store_.account_behind(parts[2]) : std::nullopt;
  if (!account)
    return html(404, "Not found", "<h1>Not found</h1>");
  std::string id{parts[3]};
  std::string pressed{parts.size() == 5 && asked.method == "POST" ? parts[4] : std::string_view{}};
  if (parts[1] == "checkout")
    return checkout_page(*account, id, pressed);
  if (parts[1] == "authenticate")
    return bank_page(*account, id, pressed);
  return html(404, "Not found", "<h1>Not found</h1>");
}

answer stripe::checkout_page(std::uint32_t account, const std::string& id, const std::string& pressed) {
  static const json none = json::object();
  auto name = store_.account_name(account);
  std::string note;
  if (pressed == "pay" || pressed == "decline" || pressed == "pay_later") {
    act(name, id, pressed);
    note = pressed == "decline" ? "<p role=\"alert\">The card was declined.</p>" : "";
  } else if (!pressed.empty()) {
    return html(404, "Not found", "<h1>Not found</h1>");
  }
  json session;
  {
    store::transaction look{store_};
    stripe_desk desk{*this, look, none, {account, "", "", false}};
    try {
      session = json::parse(desk.find_session(id).text);
    } catch (const stripe_error&) {
      return html(404, "Not found", "<h1>No such session</h1>");
    }
    look.finish();
    for (const auto& event : desk.events())
      deliver(endpoints_of(account), account, event.type, event.event);
  }
  if (session["status"] == "complete") {
    auto url = text_of(session, "success_url");
    constexpr std::string_view mark = "{CHECKOUT_SESSION_ID}";
    if (auto at = url.find(mark); at != std::string::npos)
      url.replace(at, mark.size(), id);
    return see_other(url);
  }
  auto here = options_.url + "/pages/checkout/" + store_.account_handle(account) + "/" + id;
  std::string body = "<h1>Checkout</h1><p>Total <strong>" + session["amount_total"].dump() + "</strong> minor units of "
                   + escaped(text_of(session, "currency")) + ".</p>" + note;
  if (session["status"] == "open") {
    body += button(here + "/pay", "Pay") + button(here + "/decline", "Pay with a card that is declined");
    body += button(here + "/pay_later", "Pay by a slow method");
  } else {
    body += "<p>This session is <strong>expired</strong>.</p>";
  }
  if (auto back = text_of(session, "cancel_url"); !back.empty())
    body += "<p><a href=\"" + escaped(back) + "\">Back to the shop</a></p>";
  return html(200, "Stripe sandbox", body);
}

answer stripe::bank_page(std::uint32_t account, const std::string& id, const std::string& pressed) {
  auto read = [&]() -> json {
    store::transaction look{store_};
    const auto* subject = look.find(table::stripe_intent, account, id);
    return subject == nullptr ? json{} : look.read(*subject);
  };
  auto intent = read();
  if (intent.is_null() || (!pressed.empty() && pressed != "approve" && pressed != "decline"))
    return html(404, "Not found", "<h1>Not found</h1>");
  std::string back;
  if (intent["next_action"].is_object())
    back = text_of(intent["next_action"]["redirect_to_url"], "return_url");
  auto here = options_.url + "/pages/authenticate/" + store_.account_handle(account) + "/" + id;
  if (!pressed.empty()) {
    act(store_.account_name(account), id, pressed);
    auto status = read()["status"];
    bool good = status == "succeeded" || status == "requires_capture";
    if (back.empty())
      return see_other(here);
    return see_other(with_query(back, "payment_intent=" + id + "&payment_intent_client_secret="
                                        + text_of(intent, "client_secret")
                                        + "&redirect_status=" + (good ? "succeeded" : "failed")));
  }
  std::string body = "<h1>Your bank</h1><p>Payment of <strong>" + intent["amount"].dump() + "</strong> minor units of "
                   + escaped(text_of(intent, "currency")) + ".</p>";
  if (intent["status"] == "requires_action")
    body += button(here + "/approve", "Approve") + button(here + "/decline", "Decline");
  else
    body += "<p>This payment is <strong>" + escaped(text_of(intent, "status")) + "</strong>.</p>";
  return html(200, "Bank of the sandbox", body);
}

} // namespace souk::providers
