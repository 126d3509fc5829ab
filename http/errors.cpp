#include "http/errors.hpp"

#include "http/json/writer.hpp"

namespace souk::http {

namespace {

struct entry {
  status_rule rule;
  std::string_view message; ///< when the refusal brings none
};

entry entry_of(errc why) noexcept {
  switch (why) {
    case errc::bad_request:
      return {{400, "bad_request"}, "The request could not be understood."};
    case errc::bad_json:
      return {{400, "bad_json"}, "The body is not valid JSON."};
    case errc::unauthenticated:
      return {{401, "unauthenticated"}, "Sign in first: a valid bearer token is needed."};
    case errc::method_not_allowed:
      return {{405, "method_not_allowed"}, "This address does not know that method."};
    case errc::payload_too_large:
      return {{413, "payload_too_large"}, "The request body is too large."};
    case errc::unsupported_media_type:
      return {{415, "unsupported_media_type"}, "The body must be application/json."};
    case errc::uri_too_long:
      return {{414, "uri_too_long"}, "The address is too long."};
    case errc::headers_too_large:
      return {{431, "headers_too_large"}, "The headers are too large."};
    case errc::request_timeout:
      return {{408, "request_timeout"}, "The request took too long to arrive."};
    case errc::card_number_refused:
      return {{422, "card_number_refused"},
              "This looks like a card number. souk takes tokens of the payment provider only."};
    case errc::bad_signature:
      return {{400, "bad_signature"}, "This was not signed by whom it says it is from."};
    case errc::account_refused:
      return {{422, "account_refused"}, "The provider does not accept these credentials."};
    case errc::timeout:
      return {{503, "timeout", 1}, "There was no answer in time; whether the request was done is not known."};
    case errc::overloaded:
      return {{503, "overloaded", 1}, "Too much is going on right now."};
    case errc::not_configured:
      return {{409, "not_configured"}, "This shop is not set up for that."};
    case errc::internal:
      break;
  }
  return {{500, "internal"}, "Something went wrong."};
}

entry entry_of(runtime::errc why) noexcept {
  switch (why) {
    case runtime::errc::moved:
      return {{503, "moved", 1}, "This part of the shop is moving to another node."};
    case runtime::errc::overloaded:
      return {{503, "overloaded", 1}, "Too much is going on right now."};
    case runtime::errc::unavailable:
      return {{503, "unavailable", 1}, "The shop is not available right now."};
    case runtime::errc::restarted:
      return {{503, "restarted", 1}, "The request was interrupted; nothing was done."};
    case runtime::errc::shutting_down:
      return {{503, "shutting_down", 1}, "This node is shutting down."};
    case runtime::errc::in_doubt:
      return {{503, "in_doubt", 1}, "Another node was asked and did not answer; whether the request was done is not known."};
    case runtime::errc::too_large:
      return {{413, "payload_too_large"}, "This is more than one node passes on to another."};
    case runtime::errc::write_failed:
      break;
  }
  return {{500, "internal"}, "The change could not be stored; nothing was done."};
}

entry entry_of(actors::errc why) noexcept {
  using actors::errc;
  switch (why) {
    case errc::not_found:
      return {{404, "not_found"}, "There is no such thing here."};
    case errc::forbidden:
      return {{403, "forbidden"}, "You may not do this."};
    case errc::invalid:
      return {{422, "invalid"}, "The request is not valid."};
    case errc::out_of_stock:
      return {{409, "out_of_stock"}, "There is not enough in stock."};
    case errc::below_reserved:
      return {{409, "below_reserved"}, "More than that is reserved for orders."};
    case errc::sku_taken:
      return {{409, "sku_taken"}, "Another variant of the store has this SKU."};
    case errc::handle_taken:
      return {{409, "handle_taken"}, "Another product of the store has this handle."};
    case errc::slug_taken:
      return {{409, "slug_taken"}, "Another store has this slug."};
    case errc::email_taken:
      return {{409, "email_taken"}, "There is an account with this e-mail address."};
    case errc::already_reviewed:
      return {{409, "already_reviewed"}, "You have reviewed this product before."};
    case errc::already_voted:
      return {{409, "already_voted"}, "You have voted for this review before."};
    case errc::illegal_transition:
      return {{409, "illegal_transition"}, "The order's state does not allow this."};
    case errc::payment_declined:
      return {{402, "payment_declined"}, "The payment was declined."};
    case errc::idempotency_key_reused:
      return {{422, "idempotency_key_reused"}, "This Idempotency-Key came with another body before."};
    case errc::idempotency_in_flight:
      return {{409, "idempotency_in_flight", 1},
              "The first request with this Idempotency-Key is still worked on."};
    case errc::product_unavailable:
      return {{409, "product_unavailable"}, "The product is not for sale."};
    case errc::no_shipping:
      return {{422, "no_shipping"}, "The store does not ship to this country."};
    case errc::store_closed:
      return {{409, "store_closed"}, "The store is closed."};
    case errc::limit_exceeded:
      return {{409, "limit_exceeded"}, "That is more than is allowed."};
    case errc::bad_credentials:
      return {{401, "bad_credentials"}, "The credentials are not valid."};
    case errc::cart_empty:
      return {{422, "cart_empty"}, "There is nothing in the cart."};
    case errc::version_conflict:
      return {{409, "version_conflict"}, "It has changed since you read it."};
    case errc::amount_changed:
      return {{409, "amount_changed"}, "The total is not what was expected."};
    case errc::discount_not_applicable:
      return {{409, "discount_not_applicable"}, "The discount code is not valid for this order."};
    case errc::gift_card_not_applicable:
      return {{409, "gift_card_not_applicable"}, "The gift card cannot be used."};
  }
  return {{500, "internal"}, "Something went wrong."};
}

entry entry_of(const reason& why) noexcept {
  return std::visit([](auto code) { return entry_of(code); }, why);
}

} // namespace

status_rule rule_of(const reason& why) noexcept {
  return entry_of(why).rule;
}

std::string error_body(const refusal& why) {
  const auto [rule, message] = entry_of(why.why);
  json::writer out;
  out.begin_object().key("error").begin_object();
  out.field("code", rule.code);
  out.field("message", why.message.empty() ? message : std::string_view{why.message});
  out.key("details").begin_object();
  if (!why.field.empty())
    out.field("field", why.field);
  if (!why.lines.empty()) {
    out.key("lines").begin_array();
    for (const auto& line : why.lines)
      out.begin_object()
        .field("variant_id", line.variant_id)
        .field("requested", line.requested)
        .field("available", line.available)
        .end_object();
    out.end_array();
  }
  if (!why.order.empty())
    out.key("order").raw(why.order);
  if (rule.retry_after > 0)
    out.field("retry_after", std::int64_t{rule.retry_after});
  out.end_object().end_object().end_object();
  return std::move(out).text();
}

std::string error_body(int status) {
  switch (status) {
    case 404:
      return error_body({.why = actors::errc::not_found});
    case 405:
      return error_body({.why = errc::method_not_allowed});
    case 413:
      return error_body({.why = errc::payload_too_large});
    case 414:
      return error_body({.why = errc::uri_too_long});
    case 415:
      return error_body({.why = errc::unsupported_media_type});
    default:
      return error_body({.why = status < 500 ? errc::bad_request : errc::internal});
  }
}

} // namespace souk::http
