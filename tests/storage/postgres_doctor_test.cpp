#include "storage/doctor_fixture.hpp"
#include "storage/migrator.hpp"

#include <catch2/catch.hpp>

using namespace souk::storage;
using namespace souk::tests;
using std::chrono::seconds;

TEST_CASE("a shop whose orders are placed, paid and cancelled in order is healthy", "[doctor][postgres]") {
  ON_POSTGRES_ONLY;
  const auto fresh = make_fresh_postgres_store();
  shop s(*fresh, 20);
  auto paid = new_order(s.store.id, new_id(1)), cancelled = new_order(s.store.id, new_id(1)),
       open = new_order(s.store.id, new_id(1));
  for (auto* o : {&paid, &cancelled, &open})
    s.shard.write_set(lasting_checkout(s, *o, 2));
  paid.status = order_status::paid;
  paid.payment = payment_status::completed;
  auto payment = new_payment(paid);
  payment.state = attempt_state::succeeded;
  payment.captured = payment.amount;
  s.shard.write(update_order{paid, paid.version}, insert_payment{payment}, all_reservations(paid, reservation_state::claimed),
                moved(s.variant, -2, -2, "sold"));
  cancelled.status = order_status::cancelled;
  s.shard.write(update_order{cancelled, cancelled.version}, all_reservations(cancelled, reservation_state::released),
                moved(s.variant, 0, -2, "released"));

  CHECK(failing(*fresh) == found{});
}

TEST_CASE("the doctor finds each damage, and what follows from it", "[doctor][postgres]") {
  ON_POSTGRES_ONLY;
  const auto fresh = make_fresh_postgres_store();
  shop s(*fresh, 20);
  auto order = new_order(s.store.id, new_id(1));
  s.shard.write_set(lasting_checkout(s, order, 2));
  shop other(*fresh, 1);
  REQUIRE(failing(*fresh) == found{});
  const auto after = [&](const std::string& damage, const std::string& repair) { return found_after(*fresh, damage, repair); };
  const auto id = "from_ulid('" + order.id.str() + "')";
  const auto variant = "from_ulid('" + s.variant.id.str() + "')";
  const auto store = "from_ulid('" + s.store.id.str() + "')";
  const auto shard = std::to_string(s.shard.id());

  CHECK(after("UPDATE inventory_levels SET reserved = reserved + 1 WHERE variant_id = " + variant,
              "UPDATE inventory_levels SET reserved = reserved - 1 WHERE variant_id = " + variant)
        == found{"reserved is the sum of a variant's open reservations", "on hand and reserved are the sums of the ledger"});
  CHECK(after("UPDATE reservations SET deadline = 'epoch' WHERE order_id = " + id,
              "UPDATE reservations SET deadline = now() + interval '1 hour' WHERE order_id = " + id)
        == found{"no reservation is held past its deadline by more than 10 seconds"});
  CHECK(after("UPDATE orders SET status = 2 WHERE id = " + id, "UPDATE orders SET status = 1 WHERE id = " + id)
        == found{"an order that is paid, shipped or delivered has its money, and it is the order's total",
                 "an order's reservations are claimed if and only if it was paid"});
  CHECK(after("UPDATE orders SET status = 5 WHERE id = " + id, "UPDATE orders SET status = 1 WHERE id = " + id)
        == found{"a cancelled or refunded order holds no stock"});
  CHECK(after("UPDATE store_counters SET next_order_number = next_order_number + 1 WHERE store_id = " + store,
              "UPDATE store_counters SET next_order_number = next_order_number - 1 WHERE store_id = " + store)
        == found{"a store's order numbers start at 1001 and have no gaps"});
  CHECK(after("INSERT INTO outbox SELECT " + shard + ", 1000000000, 0, NULL, 'x', " + id + ", '{}', now()",
              "DELETE FROM outbox WHERE seq = 1000000000")
        == found{"events and ledger lines are no further than their shard"});
  CHECK(after("UPDATE outbox SET n = n + 7 WHERE subject = " + id, "UPDATE outbox SET n = n - 7 WHERE subject = " + id)
        == found{"the events of a commit are numbered without gaps"});
  CHECK(after("INSERT INTO outbox_cursors VALUES ('late', " + shard + ", 1000000000, 0)", "DELETE FROM outbox_cursors")
        == found{"no consumer is ahead of the events"});
  CHECK(after("INSERT INTO payments SELECT gen.id, o.id, o.store_id, 'p', 't', o.total, o.currency, 4, '', '', '', now(), now(), o.total "
              "FROM orders o, (VALUES (from_ulid('"
                + new_id_beside(order.id).str() + "')), (from_ulid('" + new_id_beside(order.id).str() + "'))) gen(id) WHERE o.id = "
                + id,
              "DELETE FROM payments")
        == found{"an order is paid at most once",
                 "money that was taken belongs to an order that is paid, shipped, delivered or refunded",
                 "what an order's payments are worth together is its total"});
  CHECK(after("UPDATE shards SET residence = 4, owner = NULL WHERE shard = " + shard,
              "UPDATE shards SET residence = 1 WHERE shard = " + shard)
        == found{"no shard is quarantined"});
  CHECK(after("UPDATE shards SET residence = 2 WHERE shard = " + shard, "UPDATE shards SET residence = 1 WHERE shard = " + shard)
        == found{});
  CHECK(after("UPDATE shards SET residence = 2, owner = " + id + " WHERE shard = " + shard,
              "UPDATE shards SET residence = 1 WHERE shard = " + shard)
        == found{"a shard that is elsewhere or quarantined has no owner"});
  // A second store's hand in the first one's order.
  CHECK(after("UPDATE order_items SET store_id = from_ulid('" + other.store.id.str() + "') WHERE order_id = " + id,
              "UPDATE order_items SET store_id = " + store + " WHERE order_id = " + id)
        == found{"every row of a store lies in the store's shard", "every row belongs to the same store as what it refers to"});
}

TEST_CASE("a migration that was edited after it ran is refused, and running again applies nothing", "[migrations][postgres]") {
  ON_POSTGRES_ONLY;
  CHECK(db.name() == "PostgreSQL");
  CHECK(migrate(postgres_url()).applied.empty());
  auto session = postgres_session();
  session->execute("UPDATE schema_migrations SET checksum = 'x' || checksum WHERE number = 2", seconds{5});
  CHECK_THROWS_AS(migrate(postgres_url()), storage_error);
  session->execute("UPDATE schema_migrations SET checksum = substr(checksum, 2) WHERE number = 2", seconds{5});
  CHECK(migrate(postgres_url()).applied.empty());
}

TEST_CASE("a later release's schema is worked with unless it asks for a later program", "[migrations][postgres]") {
  ON_POSTGRES_ONLY;
  CHECK(db.name() == "PostgreSQL");
  const auto ours = static_cast<int>(all_migrations().size());
  CHECK(check_schema(postgres_url()) == ours);
  auto session = postgres_session();
  session->execute("INSERT INTO schema_migrations (number, name, checksum) VALUES (999, '0999_later.sql', '')", seconds{5});
  CHECK(check_schema(postgres_url()) == 999);
  CHECK(migrate(postgres_url()).version == 999);
  CHECK(migrate(postgres_url()).applied.empty());

  session->execute("UPDATE schema_migrations SET oldest_program = 999 WHERE number = 999", seconds{5});
  CHECK_THROWS_AS(check_schema(postgres_url()), storage_error);
  CHECK_THROWS_AS(migrate(postgres_url()), storage_error);
  session->execute("DELETE FROM schema_migrations WHERE number = 999", seconds{5});

  session->execute("UPDATE schema_migrations SET number = -1 WHERE number = " + std::to_string(ours), seconds{5});
  CHECK_THROWS_WITH(check_schema(postgres_url()), Catch::Contains("run `soukd migrate`"));
  session->execute("UPDATE schema_migrations SET number = " + std::to_string(ours) + " WHERE number = -1", seconds{5});
  CHECK(check_schema(postgres_url()) == ours);
}

TEST_CASE("psql shows ids as the API does, and reads them back", "[migrations][postgres]") {
  ON_POSTGRES_ONLY;
  auto session = postgres_session();
  static const postgres::statement both{"ulid_both", "SELECT ulid($1::uuid), from_ulid($2::text), shard_of($1::uuid)"};
  for (int i = 0; i < 20; ++i) {
    auto id = new_id(static_cast<shard_id>(i * 13));
    id.bytes[0] = static_cast<std::uint8_t>(i * 12);
    auto r = session->read(both, postgres::parameters::of(id, id.str()));
    CHECK(r.text(0, 0) == id.str());
    CHECK(r.id(0, 1) == id);
    CHECK(r.int4(0, 2) == id.shard());
  }
  CHECK(db.name() == "PostgreSQL");
}
