#include "http/routes/store_json.hpp"

#include "http/json/writer.hpp"

namespace souk::http::routes {

namespace {

constexpr std::int64_t grams_max = 1'000'000'000; ///< a thousand tonnes: no parcel is heavier

} // namespace

std::string store_json(const storage::store_row& store) {
  const auto unit = actors::currency::of(store.currency);
  const int exponent = unit ? unit->exponent() : 2;
  json::writer out;
  out.begin_object()
    .field("store_id", store.id)
    .field("store_name", store.name)
    .field("slug", store.slug)
    .field("currency", store.currency)
    .field("tax_rate", actors::format_amount(store.tax_rate_ppm, 6))
    .field("tax_inclusive", store.tax_inclusive)
    .key("shipping_zones")
    .begin_array();
  for (const auto& zone : store.shipping_zones) {
    out.begin_object().field("name", zone.name).key("countries").begin_array();
    for (const auto& country : zone.countries)
      out.value(country);
    out.end_array().key("rates").begin_array();
    for (const auto& rate : zone.rates) {
      out.begin_object().field("name", rate.name).field("price", actors::format_amount(rate.price, exponent));
      out.key("free_from");
      if (rate.free_from < 0)
        out.null();
      else
        out.value(actors::format_amount(rate.free_from, exponent));
      out.field("grams_from", rate.grams_from).key("grams_to");
      if (rate.grams_to < 0)
        out.null();
      else
        out.value(rate.grams_to);
      out.end_object();
    }
    out.end_array().end_object();
  }
  out.end_array()
    .field_or_null("logo_url", store.logo_url)
    .field("description", store.description)
    .field("status", store.status == storage::store_status::open ? "open" : "closed")
    .field("version", store.version)
    .field("created_at", store.created_at)
    .field("updated_at", store.updated_at)
    .end_object();
  return std::move(out).text();
}

std::optional<std::vector<storage::shipping_zone>> read_shipping_zones(const json::fields& body,
                                                                       const actors::currency& unit) {
  const auto zones = body.maybe_objects("shipping_zones", 100, {"name", "countries", "rates"});
  if (!zones)
    return std::nullopt;
  std::vector<storage::shipping_zone> out;
  for (const auto& zone : *zones) {
    storage::shipping_zone row;
    row.name = zone.text("name", {1, 80});
    auto countries = zone.maybe_texts("countries", 300, {1, 2});
    if (!countries)
      zone.wrong("countries", "is missing");
    row.countries = *std::move(countries);
    const auto rates = zone.maybe_objects("rates", 50, {"name", "price", "free_from", "grams_from", "grams_to"});
    if (!rates)
      zone.wrong("rates", "is missing");
    for (const auto& rate : *rates)
      row.rates.push_back({rate.text("name", {1, 80}), rate.amount("price", unit),
                           rate.maybe_amount("free_from", unit).value_or(-1),
                           rate.maybe_integer("grams_from", 0, grams_max).value_or(0),
                           rate.maybe_integer("grams_to", 0, grams_max).value_or(-1)});
    out.push_back(std::move(row));
  }
  return out;
}

} // namespace souk::http::routes
