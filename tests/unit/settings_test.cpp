#include "actors/store/store_rules.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::actors;

namespace {

storage::ulid id_of(std::uint8_t n) {
  storage::ulid id;
  id.bytes[6] = 3; // the shard of the store and of all that is its
  id.bytes[15] = n;
  return id;
}

const storage::timestamp now{std::chrono::seconds{1'000'000}};
const storage::timestamp later{std::chrono::seconds{2'000'000}};
const caller merchant{id_of(1), storage::session_kind::login, {}};

storage::store_row store() {
  storage::store_row row;
  row.id = id_of(9);
  row.owner_id = merchant.user;
  row.name = "Tea";
  row.slug = "tea";
  row.currency = "EUR";
  row.version = 4;
  row.created_at = row.updated_at = now;
  row.settings.tax_zones = {{"VAT", {"DE", "US-CA", "*"}, 190'000, true}};
  row.settings.payments = {{"stripe", true, false, "pk_1", "sealed-1"}};
  row.settings.carriers = {{"shipstation", true, "key-1", "sealed-2", "path-2"}};
  row.settings.discounts = {{id_of(20), true, {}}};
  row.settings.discounts[0].rule.percent_ppm = 100'000;
  row.settings.mail = {"Tea", "tea@example.org", "me@example.org", {"order_delivered"}};
  return row;
}

actors::change_settings command() {
  actors::change_settings c;
  c.by = merchant;
  c.store_id = store().id;
  return c;
}

template <class Set>
outcome<storage::store_row> changed(Set set) {
  auto c = command();
  set(c);
  return store_rules::change_settings(store(), c, later);
}

/// The field that it is refused for as invalid; "-" when it is not.
template <class Set>
std::string refused(Set set) {
  const auto out = changed(set);
  if (out || out.why().code != errc::invalid)
    return "-";
  return out.why().field;
}

storage::automatic_discount discount(std::uint8_t id) {
  storage::automatic_discount d;
  d.id = id_of(id);
  d.rule.percent_ppm = 50'000;
  return d;
}

} // namespace

TEST_CASE("settings that are set are changed, the others stay", "[store][settings]") {
  const auto out = changed([](auto& c) {
    c.language = "de";
    c.shipping_taxed = true;
    c.manual_payments = false;
    c.tax_zones = std::vector<storage::tax_zone>{{"MwSt", {"DE"}, 70'000, false}};
  });
  REQUIRE(out);
  auto expected = store();
  expected.settings.language = "de";
  expected.settings.shipping_taxed = true;
  expected.settings.manual_payments = false;
  expected.settings.tax_zones = {{"MwSt", {"DE"}, 70'000, false}};
  expected.version = 5;
  expected.updated_at = later;
  CHECK(*out == expected);
}

TEST_CASE("settings that stay as they are make no new version", "[store][settings]") {
  CHECK(*changed([](auto&) {}) == store());
  CHECK(*changed([](auto& c) {
    c.language = "en";
    c.mail = store().settings.mail;
    c.tax_zones = store().settings.tax_zones;
    c.put_discount = store().settings.discounts[0];
    c.put_payment = storage::payment_account{"stripe", true, false, "pk_1", ""};
    c.put_carrier = storage::carrier_account{"shipstation", true, "key-1", "", ""};
    c.expected_version = 4;
  }) == store());
}

TEST_CASE("only the store's merchant changes its settings, and only the version he read", "[store][settings]") {
  CHECK(changed([](auto& c) { c.store_id = id_of(8); }).why().code == errc::not_found);
  CHECK(changed([](auto& c) { c.by = {}; }).why().code == errc::forbidden);
  CHECK(changed([](auto& c) { c.by = {id_of(2), storage::session_kind::login, {}}; }).why().code == errc::forbidden);
  CHECK(changed([](auto& c) { c.by = {merchant.user, storage::session_kind::guest, {}}; }).why().code == errc::forbidden);
  CHECK(changed([](auto& c) { c.by = {merchant.user, storage::session_kind::api, id_of(8)}; }).why().code == errc::forbidden);
  CHECK(changed([](auto& c) { c.by = {merchant.user, storage::session_kind::api, id_of(9)}; }));
  const auto out = changed([](auto& c) { c.expected_version = 3; });
  CHECK(out.why().code == errc::version_conflict);
  CHECK(out.why().field == "version");
}

TEST_CASE("a language is two small letters", "[store][settings]") {
  for (const auto* text : {"", "e", "EN", "eng", "e1", "ü"})
    CHECK(refused([&](auto& c) { c.language = text; }) == "language");
}

TEST_CASE("tax zones are refused by the field that is wrong", "[store][settings]") {
  const auto with = [](std::vector<storage::tax_zone> zones) { return refused([&](auto& c) { c.tax_zones = zones; }); };
  CHECK(with({{"A", {"DE", "US-CA", "GB-1AB", "*"}, 0, false}, {"B", {"US"}, 1'000'000, true}}) == "-");
  CHECK(with({{"", {"DE"}, 1, false}}) == "tax_zones[0].name");
  CHECK(with({{std::string(81, 'x'), {"DE"}, 1, false}}) == "tax_zones[0].name");
  CHECK(with({{"A", {"DE"}, -1, false}}) == "tax_zones[0].rate");
  CHECK(with({{"A", {"DE"}, 1'000'001, false}}) == "tax_zones[0].rate");
  CHECK(with({{"A", {}, 1, false}}) == "tax_zones[0].places");
  CHECK(with({{"A", std::vector<std::string>(301, "DE"), 1, false}}) == "tax_zones[0].places");
  for (const auto* place : {"", "de", "ZZ", "DE-", "DE-abc", "DE-ABCD", "ZZ-AB", "DE_AB", "**"})
    CHECK(with({{"A", {"FR", place}, 1, false}}) == "tax_zones[0].places[1]");
  CHECK(with({{"A", {"DE"}, 1, false}, {"B", {"FR", "DE"}, 1, false}}) == "tax_zones[1].places[1]");
  CHECK(with(std::vector<storage::tax_zone>(101, {"A", {"DE"}, 1, false})) == "tax_zones");
}

TEST_CASE("mail settings are refused by the field that is wrong", "[store][settings]") {
  const auto with = [](auto set) {
    return refused([&](auto& c) {
      c.mail = store().settings.mail;
      set(*c.mail);
    });
  };
  CHECK(with([](auto& m) { m = {}; }) == "-");
  CHECK(with([](auto& m) { m.sender_name = "a\r\nBcc: all"; }) == "mail.sender_name");
  CHECK(with([](auto& m) { m.sender_name = std::string(121, 'x'); }) == "mail.sender_name");
  for (const auto* text : {"x", "@x", "x@", "a@b@c", "a b@c", "a@b,c@d", "<a@b>", "a@\"b\""}) {
    CHECK(with([&](auto& m) { m.reply_to = text; }) == "mail.reply_to");
    CHECK(with([&](auto& m) { m.merchant_email = text; }) == "mail.merchant_email");
  }
  CHECK(with([](auto& m) { m.reply_to = std::string(250, 'a') + "@b.de"; }) == "mail.reply_to");
  CHECK(with([](auto& m) { m.switched_off = {"order_paid", ""}; }) == "mail.switched_off[1]");
  CHECK(with([](auto& m) { m.switched_off = {std::string(41, 'x')}; }) == "mail.switched_off[0]");
  CHECK(with([](auto& m) { m.switched_off = std::vector<std::string>(31, "x"); }) == "mail.switched_off");
}

TEST_CASE("accounts are put by their provider, and keep what is sealed unless it is sent anew", "[store][settings]") {
  auto out = changed([](auto& c) { c.put_payment = storage::payment_account{"stripe", false, true, "pk_2", ""}; });
  REQUIRE(out);
  REQUIRE(out->settings.payments.size() == 1);
  CHECK(out->settings.payments[0] == storage::payment_account{"stripe", false, true, "pk_2", "sealed-1"});
  out = changed([](auto& c) { c.put_payment = storage::payment_account{"stripe", true, false, "pk_1", "sealed-9"}; });
  CHECK(out->settings.payments[0].sealed == "sealed-9");
  out = changed([](auto& c) { c.put_payment = storage::payment_account{"paypal", true, false, "id", "sealed-3"}; });
  REQUIRE(out->settings.payments.size() == 2);
  CHECK(out->settings.payments[0] == store().settings.payments[0]);
  CHECK(out->settings.payments[1].sealed == "sealed-3");

  out = changed([](auto& c) { c.put_carrier = storage::carrier_account{"shipstation", false, "key-2", "", ""}; });
  CHECK(out->settings.carriers[0] == storage::carrier_account{"shipstation", false, "key-2", "sealed-2", "path-2"});
  out = changed([](auto& c) { c.put_carrier = storage::carrier_account{"shipstation", true, "key-1", "sealed-4", "path-4"}; });
  CHECK(out->settings.carriers[0].sealed == "sealed-4");
  CHECK(out->settings.carriers[0].webhook_path == "path-4");
}

TEST_CASE("accounts are removed by their provider", "[store][settings]") {
  CHECK(changed([](auto& c) { c.remove_payment = "stripe"; })->settings.payments.empty());
  CHECK(changed([](auto& c) { c.remove_carrier = "shipstation"; })->settings.carriers.empty());
  CHECK(changed([](auto& c) { c.remove_payment = "paypal"; }).why().code == errc::not_found);
  CHECK(changed([](auto& c) { c.remove_carrier = "dhl"; }).why().code == errc::not_found);
}

TEST_CASE("accounts are refused by the field that is wrong", "[store][settings]") {
  CHECK(refused([](auto& c) { c.put_payment = storage::payment_account{"stripe", true, false, std::string(301, 'x'), ""}; }) == "public_key");
  CHECK(refused([](auto& c) { c.put_payment = storage::payment_account{"stripe", true, false, "a\nb", ""}; }) == "public_key");
  CHECK(refused([](auto& c) { c.put_carrier = storage::carrier_account{"dhl", true, std::string(301, 'x'), "", ""}; }) == "api_key");
  auto row = store();
  for (int i = 0; i < 9; ++i)
    row.settings.payments.push_back({"p" + std::to_string(i), true, false, "", ""});
  auto c = command();
  c.put_payment = storage::payment_account{"one-more", true, false, "", ""};
  CHECK(store_rules::change_settings(row, c, later).why().field == "provider");
  c.put_payment->provider = "p3";
  CHECK(store_rules::change_settings(row, c, later));
}

TEST_CASE("automatic discounts are put and removed by their id", "[store][settings]") {
  auto out = changed([](auto& c) { c.put_discount = discount(21); });
  REQUIRE(out);
  REQUIRE(out->settings.discounts.size() == 2);
  CHECK(out->settings.discounts[0] == store().settings.discounts[0]);
  CHECK(out->settings.discounts[1] == discount(21));
  CHECK(out->version == 5);
  out = changed([](auto& c) { c.put_discount = discount(20); });
  REQUIRE(out->settings.discounts.size() == 1);
  CHECK(out->settings.discounts[0] == discount(20));
  CHECK(changed([](auto& c) { c.remove_discount = id_of(20); })->settings.discounts.empty());
  out = changed([](auto& c) { c.remove_discount = id_of(21); });
  CHECK(out.why().code == errc::not_found);
  CHECK(out.why().field == "discount_id");
}

TEST_CASE("automatic discounts are refused by the field that is wrong", "[store][settings]") {
  CHECK(refused([](auto& c) {
          c.put_discount = discount(21);
          c.put_discount->id = {};
        })
        == "id");
  CHECK(refused([](auto& c) {
          c.put_discount = discount(21);
          c.put_discount->id.bytes[6] = 4; // another store's shard
        })
        == "id");
  CHECK(refused([](auto& c) {
          c.put_discount = discount(21);
          c.put_discount->rule.percent_ppm = 0;
        })
        == "rule.percent");
  CHECK(refused([](auto& c) {
          c.put_discount = discount(21);
          c.put_discount->rule.products = {id_of(1), {}};
        })
        == "rule.products[1]");
  auto row = store();
  for (std::uint8_t i = 30; row.settings.discounts.size() < 25; ++i)
    row.settings.discounts.push_back(discount(i));
  auto c = command();
  c.put_discount = discount(99);
  CHECK(store_rules::change_settings(row, c, later).why().field == "automatic_discounts");
  c.put_discount = discount(30);
  c.put_discount->active = false;
  CHECK(store_rules::change_settings(row, c, later));
}

TEST_CASE("a shipping rate is for a range of weights", "[store]") {
  const auto with = [](std::int64_t from, std::int64_t to) {
    const auto no = store_rules::check_shipping_zones({{"Home", {"DE"}, {{"Post", 490, -1, from, to}}}});
    return no ? no->field : "-";
  };
  CHECK(with(0, -1) == "-");
  CHECK(with(1000, 1000) == "-");
  CHECK(with(-1, -1) == "shipping_zones[0].rates[0].grams_from");
  CHECK(with(0, -2) == "shipping_zones[0].rates[0].grams_to");
  CHECK(with(1001, 1000) == "shipping_zones[0].rates[0].grams_to");
}
