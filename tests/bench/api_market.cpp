#include "tests/bench/api_market.hpp"

#include "soukd/api_client.hpp"

#include <iostream>
#include <random>

#include <nlohmann/json.hpp>

namespace souk::bench {

namespace {

using nlohmann::json;

/// Differs from run to run, so that a database may be used twice.
std::string mark() {
  std::random_device random;
  return std::to_string(random()) + std::to_string(random());
}

json new_product(int number, int variants) {
  json out{{"name", "Teapot No. " + std::to_string(number)},
           {"description", "A teapot of stoneware, thrown by hand and glazed in the colours of the hills behind the workshop. "
                           "Holds a litre; the lid stays on when you pour. Every piece is a little different."},
           {"price", "19.99"},
           {"category", "Kitchen"},
           {"variants", json::array()}};
  for (int v = 0; v < variants; ++v)
    out["variants"].push_back({{"sku", "TEA-" + std::to_string(number) + "-" + std::to_string(v)},
                               {"price", std::to_string(19 + v) + ".99"},
                               {"attributes", {{"Size", "No. " + std::to_string(v)}}},
                               {"stock", 10'000'000}});
  return out;
}

} // namespace

api_market open_api_market(const std::string& base_url, const market_size& size) {
  api_market out;
  server::api_client shop{base_url};
  const auto run = mark();
  const json merchant{{"email", "bench-" + run + "@example.com"}, {"password", "correct horse battery"}, {"name", "Mary Merchant"}};
  out.merchant_token = shop.must(shop.post("/users", merchant.dump()), "signing up a merchant").at("token");
  shop.use_token(out.merchant_token);
  for (int s = 0; s < size.stores; ++s) {
    const json store{{"store_name", "Bench " + std::to_string(s)},
                     {"slug", "bench-" + run + "-" + std::to_string(s)},
                     {"currency", "EUR"},
                     {"tax_rate", "0.19"},
                     {"shipping_zones",
                      {{{"name", "Everywhere"}, {"countries", {"*"}}, {"rates", {{{"name", "Standard"}, {"price", "4.90"}}}}}}}};
    out.stores.push_back(shop.must(shop.post("/stores", store.dump()), "opening a store").at("store_id"));
    for (int p = 0; p < size.products_each; ++p) {
      const auto made = shop.must(
        shop.post("/stores/" + out.stores.back() + "/products", new_product(p, size.variants_each).dump()), "creating a product");
      for (const auto& variant : made.at("variants"))
        out.goods.push_back({out.stores.back(), made.at("product_id"), variant.at("variant_id")});
    }
  }
  shop.use_token("");
  for (int g = 0; g < size.guests; ++g) {
    const auto guest = shop.must(shop.post("/guests", "{}"), "welcoming a guest");
    out.guests.push_back({guest.at("user_id"), guest.at("token")});
  }
  std::cerr << out.stores.size() << " stores sell " << out.goods.size() << " variants to " << out.guests.size() << " guests\n";
  return out;
}

std::string order_body(const api_market::guest& who, const std::string& store, const api_market::sold* what,
                       const std::string& email) {
  json out{{"user_id", who.user},
           {"store_id", store},
           {"shipping_address",
            {{"name", "Ada Lovelace"},
             {"line1", "12 St James's Square"},
             {"city", "London"},
             {"postal_code", "SW1Y 4LB"},
             {"country", "GB"}}},
           {"payment_method", {{"type", "sandbox"}, {"token", "tok_ok"}}}};
  if (what != nullptr)
    out["items"] = {{{"product_id", what->product}, {"variant_id", what->variant}, {"quantity", 1}}};
  else
    out["from_cart"] = true;
  if (!email.empty())
    out["email"] = email;
  return out.dump();
}

} // namespace souk::bench
