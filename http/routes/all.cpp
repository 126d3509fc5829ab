#include "http/routes/routes.hpp"

namespace souk::http {

std::span<const route> all_routes() {
  static const auto all = [] {
    std::vector<route> rows;
    for (const auto& part :
         {routes::users(), routes::stores(), routes::tokens(), routes::products(), routes::inventory(),
          routes::carts(), routes::orders(), routes::order_life(), routes::exchanges(), routes::discounts(), routes::gift_cards(),
          routes::quotes(), routes::store_settings(), routes::accounts(), routes::provider_webhooks(), routes::passwords(), routes::mail(),
          routes::reviews(), routes::imports(), routes::webhooks(), routes::operations()})
      rows.insert(rows.end(), part.begin(), part.end());
    return rows;
  }();
  return all;
}

} // namespace souk::http
