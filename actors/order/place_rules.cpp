#include "actors/order/place_rules.hpp"

#include <algorithm>

namespace souk::actors {

namespace {

constexpr std::size_t lines_max = 100;
constexpr std::int64_t quantity_max = 10'000;

bool country_code(const std::string& c) {
  return c.size() == 2 && std::all_of(c.begin(), c.end(), [](char x) { return x >= 'A' && x <= 'Z'; });
}

} // namespace

caf::error check_place(const place_order& c) {
  if (c.by.anonymous() || c.by.session == storage::session_kind::api)
    return refuse(errc::forbidden, "an order is placed by a shopper");
  if (c.lines.empty())
    return refuse(errc::cart_empty, "an order needs at least one item", "items");
  if (c.lines.size() > lines_max)
    return refuse(errc::limit_exceeded, "an order has at most 100 lines", "items");
  for (std::size_t i = 0; i < c.lines.size(); ++i) {
    auto field = "items[" + std::to_string(i) + "]";
    const auto& line = c.lines[i];
    if (line.quantity < 1 || line.quantity > quantity_max)
      return refuse(errc::invalid, "a quantity is 1 to 10,000", field + ".quantity");
    if (line.variant_id.shard() != c.store_id.shard())
      return refuse(errc::not_found, "there is no such variant in this store", field + ".variant_id");
  }
  const auto& a = c.address;
  auto text = [](const std::string& s, std::size_t max) { return !s.empty() && s.size() <= max; };
  if (!text(a.name, 200))
    return refuse(errc::invalid, "a name of 1 to 200 characters is needed", "shipping_address.name");
  if (!text(a.line1, 200))
    return refuse(errc::invalid, "a street of 1 to 200 characters is needed", "shipping_address.line1");
  if (!text(a.city, 200))
    return refuse(errc::invalid, "a city of 1 to 200 characters is needed", "shipping_address.city");
  if (!country_code(a.country))
    return refuse(errc::invalid, "a country is two capital letters (ISO 3166-1)", "shipping_address.country");
  for (const auto& [value, name] : {std::pair{&a.line2, "line2"}, {&a.region, "region"}, {&a.postal_code, "postal_code"},
                                    {&a.phone, "phone"}})
    if (value->size() > 200)
      return refuse(errc::invalid, "at most 200 characters", std::string{"shipping_address."} + name);
  if (c.email.size() > 254)
    return refuse(errc::invalid, "an e-mail address has at most 254 characters", "email");
  if (c.payment.type.empty())
    return refuse(errc::invalid, "a payment method is needed", "payment_method.type");
  if (c.payment.token.size() > 255)
    return refuse(errc::invalid, "a payment token has at most 255 characters", "payment_method.token");
  return caf::none;
}

void merge_lines(std::vector<order_line_request>& lines) {
  std::sort(lines.begin(), lines.end(),
            [](const auto& a, const auto& b) { return a.variant_id < b.variant_id; });
  std::vector<order_line_request> merged;
  for (auto& line : lines)
    if (!merged.empty() && merged.back().variant_id == line.variant_id)
      merged.back().quantity += line.quantity;
    else
      merged.push_back(line);
  lines = std::move(merged);
}

} // namespace souk::actors
