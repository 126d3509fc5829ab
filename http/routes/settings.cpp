// What a merchant decides about taxes, mail and payment beyond what everybody may see of the store.

#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/money_text.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <array>

namespace souk::http::routes {

namespace {

constexpr std::int64_t version_max = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t zones_max = 100, places_max = 300, switches_max = 30;
constexpr int tries_max = 20;

void write_texts(json::writer& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name).begin_array();
  for (const auto& text : texts)
    out.value(text);
  out.end_array();
}

// Accounts at providers have routes of their own; what is sealed in them is never written anywhere.
std::string settings_json(const storage::store_row& store) {
  const auto& s = store.settings;
  json::writer out;
  out.begin_object().field("store_id", store.id).field("language", s.language).key("tax_zones").begin_array();
  for (const auto& zone : s.tax_zones) {
    out.begin_object().field("name", zone.name);
    write_texts(out, "places", zone.places);
    out.field("rate", rate_text(zone.rate_ppm)).field("shipping_taxed", zone.shipping_taxed).end_object();
  }
  out.end_array()
    .field("shipping_taxed", s.shipping_taxed)
    .field("manual_payments", s.manual_payments)
    .key("mail")
    .begin_object()
    .field_or_null("sender_name", s.mail.sender_name)
    .field_or_null("reply_to", s.mail.reply_to)
    .field_or_null("merchant_email", s.mail.merchant_email);
  write_texts(out, "switched_off", s.mail.switched_off);
  out.end_object().field("version", store.version).field("updated_at", store.updated_at).end_object();
  return std::move(out).text();
}

std::optional<std::vector<storage::tax_zone>> read_tax_zones(const json::fields& body) {
  const auto zones = body.maybe_objects("tax_zones", zones_max, {"name", "places", "rate", "shipping_taxed"});
  if (!zones)
    return std::nullopt;
  std::vector<storage::tax_zone> out;
  for (const auto& zone : *zones) {
    storage::tax_zone row;
    row.name = zone.text("name", {1, 80});
    auto places = zone.maybe_texts("places", places_max, {1, 6});
    if (!places)
      zone.wrong("places", "is missing");
    row.places = *std::move(places);
    const auto rate = zone.maybe_rate_ppm("rate");
    if (!rate)
      zone.wrong("rate", "is missing");
    row.rate_ppm = *rate;
    row.shipping_taxed = zone.maybe_boolean("shipping_taxed").value_or(false);
    out.push_back(std::move(row));
  }
  return out;
}

/// What the body says of mail, put over what is known.
void read_mail(const json::fields& f, storage::mail_settings& mail) {
  const auto set = [](auto& field, auto wish) {
    if (wish)
      field = *std::move(wish);
  };
  set(mail.sender_name, f.maybe_text("sender_name", {0, 120}));
  set(mail.reply_to, f.maybe_text("reply_to", {0, 254}));
  set(mail.merchant_email, f.maybe_text("merchant_email", {0, 254}));
  set(mail.switched_off, f.maybe_texts("switched_off", switches_max, {1, 40}));
}

response read_settings(exchange& x) {
  return ok(settings_json(x.shop.actors.get_store(x.id("store_id"), x.until).take()));
}

response change_settings(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"language", "tax_zones", "shipping_taxed", "manual_payments", "mail", "version"});
  const auto mail = f.maybe_object("mail", {"sender_name", "reply_to", "merchant_email", "switched_off"});
  actors::change_settings command;
  command.by = x.by;
  command.store_id = x.id("store_id");
  command.language = f.maybe_text("language", {2, 2});
  command.tax_zones = read_tax_zones(f);
  command.shipping_taxed = f.maybe_boolean("shipping_taxed");
  command.manual_payments = f.maybe_boolean("manual_payments");
  command.expected_version = f.maybe_integer("version", 1, version_max);
  if (!mail)
    return ok(settings_json(x.shop.actors.change_settings(std::move(command), x.until).take()));
  // The mail settings are changed as a whole: what is put over is what they were a moment ago, or it is done again.
  for (int tries = 0;; ++tries) {
    const auto known = x.shop.actors.get_store(command.store_id, x.until).take();
    auto wish = command;
    wish.mail = known.settings.mail;
    read_mail(*mail, *wish.mail);
    if (!wish.expected_version)
      wish.expected_version = known.version;
    auto changed = x.shop.actors.change_settings(std::move(wish), x.until);
    if (!command.expected_version && tries < tries_max && changed.refused_with(actors::errc::version_conflict))
      continue;
    return ok(settings_json(std::move(changed).take()));
  }
}

constexpr std::array rows{
  route{"GET", "/stores/{store_id}/settings", access::merchant, body_kind::none, read_settings},
  route{"PATCH", "/stores/{store_id}/settings", access::merchant, body_kind::json, change_settings},
};

} // namespace

std::span<const route> store_settings() {
  return rows;
}

} // namespace souk::http::routes
