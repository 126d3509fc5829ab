#pragma once

#include "integrations/providers_sandbox/stripe.hpp"
#include "integrations/providers_sandbox/stripe_params.hpp"
#include "integrations/providers_sandbox/stripe_tokens.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::providers {

/// What a call answers: a document of the store as it is, or a text of its own.
struct stripe_outcome {
  int status = 200;
  std::string text;
  std::optional<place> at = std::nullopt; ///< where `text` is on file, if it is there
};

/// The calls of Stripe's API, one object per call, inside one transaction. They throw stripe_error for what the
/// API refuses, and nothing has changed then.
class stripe_desk {
public:
  struct occasion {
    std::uint32_t account = 0;
    std::string request_id; ///< "req_…"; empty when no API call caused it
    std::string key;        ///< the Idempotency-Key, if there is one
    bool decline = false;   ///< a fault: the next charge is declined
  };

  stripe_desk(stripe& owner, store::transaction& change, const json& fields, occasion why);

  /// The call for a method and a path below /v1, or nullptr.
  using operation = stripe_outcome (stripe_desk::*)(const std::string& id);
  static operation route(std::string_view method, const std::vector<std::string_view>& segments);

  stripe_outcome create_intent(const std::string&);
  stripe_outcome update_intent(const std::string& id);
  stripe_outcome confirm_intent(const std::string& id);
  stripe_outcome capture_intent(const std::string& id);
  stripe_outcome cancel_intent(const std::string& id);
  stripe_outcome find_intent(const std::string& id);
  stripe_outcome list_intents(const std::string&);
  stripe_outcome search_intents(const std::string&);
  stripe_outcome create_refund(const std::string&);
  stripe_outcome update_refund(const std::string& id);
  stripe_outcome find_refund(const std::string& id);
  stripe_outcome list_refunds(const std::string&);
  stripe_outcome find_charge(const std::string& id);
  stripe_outcome list_charges(const std::string&);
  stripe_outcome find_event(const std::string& id);
  stripe_outcome list_events(const std::string&);
  stripe_outcome create_session(const std::string&);
  stripe_outcome find_session(const std::string& id);
  stripe_outcome list_sessions(const std::string&);
  stripe_outcome expire_session(const std::string& id);
  stripe_outcome list_line_items(const std::string& id);
  stripe_outcome create_confirmation_token(const std::string&);
  stripe_outcome find_payment_method_object(const std::string& id);
  stripe_outcome find_account(const std::string&);

  /// The shopper's bank decides, or a payment that was processing ends.
  stripe_outcome decide_intent(const std::string& id, bool approve);
  stripe_outcome pay_session(const std::string& id, const stripe_card& card);
  stripe_outcome settle_refund(const std::string& id, bool succeed);

  /// Replaces ids by objects where `expand[]` asks for it.
  stripe_outcome expanded(stripe_outcome plain);

  struct emitted {
    std::string type;
    place event;
  };
  /// Events written by the calls, in order; they go out once the transaction is on file.
  const std::vector<emitted>& events() const { return events_; }

  /// @returns an event as the API shows it.
  static std::string render_event(store& memory, place event);

private:
  json load(table which, const std::string& id, std::string_view what, std::string_view param = "id");
  stripe_outcome found(table which, const std::string& id, std::string_view what);
  place save(table which, const json& document);
  stripe_outcome saved(place at);

  /// @param previous what changed, with its former values; null in an event that tells of something new.
  void emit(std::string_view type, place object, const json& previous = nullptr);

  /// Reads a page of rows, newest first, whose document `keep` accepts; ends the transaction.
  stripe_outcome list(table which, std::string_view url, const std::function<bool(const json&)>& keep);

  // Payment intents.
  json fresh_intent();
  void read_intent_fields(json& intent);
  void choose_payment_method(json& intent);
  stripe_outcome confirm(json intent);
  stripe_outcome charge(json intent, const stripe_card& card);
  stripe_outcome decline(json intent, std::string_view code, std::string_view decline_code, bool with_charge);
  json fresh_charge(const json& intent, const stripe_card& card);
  void close_session_of(const std::string& intent, std::string_view payment_status, std::string_view event);
  [[noreturn]] void wrong_status(const json& intent, const std::string& message);

  json load_session(const std::string& id, std::string_view param = "id");
  place end_session(json& session);

  stripe& owner_;
  store::transaction& change_;
  const json& fields_;
  stripe_params params_;
  occasion why_;
  std::size_t pending_webhooks_ = 0;
  std::vector<emitted> events_;
};

} // namespace souk::providers
