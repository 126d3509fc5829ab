#include "storage/doctor_fixture.hpp"

#include "storage/postgres/doctor.hpp"

#include <catch2/catch.hpp>

namespace souk::tests {

using namespace storage;
using std::chrono::seconds;

found failing(const store_under_test& db) {
  found out;
  for (const auto& f : postgres::examine({postgres_url(db)}))
    if (!f.ok) {
      CHECK_FALSE(f.rows.empty());
      out.insert(f.check);
    }
  return out;
}

found found_after(const store_under_test& db, const std::string& damage, const std::string& repair) {
  auto session = postgres_session(postgres_url(db));
  session->execute("SET ROLE souk_writer; " + damage, seconds{5});
  auto out = failing(db);
  session->execute(repair, seconds{5});
  CAPTURE(damage, repair);
  CHECK(failing(db) == found{});
  return out;
}

write_set lasting_checkout(shop& s, order_row& order, std::int64_t quantity) {
  order.subtotal = item_of(order, s.variant, quantity).total;
  order.total = order.subtotal + order.shipping + order.tax;
  auto ws = s.checkout(order, quantity);
  for (auto& m : ws.mutations)
    if (auto* r = std::get_if<insert_reservation>(&m))
      r->row.deadline = s.shard.db.ownership().now() + std::chrono::hours{1};
  return ws;
}

} // namespace souk::tests
