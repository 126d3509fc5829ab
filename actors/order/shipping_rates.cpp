#include "actors/order/shipping_rates.hpp"

#include <algorithm>

namespace souk::actors {

namespace {

__extension__ typedef __int128 wide; // a sum of weights does not overflow it

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

std::variant<shipping_choice, caf::error> choose_shipping(const storage::store_row& store, const std::vector<priced_line>& lines,
                                                          const std::string& country, const std::string& method) {
  shipping_choice out;
  bool ships = false;
  wide grams = 0;
  for (const auto& line : lines)
    if (line.variant.requires_shipping) {
      ships = true;
      grams += static_cast<wide>(line.variant.grams) * line.quantity;
    }
  if (!ships || country.empty() || store.shipping_zones.empty())
    return out;
  const auto* zone = zone_for(store, country);
  if (zone == nullptr)
    return refuse(errc::no_shipping, "the store does not ship to " + country, "shipping_address.country");
  if (zone->rates.empty())
    return out;
  for (const auto& rate : zone->rates)
    if (grams >= rate.grams_from && (rate.grams_to < 0 || grams <= rate.grams_to))
      out.offered.push_back(&rate);
  if (out.offered.empty())
    return refuse(errc::no_shipping, "the store ships no parcel of this weight to " + country, "items");
  auto named = out.offered.begin();
  if (!method.empty())
    named = std::find_if(out.offered.begin(), out.offered.end(), [&](const auto* r) { return r->name == method; });
  if (named == out.offered.end())
    return refuse(errc::invalid, "no shipping method \"" + method + "\" to " + country + " for this order", "shipping_method");
  out.chosen = *named;
  return out;
}

std::int64_t price_at(const storage::shipping_rate& rate, std::int64_t subtotal) noexcept {
  return rate.free_from >= 0 && subtotal >= rate.free_from ? 0 : rate.price;
}

} // namespace souk::actors
