#include "storage/migrator.hpp"
#include "storage/postgres/doctor.hpp"
#include "storage/postgres_fixture.hpp"
#include "storage/shop_rows.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace souk::storage;
using namespace souk::tests;
using std::chrono::seconds;

namespace {

std::set<std::string> failing() {
  std::set<std::string> out;
  for (const auto& f : postgres::examine({postgres_url()}))
    if (!f.ok) {
      CHECK_FALSE(f.rows.empty());
      out.insert(f.check);
    }
  return out;
}

/// What the doctor says after a statement by hand that it did not say before; the statement is undone by another.
std::set<std::string> found_after(const std::string& damage, const std::string& repair) {
  const auto before = failing();
  auto session = postgres_session();
  session->execute("SET ROLE souk_writer; " + damage, seconds{5});
  auto out = failing();
  session->execute(repair, seconds{5});
  for (const auto& known : before)
    out.erase(known);
  CHECK(failing() == before);
  return out;
}

} // namespace

TEST_CASE("a shop whose orders are placed, paid and cancelled in order is healthy", "[doctor][postgres]") {
  ON_POSTGRES_ONLY;
  const auto before = failing(); // other cases of this run leave odd shops behind
  shop s(db, 20);
  auto paid = new_order(s.store.id, new_id(1)), cancelled = new_order(s.store.id, new_id(1)), open = new_order(s.store.id, new_id(1));
  for (const auto& o : {paid, cancelled, open}) {
    auto ws = s.checkout(o, 2);
    for (auto& m : ws.mutations)
      if (auto* r = std::get_if<insert_reservation>(&m))
        r->row.deadline = db.ownership().now() + std::chrono::hours{1};
    s.shard.write_set(ws);
  }
  paid.status = order_status::paid;
  paid.payment = payment_status::completed;
  auto payment = new_payment(paid);
  payment.state = attempt_state::succeeded;
  s.shard.write(update_order{paid, paid.version}, insert_payment{payment}, all_reservations(paid, reservation_state::claimed),
                moved(s.variant, -2, -2, "sold"));
  cancelled.status = order_status::cancelled;
  s.shard.write(update_order{cancelled, cancelled.version}, all_reservations(cancelled, reservation_state::released),
                moved(s.variant, 0, -2, "released"));

  CHECK(failing() == before);
}

TEST_CASE("every check of the doctor finds the damage it is about", "[doctor][postgres]") {
  ON_POSTGRES_ONLY;
  shop s(db, 20);
  auto order = new_order(s.store.id, new_id(1));
  auto ws = s.checkout(order, 2);
  for (auto& m : ws.mutations)
    if (auto* r = std::get_if<insert_reservation>(&m))
      r->row.deadline = db.ownership().now() + std::chrono::hours{1};
  s.shard.write_set(ws);
  const auto id = "from_ulid('" + order.id.str() + "')";
  const auto variant = "from_ulid('" + s.variant.id.str() + "')";
  const auto store = "from_ulid('" + s.store.id.str() + "')";
  const auto shard = std::to_string(s.shard.id());

  CHECK(found_after("UPDATE inventory_levels SET reserved = reserved + 1 WHERE variant_id = " + variant,
                    "UPDATE inventory_levels SET reserved = reserved - 1 WHERE variant_id = " + variant)
        == std::set<std::string>{"reserved is the sum of a variant's open reservations",
                                 "on hand and reserved are the sums of the ledger"});
  CHECK(found_after("UPDATE reservations SET deadline = 'epoch' WHERE order_id = " + id,
                    "UPDATE reservations SET deadline = now() + interval '1 hour' WHERE order_id = " + id)
        == std::set<std::string>{"no reservation is held past its deadline by more than 10 seconds"});
  CHECK(found_after("UPDATE orders SET status = 2 WHERE id = " + id, "UPDATE orders SET status = 1 WHERE id = " + id)
        == std::set<std::string>{"an order that is paid, shipped or delivered has its money, and it is the order's total",
                                 "an order's reservations are claimed if and only if it was paid"});
  CHECK(found_after("UPDATE orders SET status = 5 WHERE id = " + id, "UPDATE orders SET status = 1 WHERE id = " + id)
        == std::set<std::string>{"a cancelled or refunded order holds no stock"});
  CHECK(found_after("UPDATE store_counters SET next_order_number = next_order_number + 1 WHERE store_id = " + store,
                    "UPDATE store_counters SET next_order_number = next_order_number - 1 WHERE store_id = " + store)
        == std::set<std::string>{"a store's order numbers start at 1001 and have no gaps"});
  CHECK(found_after("INSERT INTO outbox SELECT " + shard + ", 1000000000, 0, NULL, 'x', " + id + ", '{}', now()",
                    "DELETE FROM outbox WHERE seq = 1000000000")
        == std::set<std::string>{"events and ledger lines are no further than their shard"});
  CHECK(found_after("INSERT INTO outbox_cursors VALUES ('doctor-test', " + shard + ", 1000000000, 0)",
                    "DELETE FROM outbox_cursors WHERE consumer = 'doctor-test'")
        == std::set<std::string>{"no consumer is ahead of the events"});
  // A second store's hand in the first one's order.
  shop other(db, 1);
  CHECK(found_after("UPDATE order_items SET store_id = from_ulid('" + other.store.id.str() + "') WHERE order_id = " + id,
                    "UPDATE order_items SET store_id = " + store + " WHERE order_id = " + id)
        == std::set<std::string>{"every row of a store lies in the store's shard",
                                 "every row belongs to the same store as what it refers to"});
}

TEST_CASE("a migration that was edited after it ran is refused, and running again applies nothing", "[migrations][postgres]") {
  ON_POSTGRES_ONLY;
  CHECK(db.name() == "PostgreSQL");
  CHECK(migrate(postgres_url()).applied.empty());
  auto session = postgres_session();
  session->execute("UPDATE schema_migrations SET checksum = 'x' || checksum WHERE number = 2", seconds{5});
  CHECK_THROWS_AS(migrate(postgres_url()), storage_error);
  session->execute("UPDATE schema_migrations SET checksum = substr(checksum, 2) WHERE number = 2", seconds{5});
  session->execute("INSERT INTO schema_migrations (number, name, checksum) VALUES (999, '0999_later.sql', '')", seconds{5});
  CHECK_THROWS_AS(migrate(postgres_url()), storage_error);
  session->execute("DELETE FROM schema_migrations WHERE number = 999", seconds{5});
  CHECK(migrate(postgres_url()).applied.empty());
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
