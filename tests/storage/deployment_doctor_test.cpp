// What only all databases together can show.

#include "storage/several_databases.hpp"
#include "storage/shop_rows.hpp"

#include "storage/postgres/deployment.hpp"
#include "storage/postgres/doctor.hpp"
#include "storage/postgres/move_shard.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;

namespace {

using found = std::set<std::string>;

constexpr const char* one_home = "each shard lives in one database";
constexpr const char* has_name = "every user's e-mail and every store's slug is in the directory";
constexpr const char* has_bearer = "every confirmed name of the directory is that of a user or a store";
constexpr const char* has_owner = "every store's owner is a user";
constexpr const char* index_is_right = "a user's list of orders names orders of that user";
constexpr const char* order_is_listed = "an order older than ten minutes is in its user's list";

/// Ada lives in the first database; her store and what she bought there in the second.
struct deployment {
  std::vector<const scratch_database*> made = scratch_databases(2);
  postgres::databases all{urls_of(made)};
  std::unique_ptr<store_under_test> stores[2];
  user_row ada = new_user(4);
  store_row shop = new_store(7);
  product_row product = new_product(shop.id);
  variant_row variant = new_variant(product);
  order_row order = new_order(shop.id, ada.id);

  deployment() {
    postgres::establish_deployment(all);
    for (std::size_t i = 0; i < 2; ++i)
      stores[i] = make_postgres_store_on(made[i]->url());
    shop.owner_id = ada.id;
    order.subtotal = item_of(order, variant, 1).total;
    order.total = order.subtotal + order.shipping + order.tax;
    order.status = order_status::cancelled;
    write(7, insert_store{shop}, insert_product{product}, put_variant{variant}, level_of(variant), moved(variant, 10, 0, "initial"),
          insert_order{order, {item_of(order, variant, 1)}});
    write(4, insert_user{ada}, put_user_order{{ada.id, order.id, shop.id, at()}});
    named(name_kind::email, ada.email, ada.id);
    named(name_kind::slug, shop.slug, shop.id);
  }

  template <class... Mutations>
  void write(shard_id shard, Mutations... m) {
    auto& db = *stores[shard % 2];
    auto held = db.ownership().acquire(new_node(db, "writer"), {shard}, stale_after);
    std::vector all_of_it{in_shard(shard, std::move(m)...)};
    REQUIRE(db.journal().commit(batch_of(held, all_of_it)).what == commit_outcome::kind::committed);
  }
  void named(name_kind kind, const std::string& name, const ulid& id) {
    stores[0]->names().claim(kind, name, id);
    stores[0]->names().confirm(kind, name, id);
  }
  void by_hand(std::size_t database, const std::string& sql) const { made[database]->run("SET ROLE souk_writer; " + sql); }

  found together() const {
    found out;
    for (const auto& f : postgres::examine_together(all))
      if (!f.ok) {
        CHECK_FALSE(f.rows.empty());
        out.insert(f.check);
      }
    return out;
  }
  found each() const {
    found out;
    for (const auto& db : all.all())
      for (const auto& f : postgres::examine(db))
        if (!f.ok) {
          CAPTURE(f.check, f.rows);
          CHECK(f.ok);
          out.insert(f.check);
        }
    return out;
  }
};

} // namespace

TEST_CASE("a deployment whose users and stores lie in different databases is healthy", "[doctor][deployment]") {
  ON_POSTGRES_ONLY;
  deployment d;
  CHECK(d.together().empty());
  CHECK(d.each().empty());
}

TEST_CASE("damage across databases is found", "[doctor][deployment]") {
  ON_POSTGRES_ONLY;
  deployment d;
  SECTION("a name without its bearer") {
    d.named(name_kind::slug, "nobodys-shop", new_id(9));
    CHECK(d.together() == found{has_bearer});
  }
  SECTION("a name that its bearer does not bear") {
    d.by_hand(1, "UPDATE stores SET slug = 'another'");
    CHECK(d.together() == found{has_bearer, has_name});
  }
  SECTION("a user without his name") {
    d.by_hand(0, "DELETE FROM directory_names WHERE kind = 1");
    CHECK(d.together() == found{has_name});
  }
  SECTION("a name that somebody else holds") {
    d.by_hand(0, "UPDATE directory_names SET id = gen_random_uuid(), confirmed = false WHERE kind = 2");
    CHECK(d.together() == found{has_name});
  }
  SECTION("a name that is not confirmed yet is none") {
    d.by_hand(0, "UPDATE directory_names SET confirmed = false");
    d.stores[0]->names().claim(name_kind::slug, "soon", new_id(9));
    CHECK(d.together().empty());
  }
  SECTION("a store of nobody") {
    d.by_hand(1, "UPDATE stores SET owner_id = gen_random_uuid()");
    CHECK(d.together() == found{has_owner});
  }
  SECTION("an order that is listed for nobody") {
    d.by_hand(0, "DELETE FROM user_orders");
    CHECK(d.together() == found{order_is_listed});
    d.by_hand(1, "UPDATE orders SET created_at = clock_timestamp()");
    CHECK(d.together().empty()); // its event may be on the way
  }
  SECTION("a list with an order that is not there") {
    d.write(4, put_user_order{{d.ada.id, new_id_beside(d.shop.id), d.shop.id, at()}});
    CHECK(d.together() == found{index_is_right});
  }
  SECTION("a list with somebody else's order") {
    d.by_hand(1, "UPDATE orders SET user_id = gen_random_uuid()");
    CHECK(d.together() == found{index_is_right});
  }
  SECTION("a shard with two homes, and one with none") {
    d.made[0]->run("UPDATE shards SET residence = 1 WHERE shard = 9; UPDATE shards SET residence = 2 WHERE shard = 10");
    CHECK(d.together() == found{one_home});
  }
}

TEST_CASE("what a moved shard left behind, in pieces, is no damage", "[doctor][deployment]") {
  ON_POSTGRES_ONLY;
  deployment d;
  postgres::move_options options;
  options.told = [&](postgres::move_step step, const std::string&) {
    if (step == postgres::move_step::frozen) {
      CHECK(d.together().empty());
      CHECK(d.each().empty());
    }
    if (step == postgres::move_step::left)
      throw std::runtime_error("the process died");
  };
  CHECK_THROWS(postgres::move_shard(d.all, 7, 0, options));
  d.by_hand(1, "DELETE FROM order_items; DELETE FROM inventory_history; UPDATE orders SET user_id = gen_random_uuid()");
  CHECK(d.together().empty());
  CHECK(d.each().empty());
}
