// Payment intents: made, changed and looked for. What confirming does to them is in stripe_charges.cpp.

#include "integrations/providers_sandbox/stripe_desk.hpp"

#include <algorithm>
#include <limits>

namespace souk::providers {

namespace {

constexpr std::int64_t amount_max = 99'999'999; // eight digits, as the API has it

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

json or_null(std::optional<std::string> text) {
  return text ? json(*std::move(text)) : json();
}

void check_amount(std::int64_t amount, const std::string& currency) {
  if (amount < 1)
    bad_parameter("amount", "parameter_invalid_integer", "This value must be greater than or equal to 1.");
  if (amount > amount_max)
    bad_parameter("amount", "amount_too_large", "Amount must be no more than 99999999 minor units.");
  if (amount < amount_min(currency))
    bad_parameter("amount", "amount_too_small",
                  "Amount must be at least " + std::to_string(amount_min(currency)) + " " + currency);
}

std::uint64_t metadata_hash(std::uint32_t account, std::string_view key, std::string_view value) {
  auto hash = std::hash<std::string_view>{};
  return hash(key) * 31 + hash(value) + account * 0x9e3779b97f4a7c15ULL;
}

} // namespace

stripe::stripe(store& memory, webhook_sender& sender, faults& knobs, stripe_options options)
  : store_{memory}, sender_{sender}, faults_{knobs}, options_{std::move(options)} {
  store_.watch(table::stripe_intent, [this](const row& subject, const json& intent) {
    for (const auto& [key, value] : intent.at("metadata").items())
      by_metadata_.emplace(metadata_hash(subject.account, key, value.get_ref<const std::string&>()), subject.number);
  });
}

json stripe_desk::fresh_intent() {
  auto id = random_id("pi_3", 23);
  return {{"id", id},
          {"object", "payment_intent"},
          {"amount", 0},
          {"amount_capturable", 0},
          {"amount_received", 0},
          {"application", nullptr},
          {"automatic_payment_methods", nullptr},
          {"canceled_at", nullptr},
          {"cancellation_reason", nullptr},
          {"capture_method", "automatic_async"},
          {"client_secret", random_id(id + "_secret_", 25)},
          {"confirmation_method", "automatic"},
          {"created", now_ms() / 1000},
          {"currency", ""},
          {"customer", nullptr},
          {"description", nullptr},
          {"last_payment_error", nullptr},
          {"latest_charge", nullptr},
          {"livemode", false},
          {"metadata", json::object()},
          {"next_action", nullptr},
          {"payment_method", nullptr},
          {"payment_method_types", {"card"}},
          {"processing", nullptr},
          {"receipt_email", nullptr},
          {"setup_future_usage", nullptr},
          {"shipping", nullptr},
          {"statement_descriptor", nullptr},
          {"statement_descriptor_suffix", nullptr},
          {"status", "requires_payment_method"}};
}

/// The fields that create, update and confirm have in common.
void stripe_desk::read_intent_fields(json& intent) {
  for (const char* name : {"customer", "description", "receipt_email", "statement_descriptor"})
    if (params_.has(name))
      intent[name] = or_null(params_.text(name, 1000));
  if (params_.has("statement_descriptor_suffix"))
    intent["statement_descriptor_suffix"] = or_null(params_.text("statement_descriptor_suffix", 22));
  if (params_.has("setup_future_usage"))
    intent["setup_future_usage"] = or_null(params_.one_of("setup_future_usage", {"off_session", "on_session"}));
  if (params_.has("shipping")) {
    const auto& shipping = params_.nested("shipping");
    if (!shipping.empty() && (!shipping.contains("name") || !shipping.contains("address")))
      bad_parameter(shipping.contains("name") ? "shipping[address]" : "shipping[name]", "parameter_missing",
                    "shipping has a name and an address");
    intent["shipping"] = shipping.empty() ? json() : shipping;
  }
  if (auto method = params_.one_of("capture_method", {"automatic", "automatic_async", "manual"}))
    intent["capture_method"] = *method;
  params_.merge_metadata(intent["metadata"]);
}

/// Takes payment_method or confirmation_token; the intent then waits to be confirmed.
void stripe_desk::choose_payment_method(json& intent) {
  auto method = params_.text("payment_method");
  auto token = params_.text("confirmation_token");
  if (method && token)
    bad_parameter("confirmation_token", "", "payment_method and confirmation_token exclude each other");
  if (!method && !token)
    return;
  const auto* card = method ? find_payment_method(*method) : find_confirmation_token(*token);
  if (card == nullptr)
    no_such(method ? "PaymentMethod" : "confirmationtoken", method ? *method : *token,
            method ? "payment_method" : "confirmation_token");
  intent["payment_method"] = method && *method != card->token ? *method : payment_method_id(*card);
  if (intent["status"] == "requires_payment_method")
    intent["status"] = "requires_confirmation";
}

stripe_outcome stripe_desk::create_intent(const std::string&) {
  params_.only({"amount", "amount_details", "automatic_payment_methods", "capture_method", "confirm",
                "confirmation_method", "confirmation_token", "currency", "customer", "description",
                "error_on_requires_action", "metadata", "off_session", "payment_method", "payment_method_options",
                "payment_method_types", "receipt_email", "return_url", "setup_future_usage", "shipping",
                "statement_descriptor", "statement_descriptor_suffix", "use_stripe_sdk"});
  auto intent = fresh_intent();
  auto amount = params_.need_integer("amount");
  auto currency = lower(params_.need_text("currency"));
  if (currency.size() != 3 || !std::all_of(currency.begin(), currency.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    bad_parameter("currency", "", "Invalid currency: " + currency + ". Use a three-letter ISO code.");
  check_amount(amount, currency);
  intent["amount"] = amount;
  intent["currency"] = currency;
  read_intent_fields(intent);
  if (auto method = params_.one_of("confirmation_method", {"automatic", "manual"}))
    intent["confirmation_method"] = *method;
  const auto& types = params_.nested("payment_method_types");
  const auto& automatic = params_.nested("automatic_payment_methods");
  if (!types.empty()) {
    if (!types.is_array() || std::none_of(types.begin(), types.end(), [](const json& type) { return type == "card"; }))
      bad_parameter("payment_method_types", "", "The sandbox pays by card: payment_method_types[] names it");
    if (!automatic.empty())
      bad_parameter("payment_method_types", "",
                    "payment_method_types and automatic_payment_methods exclude each other");
    intent["payment_method_types"] = types;
  } else {
    stripe_params choice{automatic};
    choice.only({"allow_redirects", "enabled"});
    if (choice.boolean("enabled").value_or(true))
      intent["automatic_payment_methods"] = {
        {"enabled", true},
        {"allow_redirects", choice.one_of("allow_redirects", {"always", "never"}).value_or("always")}};
  }
  choose_payment_method(intent);
  bool confirming = params_.boolean("confirm").value_or(false);
  if (!confirming)
    for (const char* name : {"return_url", "off_session", "error_on_requires_action", "confirmation_token"})
      if (params_.text(name))
        bad_parameter(name, "parameter_unknown", std::string{name} + " is only for confirm=true");
  if (!confirming) {
    auto at = save(table::stripe_intent, intent);
    emit("payment_intent.created", at);
    return saved(at);
  }
  return confirm(std::move(intent));
}

stripe_outcome stripe_desk::update_intent(const std::string& id) {
  params_.only({"amount", "amount_details", "capture_method", "currency", "customer", "description", "metadata",
                "payment_method", "payment_method_options", "payment_method_types", "receipt_email",
                "setup_future_usage", "shipping", "statement_descriptor", "statement_descriptor_suffix"});
  auto intent = load(table::stripe_intent, id, "payment_intent");
  const auto status = intent["status"].get<std::string>();
  bool open = status == "requires_payment_method" || status == "requires_confirmation" || status == "requires_action";
  for (const auto& [name, value] : fields_.items())
    if (!open && name != "metadata" && name != "description" && name != "receipt_email" && name != "shipping"
        && name != "expand")
      wrong_status(intent, "This PaymentIntent's " + name + " could not be updated because it has a status of " + status
                             + ".");
  if (auto currency = params_.text("currency"))
    intent["currency"] = lower(*currency);
  if (auto amount = params_.integer("amount"))
    intent["amount"] = *amount;
  check_amount(intent["amount"], intent["currency"]);
  read_intent_fields(intent);
  if (status == "requires_action" && params_.has("payment_method")) {
    intent["status"] = "requires_payment_method"; // another card: what the bank was asked is void
    intent["next_action"] = nullptr;
  }
  choose_payment_method(intent);
  return saved(save(table::stripe_intent, intent));
}

stripe_outcome stripe_desk::cancel_intent(const std::string& id) {
  params_.only({"cancellation_reason"});
  auto reason =
    params_.one_of("cancellation_reason", {"abandoned", "duplicate", "fraudulent", "requested_by_customer"});
  auto intent = load(table::stripe_intent, id, "payment_intent");
  const auto status = intent["status"].get<std::string>();
  if (status == "succeeded" || status == "canceled" || status == "processing")
    wrong_status(intent, "You cannot cancel this PaymentIntent because it has a status of " + status + ".");
  intent["status"] = "canceled";
  intent["canceled_at"] = now_ms() / 1000;
  intent["cancellation_reason"] = or_null(reason);
  intent["next_action"] = nullptr;
  intent["amount_capturable"] = 0;
  if (status == "requires_capture") {
    auto charge = load(table::stripe_charge, intent["latest_charge"], "charge");
    charge["amount_refunded"] = charge["amount"].get<std::int64_t>() - charge["amount_captured"].get<std::int64_t>();
    charge["refunded"] = charge["amount_captured"] == 0;
    emit("charge.refunded", save(table::stripe_charge, charge), {{"amount_refunded", 0}, {"refunded", false}});
  }
  auto at = save(table::stripe_intent, intent);
  emit("payment_intent.canceled", at);
  return saved(at);
}

stripe_outcome stripe_desk::find_intent(const std::string& id) {
  params_.only({"client_secret"});
  return found(table::stripe_intent, id, "payment_intent");
}

stripe_outcome stripe_desk::list_intents(const std::string&) {
  params_.only({"created", "customer", "ending_before", "limit", "starting_after"});
  auto customer = params_.text("customer");
  if (!customer)
    return list(table::stripe_intent, "/v1/payment_intents", {});
  return list(table::stripe_intent, "/v1/payment_intents",
              [&](const json& intent) { return intent.at("customer") == *customer; });
}

// -- search ---------------------------------------------------------------------

namespace {

/// One term of a search: metadata['order_id']:'7', status:'succeeded', amount>500, currency:'usd' …
struct search_term {
  std::string field; ///< "metadata" or a field's name
  std::string key;   ///< of metadata
  std::string compare; ///< ":", ">", "<", ">=", "<="
  std::string value;
  bool negated = false;

  bool accepts(const json& intent) const {
    const auto* actual = &intent;
    auto step = actual->find(field);
    if (step == actual->end())
      return negated;
    actual = &*step;
    if (!key.empty()) {
      auto member = actual->find(key);
      if (member == actual->end())
        return negated;
      actual = &*member;
    }
    bool same = false;
    if (actual->is_number()) {
      auto number = std::strtoll(value.c_str(), nullptr, 10);
      auto has = actual->get<std::int64_t>();
      same = compare == ":"  ? has == number
           : compare == ">"  ? has > number
           : compare == "<"  ? has < number
           : compare == ">=" ? has >= number
                             : has <= number;
    } else if (actual->is_string()) {
      same = compare == ":" && *actual == value;
    }
    return same != negated;
  }
};

[[noreturn]] void bad_query() {
  bad_parameter("query", "", "The query is not understood: field:'value' and metadata['key']:'value', joined by AND");
}

class query_reader {
public:
  explicit query_reader(std::string_view text) : text_{text} {}

  std::vector<search_term> read() {
    std::vector<search_term> terms;
    do
      terms.push_back(term());
    while (word("AND"));
    if (!text_.empty())
      bad_query();
    return terms;
  }

private:
  void skip() {
    while (!text_.empty() && text_.front() == ' ')
      text_.remove_prefix(1);
  }

  bool word(std::string_view wanted) {
    skip();
    if (!text_.starts_with(wanted))
      return false;
    text_.remove_prefix(wanted.size());
    return true;
  }

  std::string quoted() {
    char quote = text_.empty() ? ' ' : text_.front();
    if (quote != '\'' && quote != '"')
      bad_query();
    std::string value;
    for (std::size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        text_.remove_prefix(i + 1);
        return value;
      }
      if (text_[i] == '\\' && i + 1 < text_.size())
        ++i;
      value += text_[i];
    }
    bad_query();
  }

  search_term term() {
    search_term result;
    skip();
    result.negated = word("-");
    while (!text_.empty() && ((text_.front() >= 'a' && text_.front() <= 'z') || text_.front() == '_')) {
      result.field += text_.front();
      text_.remove_prefix(1);
    }
    if (result.field.empty())
      bad_query();
    if (word("[")) {
      result.key = quoted();
      if (!word("]"))
        bad_query();
    }
    for (const char* sign : {":", ">=", "<=", ">", "<"})
      if (result.compare.empty() && word(sign))
        result.compare = sign;
    if (result.compare.empty())
      bad_query();
    skip();
    if (!text_.empty() && (text_.front() == '\'' || text_.front() == '"')) {
      result.value = quoted();
    } else {
      while (!text_.empty() && text_.front() != ' ') {
        result.value += text_.front();
        text_.remove_prefix(1);
      }
    }
    return result;
  }

  std::string_view text_;
};

} // namespace

// Search lags behind, as the real one does: who needs to know now must list or retrieve.
stripe_outcome stripe_desk::search_intents(const std::string&) {
  params_.only({"limit", "page", "query"});
  auto terms = query_reader{params_.need_text("query")}.read();
  auto limit = params_.integer("limit").value_or(10);
  auto skip = params_.integer("page").value_or(0);
  if (limit < 1 || limit > 100 || skip < 0)
    bad_parameter("limit", "parameter_invalid_integer", "limit is a number from 1 to 100");
  auto indexed = std::find_if(terms.begin(), terms.end(), [](const search_term& term) {
    return term.field == "metadata" && term.compare == ":" && !term.negated;
  });
  std::vector<std::uint32_t> numbers;
  if (indexed != terms.end()) {
    auto hash = metadata_hash(why_.account, indexed->key, indexed->value);
    for (auto it = owner_.by_metadata_.lower_bound({hash, 0}); it != owner_.by_metadata_.end() && it->first == hash; ++it)
      numbers.push_back(it->second);
  } else {
    numbers = change_.list(table::stripe_intent, why_.account);
  }
  std::vector<place> candidates;
  auto visible = now_ms() - owner_.options_.search_delay.count();
  for (auto it = numbers.rbegin(); it != numbers.rend(); ++it) {
    const auto& subject = change_.at(table::stripe_intent, *it);
    if (subject.updated <= visible && subject.account == why_.account)
      candidates.push_back(subject.at);
  }
  change_.finish();
  std::string data;
  std::int64_t hits = 0;
  bool more = false;
  for (auto where : candidates) {
    auto text = owner_.store_.text(where);
    auto intent = json::parse(text);
    if (!std::all_of(terms.begin(), terms.end(), [&](const search_term& term) { return term.accepts(intent); }))
      continue;
    if (++hits <= skip)
      continue;
    if (hits > skip + limit) {
      more = true;
      break;
    }
    data += (data.empty() ? "" : ",") + text;
  }
  return {200, R"({"object":"search_result","url":"/v1/payment_intents/search","has_more":)"
                 + std::string{more ? "true" : "false"} + ",\"next_page\":"
                 + (more ? "\"" + std::to_string(skip + limit) + "\"" : "null") + ",\"data\":[" + data + "]}"};
}

} // namespace souk::providers
