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
  std::int64_t grams_from = 0; ///< offered to parcels of this weight or more …
  std::int64_t grams_to = -1;  ///< … and of this weight or less; -1 = any
  bool operator==(const shipping_rate&) const = default;
};

/// Countries (ISO 3166-1 alpha-2, or "*" for the rest of the world) that share rates. The first rate is the default.
struct shipping_zone {
  std::string name;
  std::vector<std::string> countries;
  std::vector<shipping_rate> rates;
  bool operator==(const shipping_zone&) const = default;
};

/// Places that share a tax: "DE", "US-CA" (a region wins over its country), "*" (the rest of the world).
struct tax_zone {
  std::string name; ///< as on the invoice: "VAT", "Sales tax"
  std::vector<std::string> places;
  std::int32_t rate_ppm = 0;    ///< parts per million: 20 % is 200,000
  bool shipping_taxed = false;
  bool operator==(const tax_zone&) const = default;
};

enum class discount_kind : std::uint8_t { percent = 1, fixed = 2, free_shipping = 3, buy_x_get_y = 4 };

/// What a discount gives, and when. Amounts are minor units of the store's currency.
struct discount_rule {
  discount_kind kind = discount_kind::percent;
  std::string title;             ///< what the shopper reads
  std::int32_t percent_ppm = 0;  ///< percent; buy_x_get_y: off each piece that is given (1,000,000 = free)
  std::int64_t amount = 0;       ///< fixed: off the whole, never more than it
  std::vector<ulid> products;    ///< percent, fixed: only these; buy_x_get_y: what must be bought; empty = any
  std::vector<ulid> gives;       ///< buy_x_get_y: what is given; empty = the same as must be bought
  std::int64_t buy_quantity = 0; ///< buy_x_get_y
  std::int64_t get_quantity = 0; ///< buy_x_get_y: pieces given each time `buy_quantity` is reached
  std::int64_t minimum_subtotal = 0;
  std::int64_t minimum_quantity = 0;
  bool combines = true;          ///< with other discounts; one that does not stands alone, if it is the best
  timestamp starts_at{};         ///< epoch: at once
  timestamp ends_at{};           ///< epoch: never
  bool operator==(const discount_rule&) const = default;
};

/// Given to whoever fulfils it, without a code and without a limit.
struct automatic_discount {
  ulid id;
  bool active = true;
  discount_rule rule;
  bool operator==(const automatic_discount&) const = default;
};

/// The store's account at a payment provider. What is secret in it is sealed (actors/secret/secret_box.hpp); only integrations
/// open it.
struct payment_account {
  std::string provider; ///< "stripe", "paypal", "sandbox"; one of each per store
  bool active = true;
  bool manual_capture = false; ///< the money is only authorised at checkout; the merchant captures it, or shipping does
  std::string public_key;      ///< Stripe's publishable key, PayPal's client id
  std::string sealed;          ///< JSON of the secrets; never leaves the server
  bool operator==(const payment_account&) const = default;
};

/// The store's account at a shipping service.
struct carrier_account {
  std::string provider; ///< "shipstation"
  bool active = true;
  std::string public_key;
  std::string sealed;
  std::string webhook_path; ///< random part of the address that the service calls, where it cannot sign
  bool operator==(const carrier_account&) const = default;
};

struct mail_settings {
  std::string sender_name; ///< empty = the store's name
  std::string reply_to;
  std::string merchant_email;             ///< hears of low stock and of webhooks that fail; empty = nobody
  std::vector<std::string> switched_off;  ///< names of mails that are not sent: "order_delivered"
  bool operator==(const mail_settings&) const = default;
};

/// What a merchant decides about money, mail and shipping beyond the columns of the store.
struct store_settings {
  std::string language = "en"; ///< of mails and of what the shop says, ISO 639-1
  std::vector<tax_zone> tax_zones; ///< none matches: the store's own rate
  bool shipping_taxed = false;     ///< at the store's own rate
  std::vector<automatic_discount> discounts;
  std::vector<payment_account> payments;
  std::vector<carrier_account> carriers;
  bool manual_payments = true; ///< bank transfer, cash on delivery
  mail_settings mail;
  bool operator==(const store_settings&) const = default;
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
  store_settings settings;
  bool operator==(const store_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, shipping_rate& x) {
  return f(x.name, x.price, x.free_from, x.grams_from, x.grams_to);
}
template <class I>
typename I::result_type inspect(I& f, shipping_zone& x) {
  return f(x.name, x.countries, x.rates);
}
template <class I>
typename I::result_type inspect(I& f, tax_zone& x) {
  return f(x.name, x.places, x.rate_ppm, x.shipping_taxed);
}
template <class I>
typename I::result_type inspect(I& f, discount_rule& x) {
  return f(x.kind, x.title, x.percent_ppm, x.amount, x.products, x.gives, x.buy_quantity, x.get_quantity, x.minimum_subtotal,
           x.minimum_quantity, x.combines, x.starts_at, x.ends_at);
}
template <class I>
typename I::result_type inspect(I& f, automatic_discount& x) {
  return f(x.id, x.active, x.rule);
}
template <class I>
typename I::result_type inspect(I& f, payment_account& x) {
  return f(x.provider, x.active, x.manual_capture, x.public_key, x.sealed);
}
template <class I>
typename I::result_type inspect(I& f, carrier_account& x) {
  return f(x.provider, x.active, x.public_key, x.sealed, x.webhook_path);
}
template <class I>
typename I::result_type inspect(I& f, mail_settings& x) {
  return f(x.sender_name, x.reply_to, x.merchant_email, x.switched_off);
}
template <class I>
typename I::result_type inspect(I& f, store_settings& x) {
  return f(x.language, x.tax_zones, x.shipping_taxed, x.discounts, x.payments, x.carriers, x.manual_payments, x.mail);
}
template <class I>
typename I::result_type inspect(I& f, store_row& x) {
  return f(x.id, x.owner_id, x.name, x.slug, x.currency, x.tax_rate_ppm, x.tax_inclusive, x.shipping_zones, x.logo_url,
           x.description, x.status, x.version, x.created_at, x.updated_at, x.settings);
}

} // namespace souk::storage
