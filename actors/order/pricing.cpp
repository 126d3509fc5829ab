#include "actors/order/pricing.hpp"

#include <algorithm>

namespace souk::actors {

namespace {

__extension__ typedef __int128 wide; // a product of two amounts does not overflow it

/// Largest amount that every JSON reader takes for an integer.
constexpr std::int64_t amount_max = std::int64_t{1} << 53;

std::string variant_title(const storage::variant_row& v) {
  std::string title;
  for (const auto& value : v.option_values) {
    if (!title.empty())
      title += " / ";
    title += value;
  }
  return title == "Default Title" ? "" : title;
}

/// The zone that names the country wins over the one for the rest of the world.
const storage::shipping_zone* zone_for(const storage::store_row& store, const std::string& country) {
  const storage::shipping_zone* rest = nullptr;
  for (const auto& zone : store.shipping_zones)
    for (const auto& c : zone.countries) {
      if (c == country)
        return &zone;
      if (c == "*" && rest == nullptr)
        rest = &zone;
    }
  return rest;
}

} // namespace

std::int64_t tax_of(std::int64_t amount, std::int32_t rate_ppm, bool inclusive) noexcept {
  const std::int64_t million = 1'000'000;
  auto divisor = inclusive ? million + rate_ppm : million;
  return static_cast<std::int64_t>((static_cast<wide>(amount) * rate_ppm * 2 + divisor) / (divisor * 2));
}

std::variant<quote, caf::error> price(const storage::store_row& store, const basket& b) {
  const auto& lines = b.lines;
  const auto& country = b.country;
  const auto& method = b.shipping_method;
  quote q;
  bool ships = false;
  wide sum = 0;
  for (const auto& line : lines) {
    wide amount = static_cast<wide>(line.variant.price) * line.quantity;
    sum += amount;
    if (sum > amount_max)
      return refuse(errc::invalid, "the order is worth more than can be charged", "items");
    storage::order_item_row item;
    item.line = static_cast<std::int32_t>(q.items.size()) + 1;
    item.product_id = line.variant.product_id;
    item.variant_id = line.variant.id;
    item.sku = line.variant.sku;
    item.title = line.product_title;
    item.variant_title = variant_title(line.variant);
    item.quantity = line.quantity;
    item.unit_price = line.variant.price;
    item.total = static_cast<std::int64_t>(amount);
    item.tax = line.variant.taxable ? tax_of(item.total, store.tax_rate_ppm, store.tax_inclusive) : 0;
    q.subtotal += item.total;
    q.tax += item.tax;
    ships = ships || line.variant.requires_shipping;
    q.items.push_back(std::move(item));
  }
  if (ships && !store.shipping_zones.empty()) {
    const auto* zone = zone_for(store, country);
    if (zone == nullptr)
      return refuse(errc::no_shipping, "the store does not ship to " + country, "shipping_address.country");
    if (!zone->rates.empty()) {
      auto rate = zone->rates.begin();
      if (!method.empty()) {
        rate = std::find_if(zone->rates.begin(), zone->rates.end(), [&](const auto& r) { return r.name == method; });
        if (rate == zone->rates.end())
          return refuse(errc::invalid, "no shipping method \"" + method + "\" to " + country, "shipping_method");
      }
      q.shipping_method = rate->name;
      q.shipping = rate->free_from >= 0 && q.subtotal >= rate->free_from ? 0 : rate->price;
    }
  }
  q.total = q.subtotal + q.shipping + (store.tax_inclusive ? 0 : q.tax);
  if (q.total > amount_max)
    return refuse(errc::invalid, "the order is worth more than can be charged", "items");
  q.to_pay = q.total;
  q.pricing.tax_inclusive = store.tax_inclusive;
  q.pricing.shipping_before = q.shipping;
  return q;
}

} // namespace souk::actors
