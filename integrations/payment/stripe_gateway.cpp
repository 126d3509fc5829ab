#include "integrations/payment/stripe_gateway.hpp"

#include "integrations/payment/stripe_answers.hpp"
#include "integrations/payment/stripe_money.hpp"
#include "integrations/provider_http/account_secrets.hpp"
#include "integrations/provider_http/card_numbers.hpp"
#include "integrations/provider_http/json_fields.hpp"


namespace souk::integrations {

using actors::charge;
using actors::gateway_answer;
using actors::gateway_status;
using nlohmann::json;

namespace {

gateway_answer rejected(std::string code, std::string reference = {}) {
  return {gateway_status::rejected, std::move(reference), std::move(code), {}};
}

/// Where the goods go: it helps the bank to tell a thief from a shopper. What looks like a card's number is left out.
void add_shipping(stripe_form& form, const storage::postal_address& to) {
  if (to.name.empty() || to.line1.empty() || holds_card_number(to.name) || holds_card_number(to.line1))
    return;
  form.add("shipping[name]", to.name);
  form.add("shipping[address][line1]", to.line1);
  form.add_some("shipping[address][line2]", without_card_numbers(to.line2));
  form.add_some("shipping[address][city]", without_card_numbers(to.city));
  form.add_some("shipping[address][state]", without_card_numbers(to.region));
  form.add_some("shipping[address][postal_code]", without_card_numbers(to.postal_code));
  form.add_some("shipping[address][country]", to.country);
  form.add_some("shipping[phone]", without_card_numbers(to.phone));
}

} // namespace

stripe_gateway::stripe_gateway(const std::string& base_url, std::chrono::milliseconds time_limit,
                               std::shared_ptr<const actors::secret_box> box, client_tuning tuning)
  : api_{base_url, tuning}, time_limit_{time_limit}, box_{std::move(box)} {
  // nop
}

std::optional<stripe_gateway::access> stripe_gateway::open(const storage::ulid& store, const storage::payment_account& account,
                                                           std::chrono::milliseconds limit) const {
  auto secrets = open_account(box_.get(), store, "stripe", account.sealed);
  auto key = secrets ? text_at(*secrets, "secret_key") : std::string{};
  if (key.empty())
    return std::nullopt;
  return access{account_name(key), key, stripe_api::clock::now() + limit};
}

/// Without an account nothing can be sent; and whatever goes wrong here (memory, say), nobody knows what Stripe did.
template <class Call>
gateway_answer stripe_gateway::as_merchant(const charge& c, Call call) noexcept {
  try {
    if (auto who = open(c.store_id, c.account, time_limit_))
      return call(*who);
    return {gateway_status::not_now, {}, "no_account", {}};
  } catch (...) {
    return {};
  }
}

// -- payments -------------------------------------------------------------------

gateway_answer stripe_gateway::authorize(const charge& c) {
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    if (holds_card_number(c.method_token))
      return rejected("card_number");
    if (is_hosted(c) && !is_web_address(c.return_url))
      return rejected("no_return_url");
    auto payment = find(who, c);
    if (payment.what == found::kind::nothing) // too old to be asked for: nobody expects to be charged a day later
      return rejected("attempt_too_old");
    if (payment.what == found::kind::intent && is_unconfirmed(payment.object) && !is_hosted(c))
      return confirm(who, c, payment.object);
    return answer_of(who, c, payment);
  });
}

gateway_answer stripe_gateway::confirm(const access& who, const charge& c, const json& intent) {
  auto id = text_at(intent, "id");
  stripe_form form;
  form.add(c.method_token.starts_with("ctoken_") ? "confirmation_token" : "payment_method", c.method_token);
  form.add("capture_method", c.account.manual_capture ? "manual" : "automatic");
  if (is_web_address(c.return_url))
    form.add("return_url", c.return_url);
  add_shipping(form, c.address);
  auto path = "/v1/payment_intents/" + id + "/confirm";
  // An address that was mended since makes another request of it, which needs another key; the intent is confirmed once all the same.
  auto got = api_.post_until_heard(who, path, form, c.attempt_id.str() + "-confirm-" + fingerprint(form.text()));
  if (got.ok())
    return answer_of(who, c, {found::kind::intent, got.body, {}});
  if (got.status == 402 && text_at(got.body, {"error", "payment_intent", "status"}) == "requires_payment_method")
    return {gateway_status::declined, id, got.error_code(), {}};
  if (got.status != 400 && got.status != 402 && got.status != 404)
    return no_news(got, id);
  // Refused: either the request is bad, or the intent has moved on since. How it is now tells.
  auto now = as_it_is_now(who, c, id);
  return now.status == gateway_status::not_found ? rejected(got.error_code(), id) : now;
}

gateway_answer stripe_gateway::as_it_is_now(const access& who, const charge& c, const std::string& reference) {
  return answer_of(who, c, find_by_reference(who, c, reference));
}

gateway_answer stripe_gateway::answer_of(const access& who, const charge& c, const found& payment) {
  switch (payment.what) {
    case found::kind::nothing:
      return {gateway_status::not_found, {}, {}, {}};
    case found::kind::open:
      return payment.answer;
    case found::kind::session:
      return answer_of_session(payment.object);
    case found::kind::intent:
      break;
  }
  auto out = answer_of_intent(payment.object, c.currency);
  if (out.status != gateway_status::succeeded)
    return out;
  out.refunded = integer_at(member(payment.object, "latest_charge"), "amount_refunded", -1);
  if (out.refunded > 0) // that counts what was let go uncaptured, too
    out.refunded = refunded_of(who, out.reference, c.currency);
  if (out.refunded > 0 && out.refunded == out.captured)
    out.status = gateway_status::refunded;
  return out;
}

/// What went back or is on its way back; -1 when Stripe does not say.
std::int64_t stripe_gateway::refunded_of(const access& who, const std::string& intent, const std::string& currency) {
  auto got = api_.get(who, "/v1/refunds?limit=100&payment_intent=" + intent);
  if (!got.ok() || member(got.body, "has_more") == true)
    return -1;
  std::int64_t sum = 0;
  for (const auto& refund : list_at(got.body, "data"))
    if (auto status = text_at(refund, "status"); status != "failed" && status != "canceled")
      sum += integer_at(refund, "amount");
  return from_stripe_amount(sum, currency);
}

gateway_answer stripe_gateway::query(const charge& c) {
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    auto out = answer_of(who, c, find(who, c));
    // A session nobody was sent to: it is found again when it is asked for.
    if (c.reference.empty() && is_hosted(c) && out.status == gateway_status::requires_action)
      out.status = gateway_status::not_found;
    return out;
  });
}

gateway_answer stripe_gateway::capture(const charge& c) {
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    auto payment = find(who, c);
    auto before = answer_of(who, c, payment);
    if (before.status != gateway_status::authorized)
      return before;
    auto amount = to_stripe_amount(c.captures, c.currency);
    if (!amount)
      return rejected("amount_unsupported", before.reference);
    stripe_form form;
    form.add("amount_to_capture", *amount);
    auto got = api_.post_until_heard(who, "/v1/payment_intents/" + before.reference + "/capture", form,
                                     c.attempt_id.str() + "-capture-" + std::to_string(c.captures));
    if (got.ok() && !got.replayed)
      return answer_of(who, c, {found::kind::intent, got.body, {}});
    if (!got.ok() && got.status != 400 && got.status != 402)
      return no_news(got, before.reference);
    auto now = as_it_is_now(who, c, before.reference);
    return now.status == gateway_status::authorized ? rejected(got.error_code(), before.reference) : now;
  });
}

gateway_answer stripe_gateway::cancel(const charge& c) {
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    auto payment = find(who, c);
    if (payment.what == found::kind::nothing || payment.what == found::kind::open)
      return answer_of(who, c, payment);
    auto id = text_at(payment.object, "id");
    if (payment.what == found::kind::session) {
      if (text_at(payment.object, "status") != "open")
        return answer_of_session(payment.object);
      auto got = api_.post_until_heard(who, "/v1/checkout/sessions/" + id + "/expire", {}, c.attempt_id.str() + "-expire");
      if (!got.ok() && got.status != 400)
        return no_news(got, id);
      payment = find_by_reference(who, c, id); // the shopper may have paid in the last moment
      if (payment.what != found::kind::intent)
        return answer_of(who, c, payment);
      id = text_at(payment.object, "id");
    }
    auto before = answer_of(who, c, payment);
    if (before.status == gateway_status::succeeded || before.status == gateway_status::refunded
        || before.status == gateway_status::cancelled)
      return before;
    stripe_form form;
    form.add("cancellation_reason", "abandoned");
    auto got = api_.post_until_heard(who, "/v1/payment_intents/" + id + "/cancel", form, c.attempt_id.str() + "-cancel");
    if (got.ok() && text_at(got.body, "status") == "canceled")
      return {gateway_status::cancelled, id, {}, {}};
    if (got.status != 400)
      return no_news(got, id);
    auto now = as_it_is_now(who, c, id); // too late, or the bank is at it
    bool settled = now.status == gateway_status::succeeded || now.status == gateway_status::refunded
                || now.status == gateway_status::cancelled || now.status == gateway_status::processing;
    return settled ? now : gateway_answer{gateway_status::unknown, id, got.error_code(), {}}; // still open: it could be paid
  });
}

// -- refunds --------------------------------------------------------------------

gateway_answer stripe_gateway::refund(const charge& c) {
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    if (!c.refund_reference.empty())
      return query_refund(c);
    auto intent = c.reference;
    if (!intent.starts_with("pi_")) {
      auto before = answer_of(who, c, find(who, c));
      if (before.status != gateway_status::succeeded && before.status != gateway_status::refunded)
        return before.status == gateway_status::not_now ? before : gateway_answer{};
      intent = before.reference;
    }
    auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    if (now - c.refund_created_at > stripe_keys_live) {
      if (auto known = find_refund(who, c, intent))
        return *known;
    }
    auto amount = to_stripe_amount(c.refunds, c.currency);
    if (!amount)
      return rejected("amount_unsupported", intent);
    stripe_form form;
    form.add("payment_intent", intent).add("amount", *amount);
    form.add("reason", c.refund_reason == "duplicate" ? "duplicate" : "requested_by_customer");
    form.add("metadata[order_id]", c.order_id.str()).add("metadata[attempt_id]", c.attempt_id.str());
    form.add("metadata[store_id]", c.store_id.str()).add("metadata[refund_id]", c.refund_id.str());
    const auto key = c.refund_id.is_nil() ? c.attempt_id.str() + "-refund" : c.refund_id.str();
    for (int number = 0; number < stripe_keys_max; ++number) {
      auto got = api_.post(who, "/v1/refunds", form, further_key(key, number));
      if (got.ok() && !got.replayed)
        return answer_of_refund(got.body);
      if (!got.ok() && got.status != 400 && got.status != 402 && got.status != 404 && !got.kept_failure())
        return no_news(got, intent);
      // Made before, or refused, or failed for good: whether it is there tells. If not, a failure that is kept needs another key.
      if (auto known = find_refund(who, c, intent))
        return *known;
      if (!got.kept_failure())
        return got.ok() ? answer_of_refund(got.body) : rejected(got.error_code(), intent);
    }
    return {};
  });
}

/// The refund among those of the payment. @returns nothing when it is not there, unknown when Stripe does not say
std::optional<gateway_answer> stripe_gateway::find_refund(const access& who, const charge& c, const std::string& intent) {
  auto got = api_.get(who, "/v1/refunds?limit=100&payment_intent=" + percent_encoded(intent));
  if (!got.ok())
    return no_news(got, intent);
  for (const auto& refund : list_at(got.body, "data"))
    if (text_at(refund, {"metadata", "refund_id"}) == c.refund_id.str())
      return answer_of_refund(refund);
  if (member(got.body, "has_more") == true)
    return gateway_answer{};
  return std::nullopt;
}

gateway_answer stripe_gateway::query_refund(const charge& c) {
  if (c.refund_reference.empty())
    return refund(c); // under its key it is done once
  return as_merchant(c, [&](const access& who) -> gateway_answer {
    auto got = api_.get(who, "/v1/refunds/" + percent_encoded(c.refund_reference));
    if (got.ok())
      return answer_of_refund(got.body);
    return no_news(got, c.reference);
  });
}

} // namespace souk::integrations
