#pragma once

#include "integrations/providers_sandbox/paypal.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace souk::providers {

/// An error answer of PayPal, thrown by whatever finds it; nothing has changed then.
struct paypal_error {
  int status = 422;
  std::string name; ///< "UNPROCESSABLE_ENTITY"
  std::string issue;
  std::string field;
  std::string description;
};

[[noreturn]] void unprocessable(std::string issue, std::string description, std::string field = {});
[[noreturn]] void bad_request(std::string issue, std::string description, std::string field = {});
[[noreturn]] void not_found();

/// What a call did: the resource it made or changed, to be shown as it is then, or a body of its own.
struct paypal_outcome {
  int status = 200;
  table kind = table::count; ///< count: no resource
  std::string id;
  json body = nullptr;
};

/// The calls of PayPal's API, one object per call, inside one transaction.
class paypal_desk {
public:
  struct occasion {
    std::uint32_t account = 0;
    bool decline = false; ///< a fault: the next payment is declined
  };

  paypal_desk(paypal& owner, store::transaction& change, const json& body, const json& query, occasion why);

  using operation = paypal_outcome (paypal_desk::*)(const std::string& id);
  struct rule {
    std::string_view method;
    std::array<std::string_view, 5> path; ///< from the version on; "*" takes an id, the rest is empty
    operation call;
  };
  /// @returns nullptr when there is no such call.
  static const rule* route(std::string_view method, const std::vector<std::string_view>& segments);

  paypal_outcome create_order(const std::string&);
  paypal_outcome find_order(const std::string& id);
  paypal_outcome patch_order(const std::string& id);
  paypal_outcome capture_order(const std::string& id);
  paypal_outcome authorize_order(const std::string& id);
  paypal_outcome find_authorization(const std::string& id);
  paypal_outcome capture_authorization(const std::string& id);
  paypal_outcome reauthorize(const std::string& id);
  paypal_outcome void_authorization(const std::string& id);
  paypal_outcome find_capture(const std::string& id);
  paypal_outcome refund_capture(const std::string& id);
  paypal_outcome find_refund(const std::string& id);
  paypal_outcome list_transactions(const std::string&);
  paypal_outcome create_webhook(const std::string&);
  paypal_outcome list_webhooks(const std::string&);
  paypal_outcome find_event(const std::string& id);
  paypal_outcome list_events(const std::string&);
  paypal_outcome resend_event(const std::string& id);

  /// The buyer's decision on the approval page. @param wallet "", "declined" or "pending".
  paypal_outcome approve(const std::string& id, const std::string& wallet);
  paypal_outcome settle_capture(const std::string& id, bool complete);

  /// @returns the resource as the API shows it; only id, status and links when `minimal`.
  json show(table kind, const std::string& id, bool minimal);

  struct emitted {
    std::string type;
    place event;
  };
  const std::vector<emitted>& events() const { return events_; }

private:
  json load(table kind, const std::string& id);
  void save(table kind, const json& document);
  void emit(const std::string& type, const std::string& resource_type, const json& resource);
  void emit_order(const std::string& type, const json& order);
  json render(table kind, const json& document);

  json read_unit(const json& given, std::size_t index);
  void check_invoice(const std::string& invoice);
  void use_instrument(json& order, const std::string& verb);
  json make_capture(const json& unit, const json& amount, const std::string& order, const std::string& authorization,
                    bool pending);
  void count_capture(const json& capture);
  void put_payment_into_order(const std::string& order, const char* list, const json& payment);

  paypal& owner_;
  store::transaction& change_;
  const json& body_;
  const json& query_;
  occasion why_;
  std::vector<emitted> events_;
};

/// @returns a text member; empty when it is missing or no text.
std::string text_of(const json& object, const char* name);

} // namespace souk::providers
