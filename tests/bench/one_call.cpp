#include "tests/bench/one_call.hpp"

#include <iostream>

namespace souk::bench {

std::string_view text_field(std::string_view body, std::string_view name) {
  const auto at = body.find(name);
  if (at == std::string_view::npos)
    return {};
  const auto rest = body.substr(at + name.size());
  return rest.substr(0, rest.find('"'));
}

one_call::one_call(const std::string& url, const api_market& market, const std::string& email) : market_(market) {
  // Bodies differ in ids only, which are all as long: one is made for each guest and then filled in.
  for (const auto& g : market.guests) {
    const auto& any = market.goods.front();
    auto text = post_request(url, "/orders", order_body(g, any.store, &any, email), bearer(g.token));
    const auto head = text.find("\r\n\r\n"); // the ids are sought in the body
    places_ = {text.find(any.store, head), text.find(any.product, head), text.find(any.variant, head)};
    requests_.push_back(std::move(text));
  }
}

void one_call::next(int, std::string& out) {
  out = requests_[random_() % requests_.size()];
  const auto& g = market_.goods[random_() % market_.goods.size()];
  out.replace(places_[0], g.store.size(), g.store);
  out.replace(places_[1], g.product.size(), g.product);
  out.replace(places_[2], g.variant.size(), g.variant);
}

bool one_call::heard(int, int status, std::string_view body, bool measured) {
  if (status != 201) {
    if (!complained_)
      std::cerr << "the first refusal: " << status << " " << body.substr(0, 500) << "\n";
    complained_ = true;
    return false;
  }
  ++placed;
  if (measured && text_field(body, "\"status\":\"") != "paid")
    ++unpaid;
  return true;
}

} // namespace souk::bench
