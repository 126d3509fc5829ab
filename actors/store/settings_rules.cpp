#include "actors/discount/discount_rules.hpp"
#include "actors/store/country.hpp"
#include "actors/store/store_rules.hpp"
#include "actors/text.hpp"
#include "actors/user/account.hpp"

#include <algorithm>
#include <set>

namespace souk::actors::store_rules {

namespace {

constexpr std::size_t tax_zones_max = 100;
constexpr std::size_t places_max = 300;
constexpr std::size_t discounts_max = 25; ///< each is reckoned with in every order
constexpr std::size_t accounts_max = 10;
constexpr std::size_t switches_max = 30;
constexpr text_rule zone_name_rule{1, 80, lines::one};
constexpr text_rule sender_rule{0, 120, lines::one};
constexpr text_rule address_rule{0, 254, lines::one};
constexpr text_rule mail_name_rule{1, 40, lines::one};
constexpr text_rule key_rule{0, 300, lines::one};

/// "DE", "US-CA", "*"
bool is_place(const std::string& text) {
  if (text == "*" || is_country(text))
    return true;
  if (text.size() < 4 || text.size() > 6 || text[2] != '-' || !is_country(text.substr(0, 2)))
    return false;
  return std::all_of(text.begin() + 3, text.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

bool is_language(const std::string& text) {
  return text.size() == 2 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::optional<rejection> check_tax_zones(const std::vector<storage::tax_zone>& zones) {
  if (zones.size() > tax_zones_max)
    return invalid("tax_zones", "a store has at most " + std::to_string(tax_zones_max) + " tax zones");
  std::set<std::string> seen;
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const auto& zone = zones[i];
    auto field = "tax_zones[" + std::to_string(i) + "]";
    if (auto no = check_text(zone.name, field + ".name", zone_name_rule))
      return no;
    if (zone.rate_ppm < 0 || zone.rate_ppm > tax_rate_max_ppm)
      return invalid(field + ".rate", "a tax rate is between 0 and 100 %");
    if (zone.places.empty() || zone.places.size() > places_max)
      return invalid(field + ".places", "a tax zone has 1 to " + std::to_string(places_max) + " places");
    for (std::size_t j = 0; j < zone.places.size(); ++j) {
      auto place = field + ".places[" + std::to_string(j) + "]";
      if (!is_place(zone.places[j]))
        return invalid(place, "a place is a country like DE, a region like US-CA, or * for the rest of the world");
      if (!seen.insert(zone.places[j]).second)
        return invalid(place, zone.places[j] + " stands in the tax zones twice");
    }
  }
  return std::nullopt;
}

std::optional<rejection> check_mail(const storage::mail_settings& mail) {
  if (auto no = check_text(mail.sender_name, "mail.sender_name", sender_rule))
    return no;
  for (auto [text, field] : {std::pair{&mail.reply_to, "mail.reply_to"}, {&mail.merchant_email, "mail.merchant_email"}}) {
    if (auto no = check_text(*text, field, address_rule))
      return no;
    if (!text->empty() && !is_email(*text))
      return invalid(field, "is not a mail address");
  }
  if (mail.switched_off.size() > switches_max)
    return invalid("mail.switched_off", "names at most " + std::to_string(switches_max) + " mails");
  for (std::size_t i = 0; i < mail.switched_off.size(); ++i)
    if (auto no = check_text(mail.switched_off[i], "mail.switched_off[" + std::to_string(i) + "]", mail_name_rule))
      return no;
  return std::nullopt;
}

/// Puts `wish` in the place of the one that has the same key, or behind all others.
template <class T, class Key>
void put(std::vector<T>& all, T wish, Key key) {
  auto at = std::find_if(all.begin(), all.end(), [&](const T& x) { return key(x) == key(wish); });
  if (at == all.end())
    all.push_back(std::move(wish));
  else
    *at = std::move(wish);
}

const storage::payment_account* account_of(const storage::store_settings& s, const std::string& provider) {
  auto at = std::find_if(s.payments.begin(), s.payments.end(), [&](const auto& a) { return a.provider == provider; });
  return at == s.payments.end() ? nullptr : &*at;
}

const storage::carrier_account* carrier_of(const storage::store_settings& s, const std::string& provider) {
  auto at = std::find_if(s.carriers.begin(), s.carriers.end(), [&](const auto& a) { return a.provider == provider; });
  return at == s.carriers.end() ? nullptr : &*at;
}

std::optional<rejection> put_accounts(storage::store_settings& next, const actors::change_settings& c) {
  if (c.put_payment) {
    auto wish = *c.put_payment;
    if (auto no = check_text(wish.public_key, "public_key", key_rule))
      return no;
    const auto* old = account_of(next, wish.provider);
    if (wish.sealed.empty() && old)
      wish.sealed = old->sealed;
    put(next.payments, std::move(wish), [](const auto& a) { return a.provider; });
  }
  if (!c.remove_payment.empty()) {
    if (!account_of(next, c.remove_payment))
      return rejection{errc::not_found, "the store has no account with " + c.remove_payment, {}};
    std::erase_if(next.payments, [&](const auto& a) { return a.provider == c.remove_payment; });
  }
  if (c.put_carrier) {
    auto wish = *c.put_carrier;
    if (auto no = check_text(wish.public_key, "api_key", key_rule))
      return no;
    if (const auto* old = carrier_of(next, wish.provider)) {
      if (wish.sealed.empty())
        wish.sealed = old->sealed;
      if (wish.webhook_path.empty())
        wish.webhook_path = old->webhook_path;
    }
    put(next.carriers, std::move(wish), [](const auto& a) { return a.provider; });
  }
  if (!c.remove_carrier.empty()) {
    if (!carrier_of(next, c.remove_carrier))
      return rejection{errc::not_found, "the store has no account with " + c.remove_carrier, {}};
    std::erase_if(next.carriers, [&](const auto& a) { return a.provider == c.remove_carrier; });
  }
  if (next.payments.size() > accounts_max || next.carriers.size() > accounts_max)
    return invalid("provider", "a store has at most " + std::to_string(accounts_max) + " accounts");
  return std::nullopt;
}

std::optional<rejection> put_discounts(storage::store_settings& next, const actors::change_settings& c, const storage::ulid& store) {
  if (c.put_discount) {
    if (c.put_discount->id.is_nil() || c.put_discount->id.shard() != store.shard())
      return invalid("id", "is not an id of this store");
    if (auto no = discount_rules::check_rule(c.put_discount->rule, store, "rule"))
      return no;
    put(next.discounts, *c.put_discount, [](const auto& d) { return d.id; });
    if (next.discounts.size() > discounts_max)
      return invalid("automatic_discounts", "a store has at most " + std::to_string(discounts_max) + " automatic discounts");
  }
  if (!c.remove_discount.is_nil()
      && std::erase_if(next.discounts, [&](const auto& d) { return d.id == c.remove_discount; }) == 0)
    return rejection{errc::not_found, "there is no such automatic discount", "discount_id"};
  return std::nullopt;
}

} // namespace

outcome<storage::store_row> change_settings(const storage::store_row& current, const actors::change_settings& c,
                                            storage::timestamp now) {
  if (c.store_id != current.id)
    return rejection{errc::not_found, "there is no such store", "store_id"};
  if (!c.by.manages(current.id, current.owner_id))
    return rejection{errc::forbidden, "only the store's merchant may change its settings", {}};
  if (c.expected_version && *c.expected_version != current.version)
    return rejection{errc::version_conflict, "the settings were changed meanwhile", "version"};

  auto next = current;
  auto& s = next.settings;
  auto set = [](auto& field, const auto& wish) {
    if (wish)
      field = *wish;
  };
  set(s.language, c.language);
  set(s.tax_zones, c.tax_zones);
  set(s.shipping_taxed, c.shipping_taxed);
  set(s.manual_payments, c.manual_payments);
  set(s.mail, c.mail);
  if (!is_language(s.language))
    return invalid("language", "is two small letters (ISO 639-1), like \"en\"");
  if (auto no = check_tax_zones(s.tax_zones))
    return *no;
  if (auto no = check_mail(s.mail))
    return *no;
  if (auto no = put_accounts(s, c))
    return *no;
  if (auto no = put_discounts(s, c, current.id))
    return *no;
  if (next == current)
    return next;
  ++next.version;
  next.updated_at = now;
  return next;
}

} // namespace souk::actors::store_rules
