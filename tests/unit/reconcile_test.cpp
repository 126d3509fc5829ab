#include "actors/payment/reconcile.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::actors;
using namespace std::chrono_literals;
using kind = reconcile_difference::kind;

namespace {

const storage::timestamp midnight{std::chrono::hours{24 * 20'000}};
const auto next_day = midnight + 24h;

storage::ulid id_of(std::uint8_t n) {
  storage::ulid id;
  id.bytes[15] = n;
  return id;
}

storage::order_snapshot paid_order(std::uint8_t n, std::int64_t captured, storage::timestamp at = midnight + 1h) {
  storage::order_snapshot o;
  o.order.id = id_of(n);
  storage::payment_row p;
  p.id = id_of(static_cast<std::uint8_t>(n + 100));
  p.order_id = o.order.id;
  p.provider = "stripe";
  p.provider_reference = "pi_" + std::to_string(n);
  p.amount = p.captured = captured;
  p.currency = "EUR";
  p.created_at = p.updated_at = at;
  o.payments.push_back(p);
  return o;
}

void give_back(storage::order_snapshot& o, std::uint8_t n, std::int64_t amount,
               storage::refund_state state = storage::refund_state::succeeded) {
  storage::refund_row r;
  r.id = id_of(n);
  r.order_id = o.order.id;
  r.payment_id = o.payments.front().id;
  r.amount = amount;
  r.currency = "EUR";
  r.state = state;
  r.provider_reference = "re_" + std::to_string(n);
  r.created_at = r.updated_at = midnight + 2h;
  o.refunds.push_back(r);
}

provider_entry taken(std::uint8_t n, std::int64_t amount, storage::timestamp at = midnight + 1h) {
  provider_entry e;
  e.reference = "pi_" + std::to_string(n);
  e.order_id = id_of(n);
  e.attempt_id = id_of(static_cast<std::uint8_t>(n + 100));
  e.amount = amount;
  e.currency = "EUR";
  e.at = at;
  return e;
}

provider_entry returned(std::uint8_t n, std::uint8_t refund, std::int64_t amount) {
  auto e = taken(n, amount, midnight + 2h);
  e.refund = true;
  e.refund_reference = "re_" + std::to_string(refund);
  return e;
}

reconciliation compare(const std::vector<storage::order_snapshot>& ours, std::vector<provider_entry> theirs) {
  return reconcile("stripe", ours, {true, std::move(theirs)}, midnight, next_day);
}

} // namespace

TEST_CASE("a day that agrees has no differences", "[reconcile]") {
  auto a = paid_order(1, 1'000);
  give_back(a, 50, 300);
  give_back(a, 51, 200, storage::refund_state::failed);
  auto r = compare({a, paid_order(2, 500)}, {taken(1, 1'000), taken(2, 500), returned(1, 50, 300)});
  CHECK(r.payments == 2);
  CHECK(r.refunds == 1);
  CHECK(r.differences.empty());
}

TEST_CASE("each difference has its name", "[reconcile]") {
  auto only = [](const reconciliation& r, kind what, std::int64_t ours, std::int64_t theirs) {
    REQUIRE(r.differences.size() == 1);
    CHECK(r.differences[0].what == what);
    CHECK(r.differences[0].ours == ours);
    CHECK(r.differences[0].theirs == theirs);
  };
  only(compare({paid_order(1, 1'000)}, {}), kind::not_at_provider, 1'000, 0);
  only(compare({}, {taken(1, 1'000)}), kind::not_here, 0, 1'000);
  only(compare({paid_order(1, 1'000)}, {taken(1, 900)}), kind::other_amount, 1'000, 900);
  auto a = paid_order(1, 1'000);
  only(compare({a}, {taken(1, 1'000), returned(1, 50, 300)}), kind::refund_not_here, 0, 300);
  give_back(a, 50, 300);
  only(compare({a}, {taken(1, 1'000)}), kind::refund_not_at_provider, 300, 0);
  only(compare({a}, {taken(1, 1'000), returned(1, 50, 200)}), kind::other_refund, 300, 200);
  // What we took to have failed, and the provider did after all.
  auto b = paid_order(1, 1'000);
  give_back(b, 50, 300, storage::refund_state::failed);
  only(compare({b}, {taken(1, 1'000), returned(1, 50, 300)}), kind::refund_not_here, 0, 300);
}

TEST_CASE("a payment across midnight is judged on the day it moved, once", "[reconcile]") {
  auto late = paid_order(1, 1'000, next_day - 1min); // started today, taken tomorrow
  CHECK(compare({late}, {taken(1, 1'000, next_day + 1min)}).differences.empty());
  auto early = paid_order(2, 1'000, midnight - 1min); // started yesterday, taken today
  auto r = compare({early}, {taken(2, 1'000)});
  CHECK(r.payments == 1);
  CHECK(r.differences.empty());
  CHECK(compare({early}, {}).differences.empty()); // yesterday's business
}

TEST_CASE("payments of other providers and refunds under way are nobody's difference", "[reconcile]") {
  auto manual = paid_order(1, 1'000);
  manual.payments[0].provider = "manual";
  CHECK(compare({manual}, {}).differences.empty());
  auto a = paid_order(2, 1'000);
  give_back(a, 50, 300, storage::refund_state::pending);
  CHECK(compare({a}, {taken(2, 1'000)}).differences.empty());
  CHECK(compare({a}, {taken(2, 1'000), returned(2, 50, 300)}).differences.empty());
}

TEST_CASE("a refund that failed and was tried again is one refund", "[reconcile]") {
  auto a = paid_order(1, 1'000);
  give_back(a, 50, 300, storage::refund_state::failed);
  a.refunds[0].provider_reference.clear();
  give_back(a, 51, 300);
  CHECK(compare({a}, {taken(1, 1'000), returned(1, 51, 300)}).differences.empty());
}
