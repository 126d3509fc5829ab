#include "actors/product/product_checks.hpp"
#include "actors/product/product_rules.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <set>

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

product_rules::draw_id ids_from(std::uint8_t first) {
  return [next = std::make_shared<std::uint8_t>(first)] { return id_of((*next)++); };
}

storage::store_row store() {
  storage::store_row row;
  row.id = id_of(9);
  row.owner_id = merchant.user;
  row.currency = "EUR";
  return row;
}

variant_draft draft(std::string sku, std::vector<std::string> values = {}, std::int64_t price = 1000) {
  variant_draft d;
  d.row.sku = std::move(sku);
  d.row.option_values = std::move(values);
  d.row.price = price;
  return d;
}

create_product shirt() {
  create_product c;
  c.by = merchant;
  c.store_id = store().id;
  c.product.id = id_of(20);
  c.product.title = "Ocean Blue Shirt";
  c.product.options = {{"Size"}, {"Colour"}};
  c.variants = {draft("S-B", {"S", "blue"}), draft("M-B", {"M", "blue"}), draft("", {"L", "blue"})};
  c.variants[0].stock = 7;
  c.variants[1].backorder = true;
  c.variants[2].low_stock_threshold = 3;
  return c;
}

/// A product after its commit: what the actor holds.
struct shelf {
  storage::product_row product;
  std::vector<storage::variant_row> variants;

  explicit shelf(const create_product& c) { take(*product_rules::create(c, store(), ids_from(100), now)); }
  void take(const product_edit& edit) {
    product = edit.product;
    variants = edit.variants;
  }
  change_product command() const {
    change_product c;
    c.by = merchant;
    c.store_id = product.store_id;
    c.product_id = product.id;
    return c;
  }
  outcome<product_edit> change(const change_product& c) const {
    return product_rules::change(product, variants, c, store(), ids_from(200), later);
  }
};

/// The field for which creating this is refused.
std::string refused(const create_product& c) {
  auto made = product_rules::create(c, store(), ids_from(100), now);
  return made ? "" : made.why().field;
}

template <class Spoil>
std::string refused_with(Spoil spoil) {
  auto c = shirt();
  spoil(c);
  return refused(c);
}

} // namespace

TEST_CASE("a new product has its variants, levels and a handle", "[product]") {
  auto edit = *product_rules::create(shirt(), store(), ids_from(100), now);
  CHECK(edit.changed);
  CHECK(edit.handle_made);
  CHECK(edit.product.handle == "ocean-blue-shirt");
  CHECK(edit.product.store_id == store().id);
  CHECK(edit.product.version == 1);
  REQUIRE(edit.put.size() == 3);
  REQUIRE(edit.levels.size() == 3);
  CHECK(edit.wishes.empty());
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(edit.put[i].id == id_of(static_cast<std::uint8_t>(100 + i)));
    CHECK(edit.put[i].product_id == id_of(20));
    CHECK(edit.put[i].position == static_cast<std::int32_t>(i) + 1);
    CHECK(edit.levels[i].level.variant_id == edit.put[i].id);
    CHECK(edit.levels[i].level.on_hand == 0); // stock arrives by a move
  }
  CHECK(edit.levels[0].on_hand == 7);
  CHECK(edit.levels[1].on_hand == 0);
  CHECK(edit.levels[1].level.backorder);
  CHECK(edit.levels[0].level.low_stock_threshold == -1);
  CHECK(edit.levels[2].level.low_stock_threshold == 3);
}

TEST_CASE("products are the business of the store's merchant", "[product]") {
  auto c = shirt();
  c.by = {id_of(2), storage::session_kind::login, {}};
  CHECK(product_rules::create(c, store(), ids_from(100), now).why().code == errc::forbidden);
  shelf s{shirt()};
  auto change = s.command();
  change.title = "Mine";
  change.by = {};
  CHECK(s.change(change).why().code == errc::forbidden);
  change.by = merchant;
  change.store_id = id_of(10);
  CHECK(s.change(change).why().code == errc::not_found);
  change = s.command();
  change.product_id = id_of(21);
  CHECK(s.change(change).why().code == errc::not_found);
}

TEST_CASE("a product that cannot be is refused by its field", "[product]") {
  CHECK(refused_with([](auto&) {}).empty());
  CHECK(refused_with([](auto& c) { c.product.title = " "; }) == "title");
  CHECK(refused_with([](auto& c) { c.product.title = std::string(256, 'a'); }) == "title");
  CHECK(refused_with([](auto& c) { c.product.description = std::string(64 * 1024 + 1, 'a'); })
        == "description");
  CHECK(refused_with([](auto& c) { c.product.description = "<p>\v\nfine</p>"; }).empty());
  CHECK(refused_with([](auto& c) { c.product.description = std::string("a\0b", 3); }) == "description");
  CHECK(refused_with([](auto& c) { c.product.handle = "!!!"; }) == "handle");
  CHECK(refused_with([](auto& c) { c.product.vendor = "a\nb"; }) == "vendor");
  CHECK(refused_with([](auto& c) { c.product.tags = std::vector<std::string>(251, "x"); }) == "tags");
  CHECK(refused_with([](auto& c) { c.product.tags = {"new", ""}; }) == "tags[1]");
  CHECK(refused_with([](auto& c) { c.product.options = {{"A"}, {"B"}, {"C"}, {"D"}}; }) == "options");
  CHECK(refused_with([](auto& c) { c.product.options[1].name = "Size"; }) == "options[1].name");
  CHECK(refused_with([](auto& c) { c.product.images = {{"javascript:x", ""}}; }) == "images[0].url");
  CHECK(refused_with([](auto& c) {
          c.product.images = {{"/pictures/1.jpg", ""}, {"//evil/x", ""}};
        })
        == "images[1].url");
  CHECK(refused_with([](auto& c) { c.variants.clear(); }) == "variants");
  CHECK(refused_with([](auto& c) { c.variants[2].row.price = -1; }) == "variants[2].price");
  CHECK(refused_with([](auto& c) { c.variants[2].row.price = 1'000'000'000'001; }) == "variants[2].price");
  CHECK(refused_with([](auto& c) { c.variants[1].row.compare_at = -2; }) == "variants[1].compare_at");
  CHECK(refused_with([](auto& c) { c.variants[1].row.grams = -1; }) == "variants[1].grams");
  CHECK(refused_with([](auto& c) { c.variants[1].stock = -1; }) == "variants[1].stock");
  CHECK(refused_with([](auto& c) { c.variants[1].low_stock_threshold = -2; })
        == "variants[1].low_stock_threshold");
  CHECK(refused_with([](auto& c) { c.variants[1].row.sku = "S-B"; }) == "variants[1].sku");
  CHECK(refused_with([](auto& c) {
          c.variants[2].row.option_values = {"M", "blue"};
        })
        == "variants[2].option_values");
  CHECK(refused_with([](auto& c) { c.variants[2].row.option_values = {"M"}; })
        == "variants[2].option_values");
  CHECK(refused_with([](auto& c) { c.variants[2].row.option_values[0] = ""; })
        == "variants[2].option_values[0]");
  CHECK(refused_with([](auto& c) { c.variants[0].row.id = id_of(5); }) == "variants[0].variant_id");
  CHECK(refused_with([](auto& c) {
          c.variants[0].row.attributes = {{"a", "1"}, {"a", "2"}};
        })
        == "variants[0].attributes.a");
}

TEST_CASE("a product has at most 100 variants", "[product]") {
  auto c = shirt();
  c.product.options = {{"Number"}};
  c.variants.clear();
  for (int i = 0; i < 100; ++i)
    c.variants.push_back(draft("", {std::to_string(i)}));
  CHECK(refused(c).empty());
  c.variants.push_back(draft("", {"100"}));
  CHECK(refused(c) == "variants");
}

TEST_CASE("without options, variants differ in SKU or attributes", "[product]") {
  auto c = shirt();
  c.product.options.clear();
  c.variants = {draft("A"), draft("B")};
  CHECK(refused(c).empty());
  c.variants = {draft(""), draft("")};
  CHECK(refused(c) == "variants[1].option_values");
  c.variants[0].row.attributes = {{"colour", "red"}};
  c.variants[1].row.attributes = {{"colour", "blue"}};
  CHECK(refused(c).empty());
}

TEST_CASE("saying what is so changes nothing", "[product]") {
  shelf s{shirt()};
  auto c = s.command();
  c.title = s.product.title;
  c.tags = s.product.tags;
  c.handle = "Ocean Blue Shirt"; // the same handle, spelled differently
  c.options = s.product.options;
  c.variants = shirt().variants; // no ids: found by SKU or by option values
  auto edit = *s.change(c);
  CHECK_FALSE(edit.changed);
  CHECK(edit.put.empty());
  CHECK(edit.levels.empty());
  CHECK(edit.product == s.product);
  CHECK(edit.variants == s.variants);
  CHECK(edit.wishes.size() == 3); // stock is for the inventory actors to compare
}

TEST_CASE("a change writes what it changes", "[product]") {
  shelf s{shirt()};
  auto c = s.command();
  c.title = "Sea Blue Shirt";
  auto d = draft("M-B", {"M", "blue"}, 1200);
  c.variants = std::vector{d};
  auto edit = *s.change(c);
  CHECK(edit.changed);
  CHECK(edit.product.version == 2);
  CHECK(edit.product.updated_at == later);
  CHECK(edit.product.handle == "ocean-blue-shirt"); // links to it stay good
  REQUIRE(edit.put.size() == 1);
  CHECK(edit.put[0].id == s.variants[1].id);
  CHECK(edit.put[0].price == 1200);
  CHECK(edit.put[0].position == 2);
  CHECK(edit.variants.size() == 3);
  CHECK(edit.wishes.empty());
}

TEST_CASE("a variant is known by its id, else by its SKU, else by its option values", "[product]") {
  shelf s{shirt()};
  auto c = s.command();
  auto by_id = draft("NEW", {"XL", "blue"});
  by_id.row.id = s.variants[0].id;
  auto by_sku = draft("M-B", {"M", "navy"});
  auto by_values = draft("L-B", {"L", "blue"});
  auto fresh = draft("XS-B", {"XS", "blue"});
  fresh.stock = 4;
  c.variants = std::vector{by_id, by_sku, by_values, fresh};
  auto edit = *s.change(c);
  REQUIRE(edit.variants.size() == 4);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(edit.variants[i].id == s.variants[i].id);
  CHECK(edit.variants[0].sku == "NEW");
  CHECK(edit.variants[1].option_values[1] == "navy");
  CHECK(edit.variants[2].sku == "L-B");
  CHECK(edit.variants[3].id == id_of(200));
  REQUIRE(edit.levels.size() == 1);
  CHECK(edit.levels[0].on_hand == 4);
}

TEST_CASE("the only variant of a product without options may change its SKU", "[product]") {
  auto tea = shirt();
  tea.product.options.clear();
  tea.variants = {draft("TEA-1")};
  shelf s{tea};
  auto c = s.command();
  c.variants = std::vector{draft("TEA-2")};
  auto edit = *s.change(c);
  REQUIRE(edit.variants.size() == 1);
  CHECK(edit.variants[0].id == s.variants[0].id);
  CHECK(edit.variants[0].sku == "TEA-2");
}

TEST_CASE("two drafts do not mean one variant", "[product]") {
  shelf s{shirt()};
  auto c = s.command();
  auto by_id = draft("X", {"S", "blue"});
  by_id.row.id = s.variants[0].id;
  c.variants = std::vector{by_id, draft("S-B", {"S", "red"})};
  CHECK(s.change(c).why().field == "variants[1]");
  by_id.row.id = id_of(77);
  c.variants = std::vector{by_id};
  CHECK(s.change(c).why().code == errc::not_found);
}

TEST_CASE("a removed variant stays as a row and gives its SKU up", "[product]") {
  shelf s{shirt()};
  auto c = s.command();
  c.remove_variants = {s.variants[0].id};
  c.variants = std::vector{draft("S-B", {"S", "red"})}; // takes the SKU over
  auto edit = *s.change(c);
  REQUIRE(edit.put.size() == 2);
  CHECK(edit.put[0].removed); // written first
  CHECK(edit.put[0].id == s.variants[0].id);
  CHECK(edit.put[1].sku == "S-B");
  CHECK(edit.variants.size() == 4);
  s.take(edit);

  c = s.command();
  c.remove_variants = {edit.put[0].id}; // again is nothing
  CHECK_FALSE(s.change(c)->changed);
  c.remove_variants.clear();
  for (const auto& v : s.variants)
    c.remove_variants.push_back(v.id);
  CHECK(s.change(c).why().field == "variants"); // the last one cannot go
  c.remove_variants = {id_of(77)};
  CHECK(s.change(c).why().field == "remove_variants[0]");
}

TEST_CASE("drafts that name all variants give their order", "[product]") {
  shelf s{shirt()};
  auto c = s.command();
  auto drafts = shirt().variants;
  c.variants = std::vector{drafts[2], drafts[0], drafts[1]};
  auto edit = *s.change(c);
  CHECK(edit.changed);
  CHECK(edit.variants[0].id == s.variants[2].id);
  CHECK(edit.variants[0].position == 1);
  c.variants = std::vector{drafts[2], drafts[0]};
  CHECK_FALSE(s.change(c)->changed);
}

TEST_CASE("options change together with all variants or not at all", "[product]") {
  shelf s{shirt()};
  auto c = s.command();
  c.options = std::vector<storage::product_option>{{"Size"}};
  CHECK(s.change(c).why().field == "options");
  c.variants = std::vector{draft("S-B", {"S"}), draft("M-B", {"M"})};
  CHECK(s.change(c).why().field == "options"); // L is left behind
  c.remove_variants = {s.variants[2].id};
  auto edit = s.change(c);
  REQUIRE(edit);
  CHECK(edit->put.size() == 3);
}

TEST_CASE("a change that expects another version of the product is refused", "[product]") {
  shelf s{shirt()};
  auto c = s.command();
  c.expected_version = 2;
  CHECK(s.change(c).why().code == errc::version_conflict);
}

TEST_CASE("a handle is what remains of a title in an address", "[product]") {
  using product_checks::make_handle;
  CHECK(make_handle("Ocean Blue Shirt") == "ocean-blue-shirt");
  CHECK(make_handle("  Tea, 100 g (loose)!  ") == "tea-100-g-loose");
  CHECK(make_handle("Käse") == "käse");
  CHECK(make_handle("?!").empty());
  CHECK(rc::check("a handle is its own handle", [](const std::string& text) {
    RC_ASSERT(make_handle(make_handle(text)) == make_handle(text));
  }));
}

TEST_CASE("whatever a merchant does, a product's variants stay apart", "[product]") {
  CHECK(rc::check("SKUs and option values are unique, removed rows stay, repeats change nothing", [] {
    auto small = [] { return *rc::gen::inRange(0, 4); };
    auto tea = shirt();
    tea.product.options = {{"Size"}};
    tea.variants = {draft("0", {"0"})};
    shelf s{tea};
    std::uint8_t next_id = 101;
    for (int step = 0; step < 12; ++step) {
      auto c = s.command();
      std::vector<variant_draft> drafts;
      for (int n = small(); n > 0; --n)
        drafts.push_back(
          draft(small() == 0 ? "" : std::to_string(small()), {std::to_string(small())}, small()));
      c.variants = drafts;
      if (small() == 0)
        c.remove_variants = {s.variants[static_cast<std::size_t>(small()) % s.variants.size()].id};
      auto draw = [&next_id] { return id_of(next_id++); };
      auto edit = product_rules::change(s.product, s.variants, c, store(), draw, later);
      if (!edit)
        continue;
      std::set<storage::ulid> ids;
      std::set<std::string> skus;
      std::set<std::vector<std::string>> values;
      for (const auto& v : edit->variants) {
        RC_ASSERT(ids.insert(v.id).second);
        if (v.removed)
          continue;
        RC_ASSERT(v.sku.empty() || skus.insert(v.sku).second);
        RC_ASSERT(values.insert(v.option_values).second);
      }
      for (const auto& v : s.variants)
        RC_ASSERT(ids.contains(v.id));
      RC_ASSERT(edit->changed == !edit->put.empty());
      RC_ASSERT(edit->product.version == s.product.version + (edit->changed ? 1 : 0));
      s.take(*edit);

      c.remove_variants.clear(); // the same drafts once more
      auto again = product_rules::change(s.product, s.variants, c, store(), draw, later);
      RC_ASSERT(static_cast<bool>(again));
      RC_ASSERT_FALSE(again->changed);
    }
  }));
}
