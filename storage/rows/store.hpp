#pragma once

#include "storage/ulid.hpp"

#include <string>
#include <vector>

namespace souk::storage {

/// A way to ship within a zone. Prices are minor units of the store's currency.
struct shipping_rate {
  std::string name;
  std::int64_t price = 0;
  std::int64_t free_from = -1; ///< subtotal from which shipping is free; -1 = never
  bool operator==(const shipping_rate&) const = default;
};

/// Countries (ISO 3166-1 alpha-2, or "*" for the rest of the world) that share rates. The first rate is the default.
struct shipping_zone {
  std::string name;
  std::vector<std::string> countries;
  std::vector<shipping_rate> rates;
  bool operator==(const shipping_zone&) const = default;
};

enum class store_status : std::uint8_t { open = 1, closed = 2 };

struct store_row {
  ulid id;
  ulid owner_id; ///< the user who created it; the owner's shard is the user's, not the store's
  std::string name;
  std::string slug;             ///< unique in the deployment: see directory.hpp
  std::string currency;         ///< ISO 4217
  std::int32_t tax_rate_ppm = 0; ///< parts per million: 20 % is 200,000
  bool tax_inclusive = false;   ///< prices already contain the tax
  std::vector<shipping_zone> shipping_zones;
  std::string logo_url;
  std::string description;
  store_status status = store_status::open;
  std::int64_t version = 1;
  timestamp created_at{};
  timestamp updated_at{};
  bool operator==(const store_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, shipping_rate& x) {
  return f(x.name, x.price, x.free_from);
}
template <class I>
typename I::result_type inspect(I& f, shipping_zone& x) {
  return f(x.name, x.countries, x.rates);
}
template <class I>
typename I::result_type inspect(I& f, store_row& x) {
  return f(x.id, x.owner_id, x.name, x.slug, x.currency, x.tax_rate_ppm, x.tax_inclusive, x.shipping_zones, x.logo_url,
           x.description, x.status, x.version, x.created_at, x.updated_at);
}

} // namespace souk::storage
