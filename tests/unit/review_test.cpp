#include "actors/review/review_rules.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::actors;

namespace {

storage::ulid id_of(std::uint8_t n) {
  storage::ulid id;
  id.bytes[15] = n;
  return id;
}

const storage::ulid store_id = id_of(9);
const storage::ulid product_id = id_of(20);
const caller shopper{id_of(1), storage::session_kind::login, {}};

std::optional<storage::product_row> product() {
  storage::product_row row;
  row.id = product_id;
  row.store_id = store_id;
  row.status = storage::product_status::active;
  return row;
}

post_review praise() {
  return {shopper, store_id, "Ada", 5, "Lovely tea.\nWould drink again."};
}

template <class Spoil>
std::string refused_with(Spoil spoil) {
  auto c = praise();
  spoil(c);
  auto no = review_rules::check_post(c, product());
  return no ? no->field : "";
}

} // namespace

TEST_CASE("a shopper reviews a product", "[review]") {
  CHECK_FALSE(review_rules::check_post(praise(), product()));
  storage::timestamp now{std::chrono::seconds{5}};
  auto row = review_rules::make(praise(), id_of(30), product_id, true, now);
  CHECK(row.user_id == shopper.user);
  CHECK(row.product_id == product_id);
  CHECK(row.store_id == store_id);
  CHECK(row.rating == 5);
  CHECK(row.verified);
  CHECK(row.helpful == 0);
  CHECK(row.created_at == now);
}

TEST_CASE("a review that cannot be is refused by its field", "[review]") {
  CHECK(refused_with([](auto& c) { c.rating = 0; }) == "rating");
  CHECK(refused_with([](auto& c) { c.rating = 6; }) == "rating");
  CHECK(refused_with([](auto& c) { c.comment = " \n "; }) == "comment");
  CHECK(refused_with([](auto& c) { c.comment = std::string(5001, 'a'); }) == "comment");
  CHECK(refused_with([](auto& c) { c.comment = std::string(5000, 'a'); }).empty());
  CHECK(refused_with([](auto& c) { c.comment = "\xFF"; }) == "comment");
  CHECK(refused_with([](auto& c) { c.author = ""; }) == "author");
  CHECK(refused_with([](auto& c) { c.author = std::string(101, 'a'); }) == "author");
}

TEST_CASE("reviews are written by people who have signed up", "[review]") {
  auto by = [](caller who) {
    auto c = praise();
    c.by = who;
    auto no = review_rules::check_post(c, product());
    return no ? to_string(no->code) : "yes";
  };
  CHECK(by(shopper) == "yes");
  CHECK(by({}) == "forbidden");
  CHECK(by({shopper.user, storage::session_kind::guest, {}}) == "forbidden");
  CHECK(by({shopper.user, storage::session_kind::api, store_id}) == "forbidden");
}

TEST_CASE("only products that shoppers could see are reviewed", "[review]") {
  auto with = [](auto spoil) {
    auto p = product();
    spoil(p);
    auto no = review_rules::check_post(praise(), p);
    return no ? to_string(no->code) : "yes";
  };
  CHECK(with([](auto& p) { p.reset(); }) == "not_found");
  CHECK(with([](auto& p) { p->store_id = id_of(8); }) == "not_found");
  CHECK(with([](auto& p) { p->status = storage::product_status::draft; }) == "not_found");
  CHECK(with([](auto& p) { p->status = storage::product_status::archived; }) == "yes");
}

TEST_CASE("a vote is for somebody else's review of this product", "[review]") {
  auto review = review_rules::make(praise(), id_of(30), product_id, false, {});
  vote_helpful vote{{id_of(2), storage::session_kind::login, {}}, store_id, review.id};
  CHECK_FALSE(review_rules::check_vote(vote, product_id, review));
  auto code = [&](const vote_helpful& v, const storage::ulid& of, std::optional<storage::review_row> r) {
    return to_string(review_rules::check_vote(v, of, r)->code);
  };
  CHECK(code(vote, product_id, std::nullopt) == "not_found");
  CHECK(code(vote, id_of(21), review) == "not_found");
  auto elsewhere = vote;
  elsewhere.store_id = id_of(8);
  CHECK(code(elsewhere, product_id, review) == "not_found");
  auto own = vote;
  own.by = shopper;
  CHECK(code(own, product_id, review) == "forbidden");
  own.by = {};
  CHECK(code(own, product_id, review) == "forbidden");
  own.by = {id_of(2), storage::session_kind::guest, {}};
  CHECK(code(own, product_id, review) == "forbidden");
}
