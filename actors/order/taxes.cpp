#include "actors/order/taxes.hpp"

#include "actors/order/pricing.hpp"

#include <algorithm>
#include <array>

namespace souk::actors {

namespace {

__extension__ typedef __int128 wide; // a product of an amount and a rate does not overflow it

std::string capitals(std::string text) {
  for (auto& c : text)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  return text;
}

} // namespace

std::int64_t tax_of(std::int64_t amount, std::int32_t rate_ppm, bool inclusive) noexcept {
  const std::int64_t million = 1'000'000;
  auto divisor = inclusive ? million + rate_ppm : million;
  return static_cast<std::int64_t>((static_cast<wide>(amount) * rate_ppm * 2 + divisor) / (divisor * 2));
}

applied_tax tax_for(const storage::store_row& store, const std::string& country, const std::string& region) {
  if (!country.empty())
    for (const auto& place : std::array{region.empty() ? std::string{} : country + "-" + capitals(region), country, std::string{"*"}})
      for (const auto& zone : store.settings.tax_zones)
        if (!place.empty() && std::find(zone.places.begin(), zone.places.end(), place) != zone.places.end())
          return {zone.name, zone.rate_ppm, zone.shipping_taxed};
  return {"Tax", store.tax_rate_ppm, store.settings.shipping_taxed};
}

} // namespace souk::actors
