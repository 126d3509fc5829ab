// What confirming, capturing and refunding do: charges, refunds, and the money in the ledger.

#include "integrations/providers_sandbox/stripe_desk.hpp"

namespace souk::providers {

namespace {

std::string_view message_of(std::string_view code) {
  if (code == "expired_card")
    return "Your card has expired.";
  if (code == "incorrect_cvc")
    return "Your card's security code is incorrect.";
  if (code == "processing_error")
    return "An error occurred while processing your card. Try again in a little bit.";
  if (code == "authentication_required")
    return "Your card was declined. This transaction requires authentication.";
  if (code == "payment_intent_authentication_failure")
    return "The provided PaymentMethod has failed authentication.";
  return "Your card was declined.";
}

const stripe_card& card_of(const json& intent) {
  const auto* card = find_payment_method(intent.at("payment_method").get<std::string>());
  if (card == nullptr)
    throw std::runtime_error("a payment intent with a payment method that is no token");
  return *card;
}

std::string order_of(const json& metadata) {
  auto order = metadata.find("order_id");
  return order == metadata.end() ? std::string{} : order->get<std::string>();
}

} // namespace

void stripe_desk::wrong_status(const json& intent, const std::string& message) {
  throw stripe_error{400,
                     {{"type", "invalid_request_error"},
                      {"code", "payment_intent_unexpected_state"},
                      {"doc_url", "https://stripe.com/docs/error-codes/payment-intent-unexpected-state"},
                      {"message", message},
                      {"payment_intent", intent}},
                     true};
}

// -- confirm --------------------------------------------------------------------

stripe_outcome stripe_desk::confirm_intent(const std::string& id) {
  params_.only({"amount_to_confirm", "capture_method", "confirmation_token", "error_on_requires_action", "mandate",
                "mandate_data", "off_session", "payment_method", "payment_method_options", "payment_method_types",
                "receipt_email", "return_url", "setup_future_usage", "shipping", "use_stripe_sdk"});
  auto intent = load(table::stripe_intent, id, "payment_intent");
  const auto status = intent["status"].get<std::string>();
  if (status != "requires_payment_method" && status != "requires_confirmation" && status != "requires_action")
    wrong_status(intent, "You cannot confirm this PaymentIntent because it has a status of " + status + ".");
  if (auto amount = params_.integer("amount_to_confirm"); amount && *amount != intent["amount"])
    bad_parameter("amount_to_confirm", "", "amount_to_confirm is not the amount of the PaymentIntent.");
  read_intent_fields(intent);
  choose_payment_method(intent);
  return confirm(std::move(intent));
}

stripe_outcome stripe_desk::confirm(json intent) {
  const auto* known = change_.find(table::stripe_intent, why_.account, intent["id"].get<std::string>());
  if (intent["payment_method"].is_null()) {
    if (known == nullptr)
      bad_parameter("payment_method", "payment_intent_unexpected_state",
                    "You cannot confirm this PaymentIntent because it's missing a payment method.");
    wrong_status(intent, "You cannot confirm this PaymentIntent because it's missing a payment method.");
  }
  auto back = params_.url("return_url");
  const auto& automatic = intent["automatic_payment_methods"];
  bool may_redirect = automatic.is_object() && automatic["allow_redirects"] == "always";
  if (may_redirect && !back && !params_.has("confirmation_token") && !params_.boolean("use_stripe_sdk").value_or(false))
    bad_parameter("return_url", "",
                  "This PaymentIntent may use payment methods that redirect, so confirming it needs a return_url; or "
                  "create it with automatic_payment_methods[allow_redirects]=never.");
  const auto& card = card_of(intent);
  bool off_session = params_.text("off_session").value_or("false") != "false";
  bool error_on_action = params_.boolean("error_on_requires_action").value_or(false);
  if (known == nullptr) {
    intent["status"] = "requires_confirmation";
    emit("payment_intent.created", save(table::stripe_intent, intent));
  }
  if (why_.decline)
    return decline(std::move(intent), "card_declined", "generic_decline", true);
  switch (card.result) {
    case card_result::declines:
      return decline(std::move(intent), card.code, card.decline_code, true);
    case card_result::asks: {
      if (off_session || error_on_action)
        return decline(std::move(intent), "authentication_required", "authentication_required", true);
      intent["status"] = "requires_action";
      intent["last_payment_error"] = nullptr;
      auto page = owner_.options_.url + "/pages/authenticate/" + owner_.store_.account_handle(why_.account) + "/"
                + intent["id"].get<std::string>();
      intent["next_action"] = {
        {"type", "redirect_to_url"},
        {"redirect_to_url", {{"url", page}, {"return_url", back ? json(*back) : json()}}}};
      auto at = save(table::stripe_intent, intent);
      emit("payment_intent.requires_action", at);
      return saved(at);
    }
    case card_result::processes: {
      auto debit = fresh_charge(intent, card);
      debit["status"] = "pending";
      debit["paid"] = false;
      debit["captured"] = true;
      debit["amount_captured"] = 0;
      save(table::stripe_charge, debit);
      intent["status"] = "processing";
      intent["last_payment_error"] = nullptr;
      intent["next_action"] = nullptr;
      intent["latest_charge"] = debit["id"];
      auto at = save(table::stripe_intent, intent);
      emit("payment_intent.processing", at);
      return saved(at);
    }
    case card_result::pays:
    case card_result::refunds_late:
      break;
  }
  return charge(std::move(intent), card);
}

json stripe_desk::fresh_charge(const json& intent, const stripe_card& card) {
  bool manual = intent["capture_method"] == "manual";
  return {{"id", random_id("ch_3", 23)},
          {"object", "charge"},
          {"amount", intent["amount"]},
          {"amount_captured", manual ? json(0) : intent["amount"]},
          {"amount_refunded", 0},
          {"balance_transaction", nullptr},
          {"captured", !manual},
          {"created", now_ms() / 1000},
          {"currency", intent["currency"]},
          {"customer", intent["customer"]},
          {"description", intent["description"]},
          {"disputed", false},
          {"failure_code", nullptr},
          {"failure_message", nullptr},
          {"livemode", false},
          {"metadata", intent["metadata"]},
          {"outcome",
           {{"network_status", "approved_by_network"}, {"risk_level", "normal"}, {"type", "authorized"}}},
          {"paid", true},
          {"payment_intent", intent["id"]},
          {"payment_method", intent["payment_method"]},
          {"payment_method_details", {{"type", "card"}, {"card", {{"brand", card.brand}, {"last4", card.last4}}}}},
          {"receipt_email", intent["receipt_email"]},
          {"refunded", false},
          {"status", "succeeded"}};
}

stripe_outcome stripe_desk::charge(json intent, const stripe_card& card) {
  auto debit = fresh_charge(intent, card);
  bool manual = intent["capture_method"] == "manual";
  emit("charge.succeeded", save(table::stripe_charge, debit));
  intent["latest_charge"] = debit["id"];
  intent["last_payment_error"] = nullptr;
  intent["next_action"] = nullptr;
  intent["status"] = manual ? "requires_capture" : "succeeded";
  intent[manual ? "amount_capturable" : "amount_received"] = intent["amount"];
  auto at = save(table::stripe_intent, intent);
  if (manual) {
    emit("payment_intent.amount_capturable_updated", at, {{"amount_capturable", 0}});
  } else {
    book(change_, "stripe", why_.account, "captured", debit["id"], intent["id"], order_of(intent["metadata"]),
         intent["amount"], intent["currency"]);
    emit("payment_intent.succeeded", at);
  }
  return saved(at);
}

stripe_outcome stripe_desk::decline(json intent, std::string_view code, std::string_view decline_code,
                                    bool with_charge) {
  auto method = intent["payment_method"].get<std::string>();
  const auto& card = card_of(intent);
  json error{{"type", code == "payment_intent_authentication_failure" ? "invalid_request_error" : "card_error"},
             {"code", code},
             {"doc_url", "https://stripe.com/docs/error-codes/" + std::string{code}},
             {"message", message_of(code)},
             {"payment_method", payment_method_object(method, card)}};
  if (!decline_code.empty())
    error["decline_code"] = decline_code;
  if (code == "card_declined")
    error["advice_code"] = decline_code == "stolen_card" || decline_code == "lost_card" ? "do_not_try_again" : "try_again_later";
  if (with_charge) {
    auto failed = fresh_charge(intent, card);
    failed["status"] = "failed";
    failed["paid"] = false;
    failed["captured"] = false;
    failed["amount_captured"] = 0;
    failed["failure_code"] = code;
    failed["failure_message"] = message_of(code);
    failed["outcome"] = {{"network_status", "declined_by_network"},
                         {"reason", decline_code.empty() ? code : decline_code},
                         {"risk_level", "normal"},
                         {"type", "issuer_declined"}};
    error["charge"] = failed["id"];
    intent["latest_charge"] = failed["id"];
    emit("charge.failed", save(table::stripe_charge, failed));
  }
  intent["status"] = "requires_payment_method";
  intent["payment_method"] = nullptr;
  intent["next_action"] = nullptr;
  intent["last_payment_error"] = error;
  emit("payment_intent.payment_failed", save(table::stripe_intent, intent));
  error["payment_intent"] = std::move(intent);
  return {402, json{{"error", std::move(error)}}.dump()};
}

stripe_outcome stripe_desk::decide_intent(const std::string& id, bool approve) {
  auto intent = load(table::stripe_intent, id, "payment_intent");
  if (intent["status"] == "requires_action") {
    if (approve)
      return charge(std::move(intent), card_of(intent));
    decline(std::move(intent), "payment_intent_authentication_failure", "", false);
    return found(table::stripe_intent, id, "payment_intent");
  }
  if (intent["status"] != "processing")
    wrong_status(intent, "There is nothing to decide: the status is " + intent["status"].get<std::string>() + ".");
  auto debit = load(table::stripe_charge, intent["latest_charge"], "charge");
  debit["status"] = approve ? "succeeded" : "failed";
  debit["paid"] = approve;
  debit["captured"] = approve;
  if (approve)
    debit["amount_captured"] = intent["amount"];
  else
    debit["failure_code"] = "processing_error";
  emit(approve ? "charge.succeeded" : "charge.failed", save(table::stripe_charge, debit));
  if (!approve) {
    decline(std::move(intent), "processing_error", "", false);
    close_session_of(id, "unpaid", "checkout.session.async_payment_failed");
    return found(table::stripe_intent, id, "payment_intent");
  }
  intent["status"] = "succeeded";
  intent["amount_received"] = intent["amount"];
  auto at = save(table::stripe_intent, intent);
  book(change_, "stripe", why_.account, "captured", debit["id"], intent["id"], order_of(intent["metadata"]),
       intent["amount"], intent["currency"]);
  emit("payment_intent.succeeded", at);
  close_session_of(id, "paid", "checkout.session.async_payment_succeeded");
  return saved(at);
}

// -- capture --------------------------------------------------------------------

stripe_outcome stripe_desk::capture_intent(const std::string& id) {
  params_.only({"amount_details", "amount_to_capture", "final_capture", "metadata", "statement_descriptor",
                "statement_descriptor_suffix"});
  auto intent = load(table::stripe_intent, id, "payment_intent");
  const auto status = intent["status"].get<std::string>();
  if (status == "succeeded")
    wrong_status(intent, "This PaymentIntent could not be captured because it has already been captured.");
  if (status != "requires_capture")
    wrong_status(intent, "This PaymentIntent could not be captured because it has a status of " + status + ".");
  auto capturable = intent["amount_capturable"].get<std::int64_t>();
  auto amount = params_.integer("amount_to_capture").value_or(capturable);
  if (amount < 1)
    bad_parameter("amount_to_capture", "parameter_invalid_integer", "This value must be greater than or equal to 1.");
  if (amount > capturable)
    bad_parameter("amount_to_capture", "amount_too_large",
                  "The amount to capture is more than the amount that can be captured.");
  bool last = params_.boolean("final_capture").value_or(true) || amount == capturable;
  params_.merge_metadata(intent["metadata"]);
  auto debit = load(table::stripe_charge, intent["latest_charge"], "charge");
  auto captured = debit["amount_captured"].get<std::int64_t>() + amount;
  debit["amount_captured"] = captured;
  debit["captured"] = true;
  if (last) // what is not captured goes back to the card
    debit["amount_refunded"] = debit["amount"].get<std::int64_t>() - captured;
  auto charge_at = save(table::stripe_charge, debit);
  intent["amount_received"] = captured;
  intent["amount_capturable"] = last ? 0 : capturable - amount;
  intent["status"] = last ? "succeeded" : "requires_capture";
  auto at = save(table::stripe_intent, intent);
  // A charge can be captured several times; the ledger wants an id for each.
  auto entry = debit["id"].get<std::string>();
  if (captured != amount)
    entry += "_" + std::to_string(captured);
  book(change_, "stripe", why_.account, "captured", entry, id, order_of(intent["metadata"]), amount,
       intent["currency"]);
  emit("charge.captured", charge_at, {{"captured", false}});
  if (last)
    emit("payment_intent.succeeded", at);
  else
    emit("payment_intent.amount_capturable_updated", at, {{"amount_capturable", capturable}});
  return saved(at);
}

stripe_outcome stripe_desk::find_charge(const std::string& id) {
  params_.only({});
  return found(table::stripe_charge, id, "charge");
}

stripe_outcome stripe_desk::list_charges(const std::string&) {
  params_.only({"created", "customer", "ending_before", "limit", "payment_intent", "starting_after"});
  auto intent = params_.text("payment_intent");
  if (!intent)
    return list(table::stripe_charge, "/v1/charges", {});
  return list(table::stripe_charge, "/v1/charges",
              [&](const json& debit) { return debit.at("payment_intent") == *intent; });
}

// -- refunds --------------------------------------------------------------------

stripe_outcome stripe_desk::create_refund(const std::string&) {
  params_.only({"amount", "charge", "instructions_email", "metadata", "payment_intent", "reason",
                "refund_application_fee", "reverse_transfer"});
  auto of_intent = params_.text("payment_intent");
  auto of_charge = params_.text("charge");
  if (!of_intent && !of_charge)
    bad_parameter("payment_intent", "parameter_missing", "One of the following params should be provided: "
                                                         "payment_intent or charge.");
  auto reason = params_.one_of("reason", {"duplicate", "fraudulent", "requested_by_customer"});
  if (of_intent) {
    auto intent = load(table::stripe_intent, *of_intent, "payment_intent", "payment_intent");
    if (intent["amount_received"] == 0)
      bad_parameter("payment_intent", "charge_not_refundable",
                    "This PaymentIntent (" + *of_intent + ") does not have a successful charge to refund.");
    auto latest = intent["latest_charge"].get<std::string>();
    if (of_charge && *of_charge != latest)
      bad_parameter("charge", "", "The charge is not one of the payment_intent.");
    of_charge = latest;
  }
  auto debit = load(table::stripe_charge, *of_charge, "charge", "charge");
  if (debit["status"] != "succeeded" || debit["captured"] == false)
    bad_parameter("charge", "charge_not_refundable", "Charge " + *of_charge + " has nothing captured to refund.");
  // amount_refunded also counts what was released uncaptured; that cannot be refunded.
  auto origin = load(table::stripe_intent, debit["payment_intent"], "payment_intent");
  auto captured = debit["amount_captured"].get<std::int64_t>();
  auto released = debit["amount"].get<std::int64_t>() - captured - origin["amount_capturable"].get<std::int64_t>();
  auto left = captured - (debit["amount_refunded"].get<std::int64_t>() - released);
  if (left <= 0)
    bad_parameter("charge", "charge_already_refunded", "Charge " + *of_charge + " has already been refunded.");
  auto amount = params_.integer("amount").value_or(left);
  if (amount < 1)
    bad_parameter("amount", "parameter_invalid_integer", "This value must be greater than or equal to 1.");
  if (amount > left)
    bad_parameter("amount", "amount_too_large",
                  "Refund amount (" + std::to_string(amount) + ") is greater than unrefunded amount on charge ("
                    + std::to_string(left) + ").");
  const auto* card = find_payment_method(debit["payment_method"].get<std::string>());
  bool late = card != nullptr && card->result == card_result::refunds_late;
  json refund{{"id", random_id("re_3", 23)},
              {"object", "refund"},
              {"amount", amount},
              {"balance_transaction", nullptr},
              {"charge", *of_charge},
              {"created", now_ms() / 1000},
              {"currency", debit["currency"]},
              {"destination_details", {{"type", "card"}, {"card", {{"type", "refund"}, {"reference_status", "pending"}}}}},
              {"metadata", json::object()},
              {"payment_intent", debit["payment_intent"]},
              {"reason", reason ? json(*reason) : json()},
              {"receipt_number", nullptr},
              {"source_transfer_reversal", nullptr},
              {"status", late ? "pending" : "succeeded"},
              {"transfer_reversal", nullptr}};
  params_.merge_metadata(refund["metadata"]);
  json previous{{"amount_refunded", debit["amount_refunded"]}};
  debit["amount_refunded"] = debit["amount_refunded"].get<std::int64_t>() + amount;
  debit["refunded"] = debit["amount_refunded"] == debit["amount"];
  auto at = save(table::stripe_refund, refund);
  auto charge_at = save(table::stripe_charge, debit);
  if (!late)
    book(change_, "stripe", why_.account, "refunded", refund["id"], refund["payment_intent"],
         order_of(debit["metadata"]), amount, refund["currency"]);
  emit("refund.created", at);
  emit("charge.refunded", charge_at, previous);
  return saved(at);
}

stripe_outcome stripe_desk::settle_refund(const std::string& id, bool succeed) {
  auto refund = load(table::stripe_refund, id, "refund");
  if (refund["status"] != "pending")
    bad_parameter("id", "", "The refund is " + refund["status"].get<std::string>() + " already.");
  refund["status"] = succeed ? "succeeded" : "failed";
  auto debit = load(table::stripe_charge, refund["charge"], "charge");
  if (succeed) {
    book(change_, "stripe", why_.account, "refunded", refund["id"], refund["payment_intent"],
         order_of(debit["metadata"]), refund["amount"], refund["currency"]);
  } else {
    refund["failure_reason"] = "expired_or_canceled_card";
    debit["amount_refunded"] = debit["amount_refunded"].get<std::int64_t>() - refund["amount"].get<std::int64_t>();
    debit["refunded"] = false;
    save(table::stripe_charge, debit);
  }
  auto at = save(table::stripe_refund, refund);
  emit("refund.updated", at, {{"status", "pending"}});
  if (!succeed)
    emit("refund.failed", at);
  return saved(at);
}

stripe_outcome stripe_desk::update_refund(const std::string& id) {
  params_.only({"metadata"});
  auto refund = load(table::stripe_refund, id, "refund");
  params_.merge_metadata(refund["metadata"]);
  auto at = save(table::stripe_refund, refund);
  emit("refund.updated", at);
  return saved(at);
}

stripe_outcome stripe_desk::find_refund(const std::string& id) {
  params_.only({});
  return found(table::stripe_refund, id, "refund");
}

stripe_outcome stripe_desk::list_refunds(const std::string&) {
  params_.only({"charge", "created", "ending_before", "limit", "payment_intent", "starting_after"});
  auto intent = params_.text("payment_intent");
  auto debit = params_.text("charge");
  if (!intent && !debit)
    return list(table::stripe_refund, "/v1/refunds", {});
  return list(table::stripe_refund, "/v1/refunds", [&](const json& refund) {
    return (!intent || refund.at("payment_intent") == *intent) && (!debit || refund.at("charge") == *debit);
  });
}

} // namespace souk::providers
