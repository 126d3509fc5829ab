#include "actors/error.hpp"

#include "actors/type_ids.hpp"

namespace souk::actors {

std::string to_string(errc code) {
  switch (code) {
    case errc::not_found: return "not_found";
    case errc::forbidden: return "forbidden";
    case errc::invalid: return "invalid";
    case errc::out_of_stock: return "out_of_stock";
    case errc::below_reserved: return "below_reserved";
    case errc::sku_taken: return "sku_taken";
    case errc::handle_taken: return "handle_taken";
    case errc::slug_taken: return "slug_taken";
    case errc::email_taken: return "email_taken";
    case errc::already_reviewed: return "already_reviewed";
    case errc::already_voted: return "already_voted";
    case errc::illegal_transition: return "illegal_transition";
    case errc::payment_declined: return "payment_declined";
    case errc::idempotency_key_reused: return "idempotency_key_reused";
    case errc::idempotency_in_flight: return "idempotency_in_flight";
    case errc::product_unavailable: return "product_unavailable";
    case errc::no_shipping: return "no_shipping";
    case errc::store_closed: return "store_closed";
    case errc::limit_exceeded: return "limit_exceeded";
    case errc::bad_credentials: return "bad_credentials";
    case errc::cart_empty: return "cart_empty";
    case errc::version_conflict: return "version_conflict";
    case errc::amount_changed: return "amount_changed";
    case errc::discount_not_applicable: return "discount_not_applicable";
    case errc::gift_card_not_applicable: return "gift_card_not_applicable";
  }
  return "internal";
}

caf::error refuse(errc code, std::string message, std::string field, std::vector<shortage> lines) {
  return caf::make_error(code, problem{std::move(message), std::move(field), std::move(lines)});
}

problem problem_of(const caf::error& why) {
  const auto& context = why.context();
  return context.match_elements<problem>() ? context.get_as<problem>(0) : problem{};
}

} // namespace souk::actors
