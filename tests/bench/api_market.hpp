#pragma once

#include <string>
#include <vector>

namespace souk::bench {

/// Shops with goods, made over the API as any merchant would make them, and guests who may buy there.
struct api_market {
  struct sold {
    std::string store;
    std::string product;
    std::string variant;
  };
  struct guest {
    std::string user;
    std::string token;
  };
  std::vector<std::string> stores;
  std::vector<sold> goods;
  std::vector<guest> guests;
  std::string merchant_token; ///< of whom all stores are
};

struct market_size {
  int stores = 4;
  int products_each = 50;
  int variants_each = 2; ///< of a product
  int guests = 0;
};

/// @throws std::runtime_error with the shop's own words when it refuses
api_market open_api_market(const std::string& base_url, const market_size& size);

/// A request's body that orders one piece. Without `what` the guest orders the cart at `store`.
/// @param email where the order's mails go; empty: there are none
std::string order_body(const api_market::guest& who, const std::string& store, const api_market::sold* what,
                       const std::string& email = {});

} // namespace souk::bench
