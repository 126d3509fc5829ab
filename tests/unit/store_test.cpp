#include "actors/store/country.hpp"
#include "actors/store/store_rules.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::actors;

namespace {

storage::ulid id_of(std::uint8_t n) {
  storage::ulid id;
  id.bytes[15] = n;
  return id;
}

const storage::timestamp now{std::chrono::seconds{1'000'000}};
const storage::timestamp later{std::chrono::seconds{2'000'000}};
const caller merchant{id_of(1), storage::session_kind::login, {}};

storage::store_row draft() {
  storage::store_row row;
  row.id = id_of(9);
  row.owner_id = merchant.user;
  row.name = "Käse & Tee";
  row.slug = "kaese-tee";
  row.currency = "EUR";
  row.tax_rate_ppm = 70'000;
  row.shipping_zones = {{"Home", {"DE", "AT"}, {{"Post", 490, 5000}}}, {"World", {"*"}, {{"Air", 1490, -1}}}};
  row.logo_url = "https://example.org/logo.png";
  return row;
}

storage::store_row opened() {
  return *store_rules::open(merchant, draft(), now);
}

/// The field that opening a store with this draft is refused for.
std::string refused(const storage::store_row& row) {
  auto made = store_rules::open(merchant, row, now);
  return made ? "" : made.why().field;
}

} // namespace

TEST_CASE("a new store is open, in its first version", "[store]") {
  auto wish = draft();
  wish.status = storage::store_status::closed; // not the merchant's to choose when opening
  wish.version = 7;
  auto row = *store_rules::open(merchant, wish, now);
  CHECK(row.status == storage::store_status::open);
  CHECK(row.version == 1);
  CHECK(row.created_at == now);
  CHECK(row.shipping_zones == draft().shipping_zones);
}

TEST_CASE("a store is opened by somebody who has signed up, for themselves", "[store]") {
  auto with = [](caller by) { return store_rules::open(by, draft(), now); };
  CHECK(with(merchant));
  CHECK(with({}).why().code == errc::forbidden);
  CHECK(with({id_of(2), storage::session_kind::login, {}}).why().code == errc::forbidden);
  CHECK(with({merchant.user, storage::session_kind::guest, {}}).why().code == errc::forbidden);
  CHECK(with({merchant.user, storage::session_kind::api, id_of(9)}).why().code == errc::forbidden);
}

TEST_CASE("settings that cannot be are refused by their field", "[store]") {
  auto with = [](auto spoil) {
    auto row = draft();
    spoil(row);
    return refused(row);
  };
  CHECK(with([](auto&) {}).empty());
  CHECK(with([](auto& x) { x.name = ""; }) == "store_name");
  CHECK(with([](auto& x) { x.name = std::string(121, 'a'); }) == "store_name");
  CHECK(with([](auto& x) { x.slug = "My Shop"; }) == "slug");
  CHECK(with([](auto& x) { x.currency = "EURO"; }) == "currency");
  CHECK(with([](auto& x) { x.tax_rate_ppm = -1; }) == "tax_rate");
  CHECK(with([](auto& x) { x.tax_rate_ppm = 1'000'001; }) == "tax_rate");
  CHECK(with([](auto& x) { x.tax_rate_ppm = 1'000'000; }).empty());
  CHECK(with([](auto& x) { x.logo_url = "javascript:alert(1)"; }) == "logo_url");
  CHECK(with([](auto& x) { x.logo_url = ""; }).empty());
  CHECK(with([](auto& x) { x.description = std::string(5001, 'a'); }) == "description");
  CHECK(with([](auto& x) { x.shipping_zones.clear(); }).empty());
  CHECK(with([](auto& x) { x.shipping_zones[0].name = " "; }) == "shipping_zones[0].name");
  CHECK(with([](auto& x) { x.shipping_zones[0].countries.clear(); }) == "shipping_zones[0].countries");
  CHECK(with([](auto& x) { x.shipping_zones[0].countries[1] = "at"; }) == "shipping_zones[0].countries[1]");
  CHECK(with([](auto& x) { x.shipping_zones[0].countries[1] = "ZZ"; }) == "shipping_zones[0].countries[1]");
  CHECK(with([](auto& x) { x.shipping_zones[1].countries[0] = "AT"; }) == "shipping_zones[1].countries[0]");
  CHECK(with([](auto& x) { x.shipping_zones[1].rates.clear(); }) == "shipping_zones[1].rates");
  CHECK(with([](auto& x) { x.shipping_zones[1].rates[0].price = -1; }) == "shipping_zones[1].rates[0].price");
  CHECK(with([](auto& x) { x.shipping_zones[1].rates[0].free_from = -2; })
        == "shipping_zones[1].rates[0].free_from");
  CHECK(with([](auto& x) { x.shipping_zones[1].rates[0].name = ""; }) == "shipping_zones[1].rates[0].name");
}

TEST_CASE("a change sets what it names and nothing else", "[store]") {
  auto before = opened();
  change_store c;
  c.by = merchant;
  c.store_id = before.id;
  c.name = "Tee";
  c.tax_inclusive = true;
  auto after = *store_rules::change(before, c, later);
  CHECK(after.version == 2);
  CHECK(after.updated_at == later);
  auto expected = before;
  expected.name = "Tee";
  expected.tax_inclusive = true;
  expected.version = 2;
  expected.updated_at = later;
  CHECK(after == expected);
}

TEST_CASE("a change to what is there already leaves the version", "[store]") {
  auto before = opened();
  change_store c;
  c.by = merchant;
  c.store_id = before.id;
  c.name = before.name;
  c.shipping_zones = before.shipping_zones;
  CHECK(*store_rules::change(before, c, later) == before);
}

TEST_CASE("settings are changed by the store's merchant only", "[store]") {
  auto before = opened();
  change_store c;
  c.store_id = before.id;
  c.name = "Mine now";
  auto by = [&](caller who) {
    c.by = who;
    auto made = store_rules::change(before, c, later);
    return made ? std::string{"yes"} : to_string(made.why().code);
  };
  CHECK(by(merchant) == "yes");
  CHECK(by({merchant.user, storage::session_kind::api, before.id}) == "yes");
  CHECK(by({merchant.user, storage::session_kind::api, id_of(8)}) == "forbidden");
  CHECK(by({merchant.user, storage::session_kind::guest, {}}) == "forbidden");
  CHECK(by({id_of(2), storage::session_kind::login, {}}) == "forbidden");
  CHECK(by({}) == "forbidden");
  c.store_id = id_of(10);
  CHECK(by(merchant) == "not_found");
}

TEST_CASE("a change that expects another version is refused", "[store]") {
  auto before = opened();
  change_store c;
  c.by = merchant;
  c.store_id = before.id;
  c.name = "Tee";
  c.expected_version = 2;
  CHECK(store_rules::change(before, c, later).why().code == errc::version_conflict);
  c.expected_version = 1;
  CHECK(store_rules::change(before, c, later));
}

TEST_CASE("countries are those of ISO 3166-1", "[store]") {
  for (auto code : {"AD", "DE", "GB", "US", "XK", "ZW"})
    CHECK(is_country(code));
  for (auto code : {"", "D", "de", "UK", "ZZ", "DEU", " A", "A "})
    CHECK_FALSE(is_country(code));
}
