#include "http/access.hpp"
#include "http/dispatcher.hpp"
#include "http/openapi.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

namespace souk::http {
namespace {

const std::string some_id = "01J9Z3K5Q8W2M7R4T6Y8B1C3D5";

std::string with_ids(std::string_view pattern) {
  return std::regex_replace(std::string{pattern}, std::regex{"\\{[a-z_]+\\}"}, some_id);
}

TEST_CASE("every route is found by its own method and path, and by no other", "[http][routes]") {
  REQUIRE(all_routes().size() > 40);
  for (const auto& r : all_routes()) {
    CAPTURE(r.method, r.pattern);
    const auto found = match(r.method, with_ids(r.pattern));
    CHECK(found.to == &r);
    CHECK_FALSE(match(r.method, with_ids(r.pattern) + "/").to);
    CHECK_FALSE(match("TRACE", with_ids(r.pattern)).to);
    CHECK(match("TRACE", with_ids(r.pattern)).allowed.find(r.method) != std::string::npos);
  }
}

TEST_CASE("what is no id names nothing", "[http][routes]") {
  for (const auto* path :
       {"/stores/1", "/stores/%27", "/stores/..", "/stores//products", "/stores/", "", "/", "stores",
        "/stores/00000000000000000000000000", "/orders/01J9Z3K5Q8W2M7R4T6Y8B1C3D", "/nothing"}) {
    CAPTURE(path);
    CHECK_FALSE(match("GET", path).to);
    CHECK(match("GET", path).allowed.empty());
  }
}

TEST_CASE("only these routes are open to everybody", "[http][routes]") {
  const std::set<std::string> open{"POST /users",
                                   "POST /sessions",
                                   "POST /guests",
                                   "GET /stores",
                                   "GET /stores/{store_id}",
                                   "GET /stores/{store_id}/products",
                                   "GET /stores/{store_id}/products/{product_id}",
                                   "GET /products/{product_id}",
                                   "GET /products/{product_id}/reviews",
                                   "POST /password-resets",
                                   "GET /password-reset/{token_id}", // the token is what the mail's reader has
                                   "POST /password-reset/{token_id}",
                                   "GET /unsubscribe/{token_id}",
                                   "POST /unsubscribe/{token_id}",
                                   "POST /webhooks/sendgrid",
                                   "POST /webhooks/stripe/{store_id}", // signed by the provider instead
                                   "POST /webhooks/paypal/{store_id}",
                                   "POST /webhooks/shipstation/{store_id}/{token_id}",
                                   "GET /healthz",
                                   "GET /readyz",
                                   "GET /metrics",
                                   "GET /cluster/status",
                                   "GET /openapi.json"};
  std::set<std::string> found;
  for (const auto& r : all_routes())
    if (r.who == access::anyone)
      found.insert(std::string{r.method} + " " + std::string{r.pattern});
  CHECK(found == open);
}

TEST_CASE("who a route is for can be checked on its path", "[http][routes]") {
  for (const auto& r : all_routes()) {
    CAPTURE(r.method, r.pattern);
    const auto names = [&](const char* parameter) {
      return r.pattern.find(parameter) != std::string_view::npos;
    };
    switch (r.who) {
      case access::self:
      case access::self_account:
        CHECK(names("{user_id}"));
        break;
      case access::merchant:
      case access::merchant_login:
        CHECK(names("{store_id}"));
        break;
      case access::order_party:
      case access::order_merchant:
        CHECK(names("{order_id}"));
        break;
      default:
        break;
    }
    // What lies under a user is the user's, and nobody changes a store but its merchant. These two change nothing.
    const bool asks_only = r.pattern.ends_with("/quotes") || r.pattern.ends_with("/gift-cards/balance");
    if (names("/users/{user_id}") || names("/carts/{user_id}"))
      CHECK((r.who == access::self || r.who == access::self_account));
    if (names("/stores/{store_id}") && r.method != "GET" && !asks_only)
      CHECK((r.who == access::merchant || r.who == access::merchant_login));
    if (names("/orders/{order_id}"))
      CHECK((r.who == access::order_party || r.who == access::order_merchant));
  }
}

TEST_CASE("openapi.json describes the routes that there are, and who may call them", "[http][routes]") {
  const auto document = nlohmann::json::parse(openapi_document());
  const std::map<access, std::string> names{{access::token_holder, "token_holder"},
                                            {access::shopper, "shopper"},
                                            {access::account, "account"},
                                            {access::self, "self"},
                                            {access::self_account, "self_account"},
                                            {access::merchant, "merchant"},
                                            {access::merchant_login, "merchant_login"},
                                            {access::order_party, "order_party"},
                                            {access::order_merchant, "order_merchant"}};
  std::set<std::string> described;
  for (const auto& path : document["paths"].items())
    for (const auto& operation : path.value().items()) {
      std::string method = operation.key();
      std::transform(method.begin(), method.end(), method.begin(),
                     [](char c) { return static_cast<char>(std::toupper(c)); });
      described.insert(method + " " + path.key());
    }
  std::set<std::string> served;
  for (const auto& r : all_routes()) {
    served.insert(std::string{r.method} + " " + std::string{r.pattern});
    CAPTURE(r.method, r.pattern);
    std::string method{r.method};
    std::transform(method.begin(), method.end(), method.begin(),
                   [](char c) { return static_cast<char>(std::tolower(c)); });
    const auto& paths = document["paths"];
    REQUIRE(paths.contains(std::string{r.pattern}));
    const auto& operation = paths[std::string{r.pattern}][method];
    if (r.who == access::anyone)
      CHECK(operation.contains("security"));
    else
      CHECK(operation["x-souk-access"] == names.at(r.who));
    CHECK(operation.contains("requestBody") == (r.body != body_kind::none));
    if (r.body == body_kind::csv)
      CHECK(operation["requestBody"]["content"].contains("text/csv"));
    const auto ids = std::count(r.pattern.begin(), r.pattern.end(), '{');
    const auto parameters = operation.value("parameters", nlohmann::json::array());
    std::ptrdiff_t in_path = 0;
    for (const auto& p : parameters)
      if (p.contains("$ref")) {
        const auto name = p["$ref"].get<std::string>().substr(std::string{"#/components/parameters/"}.size());
        in_path += document["components"]["parameters"][name]["in"] == "path" ? 1 : 0;
      }
    CHECK(in_path == ids);
  }
  CHECK(described == served);
}

TEST_CASE("a JSON route takes what curl sends, and no form uploads", "[http][routes]") {
  CHECK(takes(body_kind::json, "application/json"));
  CHECK(takes(body_kind::json, "application/json; charset=utf-8"));
  CHECK(takes(body_kind::json, "application/x-www-form-urlencoded"));
  CHECK(takes(body_kind::json, ""));
  CHECK_FALSE(takes(body_kind::json, "multipart/form-data; boundary=x"));
  CHECK_FALSE(takes(body_kind::json, "text/csv"));
  CHECK(takes(body_kind::csv, "text/csv; charset=utf-8"));
  CHECK_FALSE(takes(body_kind::csv, "application/json"));
}

TEST_CASE("queries are decoded once, and refused when they are malformed", "[http][routes]") {
  const auto parsed = parsed_query("q=green+tea%20%26%20more&page=2&flag&empty=");
  REQUIRE(parsed);
  REQUIRE(parsed->size() == 4);
  CHECK(parsed->at(0).second == "green tea & more");
  CHECK(parsed->at(2).second == "");
  CHECK_FALSE(parsed_query("q=%"));
  CHECK_FALSE(parsed_query("q=%zz"));
  CHECK_FALSE(parsed_query("q=%00"));
  CHECK_FALSE(parsed_query("q=%0d%0aSet-Cookie:x"));
  CHECK(percent_decoded(percent_encoded("a b/ü?&"), false) == "a b/ü?&");
}

} // namespace
} // namespace souk::http
