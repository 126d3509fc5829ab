#pragma once

#include "http/exchange.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace souk::http {

/// Who may call a route. Checked here, before the route's own code runs, and again by the actor that holds
/// the state.
enum class access : std::uint8_t {
  anyone,         ///< no token is needed; one that is sent must be valid
  token_holder,   ///< any valid token
  shopper,        ///< an account or a guest, but no API token: those act for a store
  account,        ///< a registered user who logged in
  self,           ///< the user {user_id} of the path
  self_account,   ///< the same, and no guest
  merchant,       ///< who owns the store {store_id} of the path, or an API token of it
  merchant_login, ///< the same, but no API token: a leaked one must not make others
  order_party,   ///< the order's shopper or its store's merchant: the order says which, to others it does not
                 ///< exist
  order_merchant ///< the merchant of the order's store: the order says which
};

enum class body_kind : std::uint8_t {
  none,
  json,
  csv,
  any ///< bytes as a provider sends them, with all its headers: signatures are over them
};

/// One row of the table that the dispatcher, the tests and the documentation share.
struct route {
  std::string_view method;
  std::string_view
    pattern; ///< "/stores/{store_id}/products"; names that end in _id are ids; {token_id} and {code} are any text
  access who;
  body_kind body;
  response (*handle)(exchange&);
};

/// Every route of the API.
std::span<const route> all_routes();

/// What a method and path lead to.
struct matched {
  const route* to = nullptr; ///< nullptr: nothing
  std::vector<std::pair<std::string_view, storage::ulid>> ids;
  std::string token_id; ///< or {code}
  std::string allowed; ///< methods that the path does know, when it does not know this one
};
/// @param path still percent-encoded, without query
matched match(std::string_view method, std::string_view path);

/// Finds out who calls (x.by, x.session). @throws refusal unauthenticated for a token that is not valid
void authenticate(exchange& x);
/// @throws refusal unauthenticated or forbidden when the route is not for the caller
void authorise(exchange& x);

} // namespace souk::http
