#include "storage/postgres_fixture.hpp"
#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

using namespace souk::storage;
using namespace souk::tests;
using kind = commit_outcome::kind;
using std::chrono::seconds;

namespace {

std::unique_ptr<catalog_reader> open_catalog() {
  return postgres::make_catalog_reader({postgres_url()});
}

product_row add_product(shop& s, const std::string& title, const std::string& category = "") {
  auto p = new_product(s.store.id);
  p.title = title;
  p.category = category;
  p.status = product_status::active;
  auto v = new_variant(p);
  s.shard.write(insert_product{p}, put_variant{v}, level_of(v), moved(v, 7, 0, "initial"));
  return p;
}

std::vector<std::string> titles(const page_of<product_listing>& page) {
  std::vector<std::string> out;
  for (const auto& p : page.rows)
    out.push_back(p.product.product.title);
  return out;
}

using list = std::vector<std::string>;

} // namespace

TEST_CASE("products are paged newest first, by number or by cursor, with variants and levels", "[catalog][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 3);
  for (auto title : {"one", "two", "three", "four", "five"})
    add_product(s, title);
  auto catalog = open_catalog();

  auto first = catalog->products(s.store.id, {}, {1, 2, std::nullopt});
  CHECK(titles(first) == list{"five", "four"});
  CHECK(first.total == 6); // with the shop's own
  CHECK(first.more);
  REQUIRE(first.rows[0].product.variants.size() == 1);
  REQUIRE(first.rows[0].product.levels.size() == 1);
  CHECK(first.rows[0].product.levels[0].on_hand == 7);

  CHECK(titles(catalog->products(s.store.id, {}, {2, 2, std::nullopt})) == list{"three", "two"});
  auto last = catalog->products(s.store.id, {}, {1, 10, first.rows[1].product.product.id});
  CHECK(last.rows.size() == 4);
  CHECK(titles(last)[0] == "three");
  CHECK_FALSE(last.more);
}

TEST_CASE("shoppers see active products only, and can narrow to a category", "[catalog][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 3);
  add_product(s, "mug", "kitchen");
  add_product(s, "lamp", "light");
  auto draft = new_product(s.store.id);
  draft.status = product_status::draft;
  draft.title = "secret";
  draft.category = "kitchen";
  s.shard.write(insert_product{draft});
  auto catalog = open_catalog();

  CHECK(titles(catalog->products(s.store.id, {"", "kitchen", true}, {})) == list{"mug"});
  CHECK(titles(catalog->products(s.store.id, {"", "kitchen", false}, {})) == list{"secret", "mug"});
  CHECK(catalog->products(s.store.id, {"", "kitchen", true}, {}).total == 1);
  CHECK(titles(catalog->products(s.store.id, {"secret", "", true}, {})).empty());
  CHECK(titles(catalog->products(s.store.id, {"secret", "", false}, {})) == list{"secret"});
}

TEST_CASE("a search finds words, their beginnings, SKUs and near misses", "[catalog][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 3);
  auto mug = add_product(s, "Blue Enamel Mug", "kitchen");
  add_product(s, "Green Lamp");
  auto v = new_variant(mug, 2);
  v.sku = "MUG-XL";
  s.shard.write(put_variant{v}, level_of(v));
  auto catalog = open_catalog();
  const auto search = [&](const std::string& text) { return titles(catalog->products(s.store.id, {text, "", true}, {})); };

  CHECK(search("mug") == list{"Blue Enamel Mug"});
  CHECK(search("enam") == list{"Blue Enamel Mug"});
  CHECK(search("blue MUG") == list{"Blue Enamel Mug"});
  CHECK(search("mug-xl") == list{"Blue Enamel Mug"});
  CHECK(search("kitchen") == list{"Blue Enamel Mug"});
  CHECK(search("enammel mug") == list{"Blue Enamel Mug"});
  CHECK(search("green blue").empty());
  CHECK(search("it's :* & | ! ( ' <->").empty());
}

TEST_CASE("a store sees nothing of another store, whatever id it asks for", "[catalog][rls][postgres]") {
  ON_POSTGRES_ONLY;
  shop a(db, 3), b(db, 3);
  auto secret = add_product(b, "secret of b");
  auto user = new_id(9);
  auto order = new_order(b.store.id, user);
  b.shard.write_set(b.checkout(order, 1));
  auto catalog = open_catalog();

  CHECK_FALSE(catalog->product(a.store.id, secret.id).has_value());
  CHECK(catalog->product(b.store.id, secret.id).has_value());
  CHECK(catalog->products(a.store.id, {"secret", "", false}, {}).rows.empty());
  CHECK(catalog->orders(a.store.id, std::nullopt, {}).rows.empty());
  CHECK(catalog->orders_by_id(a.store.id, {order.id}).empty());
  CHECK(catalog->orders_by_id(b.store.id, {order.id}).size() == 1);
  CHECK(catalog->history(a.store.id, b.variant.id, {}).rows.empty());
  CHECK(catalog->levels(a.store.id, {}).rows.size() == 1);
  CHECK(catalog->reviews(a.store.id, secret.id, review_sort::recent, {}).rows.empty());
  CHECK(catalog->store_of_product(secret.id) == b.store.id);
  CHECK_FALSE(catalog->store_of_product(new_id(3)).has_value());
}

TEST_CASE("the reader's role sees no row without a store, one store with it, and writes nothing", "[rls][postgres]") {
  ON_POSTGRES_ONLY;
  shop a(db, 3), b(db, 3);
  auto session = postgres_session();
  session->execute("SET ROLE souk_reader", seconds{5});
  static const postgres::statement count{"count_all", R"(
    SELECT (SELECT count(*) FROM products) + (SELECT count(*) FROM product_variants) + (SELECT count(*) FROM inventory_levels)
           + (SELECT count(*) FROM orders) + (SELECT count(*) FROM stores) + (SELECT count(*) FROM users)
           + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM inventory_history))"};

  CHECK(ask(*session, count).int8(0, 0) == 0);
  session->execute("SELECT set_config('souk.store_id', from_ulid('" + a.store.id.str() + "')::text, false)", seconds{5});
  CHECK(ask(*session, count).int8(0, 0) == 5); // product, variant, level, store, ledger line
  CHECK_THROWS_AS(session->execute("UPDATE products SET title = 'mine'", seconds{5}), storage_error);
  CHECK_THROWS_AS(session->execute("INSERT INTO store_counters (store_id) SELECT id FROM stores", seconds{5}), storage_error);
  CHECK_THROWS_AS(session->execute("SELECT * FROM shards", seconds{5}), storage_error);
}

TEST_CASE("orders are listed newest first, by status, with all their parts", "[catalog][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 50);
  auto user = new_id(9);
  std::vector<order_row> placed;
  for (int i = 0; i < 5; ++i) {
    placed.push_back(new_order(s.store.id, user));
    s.shard.write_set(s.checkout(placed.back(), 2));
  }
  auto paid = placed[1];
  paid.status = order_status::paid;
  s.shard.write(update_order{paid, paid.version}, insert_payment{new_payment(paid)});
  auto catalog = open_catalog();

  auto all = catalog->orders(s.store.id, std::nullopt, {1, 3, std::nullopt});
  REQUIRE(all.rows.size() == 3);
  CHECK(all.total == 5);
  CHECK(all.more);
  CHECK(all.rows[0].order.number == 1005);
  CHECK(all.rows[0].items.size() == 1);
  CHECK(all.rows[0].reservations.size() == 1);
  auto rest = catalog->orders(s.store.id, std::nullopt, {1, 3, all.rows[2].order.id});
  REQUIRE(rest.rows.size() == 2);
  CHECK(rest.rows[0].order.number == 1002);
  CHECK(rest.rows[0].payments.size() == 1);
  auto only_paid = catalog->orders(s.store.id, order_status::paid, {});
  REQUIRE(only_paid.rows.size() == 1);
  CHECK(only_paid.rows[0].order.id == paid.id);
  CHECK(only_paid.total == 1);
}

TEST_CASE("a user's orders and stores are found by the user alone", "[catalog][postgres]") {
  ON_POSTGRES_ONLY;
  owned_shard home(db);
  auto user = new_user(home.id()), other = new_user(home.id());
  std::vector<user_order_row> rows;
  for (int i = 0; i < 3; ++i)
    rows.push_back({user.id, new_id(7), new_id(7), at(i)});
  home.write(insert_user{user}, insert_user{other}, put_user_order{rows[0]}, put_user_order{rows[1]}, put_user_order{rows[2]});
  auto catalog = open_catalog();

  auto page = catalog->orders_of(user.id, {1, 2, std::nullopt});
  CHECK(page.rows == std::vector{rows[2], rows[1]});
  CHECK(page.total == 3);
  CHECK(page.more);
  CHECK(catalog->orders_of(user.id, {1, 2, rows[1].order_id}).rows == std::vector{rows[0]});
  CHECK(catalog->orders_of(other.id, {}).rows.empty());

  shop s(db, 1);
  auto mine = catalog->stores_of(s.store.owner_id);
  REQUIRE_FALSE(mine.rows.empty());
  CHECK(mine.complete);
  CHECK(mine.rows.back().owner_id == s.store.owner_id);
  CHECK(catalog->stores_of(new_id(4)).rows.empty());
}

TEST_CASE("a variant's history shows the figures after every line", "[catalog][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 10);
  s.shard.commit({in_shard(s.shard.id(), moved(s.variant, 0, 4, "reserved")),
                  in_shard(s.shard.id(), moved(s.variant, -4, -4, "sold"))});
  s.shard.write(moved(s.variant, 5, 0, "restocked"));
  auto catalog = open_catalog();

  auto page = catalog->history(s.store.id, s.variant.id, {2, 2, std::nullopt});
  REQUIRE(page.rows.size() == 2);
  CHECK(page.total == 4);
  CHECK(page.rows[0].reason == "sold");
  CHECK(page.rows[0].on_hand_after == 6);
  CHECK(page.rows[0].reserved_after == 0);
  CHECK(page.rows[1].on_hand_after == 11);
}

TEST_CASE("reviews are sorted by time or by helpfulness, and add up to the product's rating", "[catalog][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 10);
  std::vector<review_row> written;
  for (int i = 0; i < 4; ++i) {
    written.push_back(new_review(s.product, new_id(1)));
    written.back().rating = i + 1;
    s.shard.write(insert_review{written.back()});
  }
  for (int i = 0; i < 3; ++i)
    s.shard.write(insert_review_vote{written[1].id, s.product.id, s.store.id, new_id(1)});
  auto catalog = open_catalog();
  const auto order = [](const page_of<review_row>& page) {
    std::vector<std::int32_t> out;
    for (const auto& r : page.rows)
      out.push_back(r.rating);
    return out;
  };

  CHECK(order(catalog->reviews(s.store.id, s.product.id, review_sort::recent, {})) == std::vector{4, 3, 2, 1});
  auto helpful = catalog->reviews(s.store.id, s.product.id, review_sort::helpful, {1, 2, std::nullopt});
  CHECK(order(helpful) == std::vector{2, 4});
  CHECK(helpful.total == 4);
  CHECK(order(catalog->reviews(s.store.id, s.product.id, review_sort::helpful, {1, 9, helpful.rows[1].id})) == std::vector{3, 1});
  auto listed = catalog->product(s.store.id, s.product.id);
  REQUIRE(listed);
  CHECK(listed->rating_count == 4);
  CHECK(listed->rating_sum == 10);
}
