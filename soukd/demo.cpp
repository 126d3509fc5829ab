#include "soukd/catalog_import.hpp"
#include "soukd/commands.hpp"

#include <fstream>
#include <iostream>
#include <string_view>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

namespace souk::server {

// The catalogs of examples/catalogs, carried in the program.
std::string_view spice_and_tea_csv();
std::string_view ceramics_studio_csv();

namespace {

constexpr const char* merchant_email = "merchant@souk.example";
constexpr const char* merchant_password = "a demo is no secret";

struct demo_store {
  const char* slug;
  const char* name;
  const char* currency;
  const char* tax_rate;
  const char* description;
  std::string_view (*catalog)();
};

std::string token_of_merchant(api_client& shop) {
  nlohmann::json body{{"email", merchant_email}, {"password", merchant_password}, {"name", "Demo Merchant"}};
  auto made = shop.post("/users", body.dump());
  if (made.status == 201)
    return nlohmann::json::parse(made.body).at("token");
  if (made.code != "email_taken")
    shop.must(made, "signing the demo merchant up");
  body.erase("name");
  return shop.must(shop.post("/sessions", body.dump()), "signing the demo merchant in").at("token");
}

std::string open_store(api_client& shop, const demo_store& d) {
  auto there = shop.get(std::string{"/stores?slug="} + d.slug);
  if (there.status == 200)
    return nlohmann::json::parse(there.body).at("store_id");
  nlohmann::json body{
    {"store_name", d.name},
    {"slug", d.slug},
    {"currency", d.currency},
    {"tax_rate", d.tax_rate},
    {"description", d.description},
    {"shipping_zones",
     {{{"name", "Europe"},
       {"countries", {"DE", "FR", "IT", "ES", "NL", "AT", "BE", "GB"}},
       {"rates",
        {{{"name", "Standard"}, {"price", "4.90"}, {"free_from", "60.00"}}, {{"name", "Express"}, {"price", "12.90"}}}}},
      {{"name", "Rest of the world"}, {"countries", {"*"}}, {"rates", {{{"name", "Standard"}, {"price", "19.90"}}}}}}}};
  return shop.must(shop.post("/stores", body.dump()), std::string{"opening the store "} + d.slug).at("store_id");
}

/// The first product on sale that has something left, and its variant.
std::pair<std::string, std::string> something_to_buy(api_client& shop, const std::string& store) {
  auto page = shop.must(shop.get("/stores/" + store + "/products?limit=50"), "listing the products");
  for (const auto& product : page.at("products"))
    for (const auto& variant : product.at("variants"))
      if (variant.value("stock", 0) > 3)
        return {product.at("product_id"), variant.at("variant_id")};
  throw std::runtime_error("the demo store has nothing left to sell");
}

void tell(const std::string& url, const std::string& store, const std::string& product, const std::string& variant) {
  std::cout << "A customer's visit, to copy and paste:\n\n"
            << "  SHOP=" << url << " STORE=" << store << "\n"
            << "  PRODUCT=" << product << " VARIANT=" << variant << "\n"
            << R"sh(
  # look around
  curl -s "$SHOP/stores/$STORE/products?limit=3" | jq
  curl -s "$SHOP/products/$PRODUCT" | jq

  # come in (a guest needs no account)
  eval $(curl -s -X POST $SHOP/guests | jq -r '"SHOPPER=\(.user_id) TOKEN=\(.token)"')

  # fill the cart and look at it
  curl -s -X POST $SHOP/carts/$SHOPPER/items -H "Authorization: Bearer $TOKEN" \
    -d "{\"product_id\":\"$PRODUCT\",\"variant_id\":\"$VARIANT\",\"quantity\":2}" | jq
  curl -s $SHOP/carts/$SHOPPER -H "Authorization: Bearer $TOKEN" | jq

  # check out; sent twice, it is one order
  ORDER=$(curl -s -X POST $SHOP/orders -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: my-first-order" -d '{
    "user_id":"'$SHOPPER'", "store_id":"'$STORE'",
    "items":[{"product_id":"'$PRODUCT'","variant_id":"'$VARIANT'","quantity":2}],
    "shipping_address":{"name":"Ada Lovelace","line1":"12 St James Square","city":"London","postal_code":"SW1Y 4LB","country":"GB"},
    "payment_method":{"type":"sandbox","token":"tok_ok"}}' | jq -r .order_id)
  curl -s $SHOP/orders/$ORDER -H "Authorization: Bearer $TOKEN" | jq

)sh" << "The demo merchant signs in as " << merchant_email << " with the password \"" << merchant_password << "\".\n";
}

} // namespace

int demo(const config::parsed& p) {
  auto url = p.options.at("url");
  api_client shop{url};
  auto token = token_of_merchant(shop);
  shop.use_token(token);
  if (auto file = p.options.find("token-file"); file != p.options.end()) {
    umask(077); // it opens the demo stores
    std::ofstream{file->second} << token << "\n";
  }
  const demo_store stores[] = {
    {"saffron-and-steam", "Saffron & Steam", "EUR", "0.07", "Spices and teas, weighed by hand.", spice_and_tea_csv},
    {"kiln-street", "Kiln Street Studio", "GBP", "0.20", "Stoneware for every day.", ceramics_studio_csv},
  };
  std::string first;
  for (const auto& d : stores) {
    auto store = open_store(shop, d);
    auto page = shop.must(shop.get("/stores/" + store + "/products?limit=1"), "listing the products");
    if (page.at("products").empty()) {
      auto out = import_catalog(shop, store, std::string{d.catalog()}, [](std::int64_t, bool) {});
      std::cerr << d.slug << ": " << out.products << " products, " << out.variants << " variants, " << out.errors.size()
                << " lines refused\n";
    }
    if (first.empty())
      first = store;
  }
  auto [product, variant] = something_to_buy(shop, first);
  tell(url, first, product, variant);
  return 0;
}

} // namespace souk::server
