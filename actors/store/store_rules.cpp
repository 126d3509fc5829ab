#include "actors/store/store_rules.hpp"

#include "actors/money/currency.hpp"
#include "actors/store/country.hpp"
#include "actors/text.hpp"

#include <optional>
#include <set>

namespace souk::actors::store_rules {

namespace {

constexpr text_rule name_rule{1, 120, lines::one};
constexpr text_rule zone_name_rule{1, 80, lines::one};
constexpr text_rule description_rule{0, 5000, lines::many};

std::optional<rejection> check_rate(const storage::shipping_rate& rate, const std::string& field) {
  if (auto no = check_text(rate.name, field + ".name", zone_name_rule))
    return no;
  if (rate.price < 0 || rate.price > amount_max)
    return invalid(field + ".price", "a shipping price is 0 or more");
  if (rate.free_from < -1 || rate.free_from > amount_max)
    return invalid(field + ".free_from", "shipping is free from a subtotal of 0 or more");
  if (rate.grams_from < 0)
    return invalid(field + ".grams_from", "a parcel weighs 0 grams or more");
  if (rate.grams_to < -1 || (rate.grams_to >= 0 && rate.grams_to < rate.grams_from))
    return invalid(field + ".grams_to", "a rate is for parcels up to a weight that is not below the one from which it is offered");
  return std::nullopt;
}

std::optional<rejection> check_settings(const storage::store_row& row) {
  if (auto no = check_text(row.name, "store_name", name_rule))
    return no;
  if (row.tax_rate_ppm < 0 || row.tax_rate_ppm > tax_rate_max_ppm)
    return invalid("tax_rate", "a tax rate is between 0 and 100 %");
  if (auto no = check_shipping_zones(row.shipping_zones))
    return no;
  if (!row.logo_url.empty() && !is_web_address(row.logo_url))
    return invalid("logo_url", "a logo is an http or https address");
  return check_text(row.description, "description", description_rule);
}

} // namespace

std::optional<rejection> check_shipping_zones(const std::vector<storage::shipping_zone>& zones) {
  if (zones.size() > zones_max)
    return invalid("shipping_zones", "a store has at most " + std::to_string(zones_max) + " shipping zones");
  std::set<std::string> seen;
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const auto& zone = zones[i];
    auto field = "shipping_zones[" + std::to_string(i) + "]";
    if (auto no = check_text(zone.name, field + ".name", zone_name_rule))
      return no;
    if (zone.countries.empty())
      return invalid(field + ".countries", "a shipping zone has at least one country");
    for (std::size_t j = 0; j < zone.countries.size(); ++j) {
      const auto& country = zone.countries[j];
      auto place = field + ".countries[" + std::to_string(j) + "]";
      if (country != "*" && !is_country(country))
        return invalid(place,
                       "a country is two capital letters (ISO 3166-1), or * for the rest of the world");
      if (!seen.insert(country).second)
        return invalid(place, country + " stands in the shipping zones twice");
    }
    if (zone.rates.empty() || zone.rates.size() > rates_of_zone_max)
      return invalid(field + ".rates",
                     "a shipping zone has 1 to " + std::to_string(rates_of_zone_max) + " rates");
    for (std::size_t j = 0; j < zone.rates.size(); ++j)
      if (auto no = check_rate(zone.rates[j], field + ".rates[" + std::to_string(j) + "]"))
        return no;
  }
  return std::nullopt;
}

outcome<storage::store_row> open(const caller& by, storage::store_row draft, storage::timestamp now) {
  if (!by.is(draft.owner_id) || by.session != storage::session_kind::login)
    return rejection{errc::forbidden, "only somebody who has signed up and in can open a store", {}};
  if (!is_slug(draft.slug))
    return invalid("slug", "a slug has 3 to 63 of a-z, 0-9 and -, and neither begins nor ends with -");
  if (!currency::of(draft.currency))
    return invalid("currency", "is not the three-letter code of a currency (ISO 4217)");
  if (auto no = check_settings(draft))
    return *no;
  draft.status = storage::store_status::open;
  draft.version = 1;
  draft.created_at = draft.updated_at = now;
  return draft;
}

outcome<storage::store_row> change(const storage::store_row& current, const change_store& c,
                                   storage::timestamp now) {
  if (c.store_id != current.id)
    return rejection{errc::not_found, "there is no such store", "store_id"};
  if (!c.by.manages(current.id, current.owner_id))
    return rejection{errc::forbidden, "only the store's merchant may change its settings", {}};
  if (c.expected_version && *c.expected_version != current.version)
    return rejection{errc::version_conflict, "the settings were changed meanwhile", "version"};

  auto next = current;
  auto set = [](auto& field, const auto& wish) {
    if (wish)
      field = *wish;
  };
  set(next.name, c.name);
  set(next.tax_rate_ppm, c.tax_rate_ppm);
  set(next.tax_inclusive, c.tax_inclusive);
  set(next.shipping_zones, c.shipping_zones);
  set(next.logo_url, c.logo_url);
  set(next.description, c.description);
  set(next.status, c.status);
  if (next == current)
    return next;
  if (next.status != storage::store_status::open && next.status != storage::store_status::closed)
    return invalid("status", "a store is open or closed");
  if (auto no = check_settings(next))
    return *no;
  ++next.version;
  next.updated_at = now;
  return next;
}

} // namespace souk::actors::store_rules
