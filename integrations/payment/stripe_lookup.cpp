// Finding the payment of an attempt at Stripe: by its id, under its key, or by what was written on it.

#include "integrations/payment/stripe_answers.hpp"
#include "integrations/payment/stripe_gateway.hpp"
#include "integrations/payment/stripe_money.hpp"
#include "integrations/provider_http/card_numbers.hpp"
#include "integrations/provider_http/json_fields.hpp"

#include <algorithm>

namespace souk::integrations {

using actors::charge;
using actors::gateway_status;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr auto search_lags = 1h; // behind everything else, at worst
constexpr auto clocks_differ = 10min;
constexpr int pages_max = 50;

storage::timestamp created_at(const charge& c) {
  return c.created_at == storage::timestamp{} ? c.attempt_id.drawn_at() : c.created_at;
}

std::chrono::microseconds age(const charge& c) {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()) - created_at(c);
}

std::string seconds(storage::timestamp at) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
}

bool is_of(const json& object, const charge& c) {
  return text_at(object, {"metadata", "attempt_id"}) == c.attempt_id.str();
}

/// An id goes into a path as it is.
bool is_id(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char ch) { return std::isalnum(ch) || ch == '_'; });
}

void add_metadata(stripe_form& form, const std::string& name, const charge& c) {
  form.add(name + "[order_id]", c.order_id.str());
  form.add(name + "[attempt_id]", c.attempt_id.str());
  form.add(name + "[store_id]", c.store_id.str());
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
  return text;
}

/// No money moves yet. What may change during the life of an attempt is left to the confirmation: the same key must ask for the same.
stripe_form intent_form(const charge& c, std::int64_t amount) {
  stripe_form form;
  form.add("amount", amount).add("currency", lower(c.currency));
  form.add("description", "Order " + std::to_string(c.order_number));
  form.add("automatic_payment_methods[enabled]", "true");
  form.add("automatic_payment_methods[allow_redirects]", is_web_address(c.return_url) ? "always" : "never");
  add_metadata(form, "metadata", c);
  return form;
}

stripe_form session_form(const charge& c, std::int64_t amount) {
  auto shop = without_card_numbers(c.store_name);
  auto title = "Order " + std::to_string(c.order_number) + (shop.empty() ? "" : ", " + shop);
  stripe_form form;
  form.add("mode", "payment");
  form.add("line_items[0][quantity]", 1);
  form.add("line_items[0][price_data][currency]", lower(c.currency));
  form.add("line_items[0][price_data][unit_amount]", amount);
  form.add("line_items[0][price_data][product_data][name]", title);
  form.add("success_url", c.return_url);
  form.add("cancel_url", c.return_url);
  form.add("client_reference_id", c.order_id.str());
  form.add_some("customer_email", without_card_numbers(c.email));
  if (c.account.manual_capture)
    form.add("payment_intent_data[capture_method]", "manual");
  form.add("payment_intent_data[description]", "Order " + std::to_string(c.order_number));
  add_metadata(form, "payment_intent_data[metadata]", c);
  add_metadata(form, "metadata", c);
  return form;
}

} // namespace

stripe_gateway::found stripe_gateway::find(const access& who, const charge& c) {
  if (!c.reference.empty())
    return find_by_reference(who, c, c.reference);
  return age(c) < stripe_keys_live ? create(who, c) : look_up(who, c);
}

stripe_gateway::found stripe_gateway::find_by_reference(const access& who, const charge& c, const std::string& reference) {
  found out;
  out.answer.reference = reference;
  bool session = reference.starts_with("cs_");
  if (!is_id(reference) || (!session && !reference.starts_with("pi_"))) {
    out.answer.code = "bad_reference";
    return out;
  }
  auto got = session ? api_.get(who, "/v1/checkout/sessions/" + reference)
                     : api_.get(who, "/v1/payment_intents/" + reference + "?expand%5B%5D=latest_charge");
  if (!got.ok()) {
    // A payment that was there and is not is in another account: the merchant has changed his. Nobody knows what it does there.
    out.answer = no_news(got, reference);
    if (out.answer.code.empty())
      out.answer.code = got.error_code();
    return out;
  }
  if (!is_of(got.body, c)) {
    out.answer.code = "foreign_payment";
    return out;
  }
  if (session) {
    const auto& intent = member(got.body, "payment_intent");
    if (intent.is_string() && text_at(got.body, "status") == "complete")
      return find_by_reference(who, c, intent.get<std::string>());
  }
  out.what = session ? found::kind::session : found::kind::intent;
  out.object = std::move(got.body);
  return out;
}

stripe_gateway::found stripe_gateway::create(const access& who, const charge& c) {
  found out;
  auto amount = to_stripe_amount(c.amount, c.currency);
  if (!amount) {
    out.answer.status = gateway_status::rejected;
    out.answer.code = "amount_unsupported";
    return out;
  }
  bool hosted = is_hosted(c);
  auto form = hosted ? session_form(c, *amount) : intent_form(c, *amount);
  auto path = hosted ? "/v1/checkout/sessions" : "/v1/payment_intents";
  auto key = c.attempt_id.str() + (hosted ? "-session" : "-create");
  // What a call with a kept failure may have made nobody knows the id of, so it is never paid.
  auto got = api_.post_until_heard(who, path, form, key);
  if (got.ok() && is_of(got.body, c)) {
    if (got.replayed)
      return find_by_reference(who, c, text_at(got.body, "id"));
    out.what = hosted ? found::kind::session : found::kind::intent;
    out.object = std::move(got.body);
    return out;
  }
  if (got.error_type() == "idempotency_error" && got.status == 400) {
    auto known = look_up(who, c); // it was made with something else in the request: a setting has changed since
    if (known.what != found::kind::nothing)
      return known;
  }
  out.answer = no_news(got, {});
  if (got.status == 400 || got.status == 402 || got.status == 404) {
    out.answer.status = gateway_status::rejected;
    out.answer.code = got.error_code();
  }
  return out;
}

/// By what was written on it. Search is quick but lags behind; going through the lists does not.
stripe_gateway::found stripe_gateway::look_up(const access& who, const charge& c) {
  const bool hosted = is_hosted(c);
  if (!hosted) {
    auto query = percent_encoded("metadata['attempt_id']:'" + c.attempt_id.str() + "'");
    auto got = api_.get(who, "/v1/payment_intents/search?limit=10&query=" + query);
    for (const auto& intent : list_at(got.body, "data"))
      if (got.ok() && is_of(intent, c))
        return find_by_reference(who, c, text_at(intent, "id"));
    if (got.ok() && age(c) > stripe_keys_live + search_lags)
      return {found::kind::nothing};
  } else if (age(c) > stripe_keys_live + search_lags) {
    return {found::kind::nothing}; // a session lives for a day, and this one's address was never told to anybody
  }
  return look_through(who, c, hosted ? "/v1/checkout/sessions" : "/v1/payment_intents");
}

stripe_gateway::found stripe_gateway::look_through(const access& who, const charge& c, const std::string& path) {
  auto first = path + "?limit=100&created%5Bgte%5D=" + seconds(created_at(c) - clocks_differ);
  std::string after;
  for (int page = 0; page < pages_max; ++page) {
    auto got = api_.get(who, first + (after.empty() ? "" : "&starting_after=" + percent_encoded(after)));
    if (!got.ok())
      return {found::kind::open, {}, no_news(got, {})};
    for (const auto& object : list_at(got.body, "data")) {
      after = text_at(object, "id");
      if (is_of(object, c))
        return find_by_reference(who, c, after);
    }
    if (member(got.body, "has_more") != true || after.empty())
      return {found::kind::nothing};
  }
  return {}; // more payments than can be looked through in time: nobody knows
}

} // namespace souk::integrations
