#include "unit/small_shop.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using namespace souk::actors;
using namespace std::chrono_literals;
using runtime::delivery;
using tests::small_shop;

namespace {

storage::session_row session_of(const storage::ulid& user, int n, storage::timestamp expires,
                                storage::session_kind kind = storage::session_kind::login) {
  storage::session_row out;
  out.hash[0] = static_cast<std::uint8_t>(n & 255);
  out.hash[1] = static_cast<std::uint8_t>(n >> 8);
  out.user_id = user;
  out.kind = kind;
  out.expires_at = expires;
  return out;
}

sign_up sign_up_of(const storage::ulid& id, storage::timestamp expires) {
  sign_up out;
  out.user.id = id;
  out.user.email = "anna@example.org";
  out.user.name = "Anna";
  out.user.password_hash = "$argon2id$…";
  out.session = session_of(id, 1, expires);
  return out;
}

caller login_of(const storage::ulid& user) {
  return {user, storage::session_kind::login, {}};
}

} // namespace

TEST_CASE("who signs up is there, after a restart as well", "[user]") {
  small_shop shop;
  auto id = shop.new_user_id();
  auto command = sign_up_of(id, shop.now() + 1h);
  auto view = shop.ask<user_view>(user_at(id), command, delivery::create);
  REQUIRE(view.value);
  CHECK(view.value->user.email == "anna@example.org");
  CHECK(view.value->user.password_hash.empty());
  CHECK(shop.rows().users.at(id).created_at == shop.now());
  for (int life = 0; life < 2; ++life) {
    auto session = shop.ask<storage::session_row>(user_at(id), authenticate{command.session.hash});
    REQUIRE(session.value);
    CHECK(session.value->user_id == id);
    CHECK(shop.ask<std::string>(user_at(id), get_credentials{}).value == "$argon2id$…");
    CHECK(shop.ask<user_view>(user_at(id), get_user{login_of(id)}).value->user.name == "Anna");
    CHECK(shop.ask<user_view>(user_at(id), get_user{login_of(shop.store())}).why == errc::not_found);
    CHECK(shop.ask<user_view>(user_at(id), get_user{{id, storage::session_kind::api, shop.store()}}).why
          == errc::not_found);
    shop.kill(user_at(id));
    shop.run();
  }
  CHECK(shop.ask<user_view>(user_at(id), command).value); // the answer had been lost
  command.session.hash[5] = 9;
  CHECK(shop.ask<user_view>(user_at(id), command).why == errc::forbidden);
  shop.pass(1h);
  CHECK(shop.ask<storage::session_row>(user_at(id), authenticate{sign_up_of(id, {}).session.hash}).why
        == errc::bad_credentials);
}

TEST_CASE("nobody signs up with what cannot be kept", "[user]") {
  small_shop shop;
  auto id = shop.new_user_id();
  auto command = sign_up_of(id, shop.now() + 1h);
  command.user.email = "anna";
  auto answer = shop.ask<user_view>(user_at(id), command, delivery::create);
  CHECK(answer.why == errc::invalid);
  CHECK(problem_of(answer.why).field == "email");
  CHECK_FALSE(shop.is_active(user_at(id))); // nothing is left behind
  CHECK(shop.rows().users.empty());
  CHECK(shop.ask<user_view>(user_at(id), get_user{login_of(id)}).why == errc::not_found);
  CHECK(shop.ask<storage::session_row>(user_at(id), authenticate{command.session.hash}).why
        == errc::bad_credentials);
  CHECK(shop.ask<bool>(user_at(id), note_cart{shop.store(), shop.store()}).why == errc::not_found);
}

TEST_CASE("a session counts only when it is durable, and ends for good", "[user]") {
  small_shop shop;
  auto id = shop.add_user();
  auto session = session_of(id, 5, shop.now() + 1h);
  shop.hold_writes();
  auto opening = shop.send<user_view>(user_at(id), open_session{session});
  auto early = shop.ask<storage::session_row>(user_at(id), authenticate{session.hash});
  CHECK(early.why == errc::bad_credentials);
  CHECK_FALSE(opening->there());
  shop.release_writes();
  REQUIRE(opening->value);
  CHECK(shop.ask<storage::session_row>(user_at(id), authenticate{session.hash}).value);
  CHECK(shop.ask<bool>(user_at(id), close_session{login_of(shop.store()), session.hash}).why
        == errc::not_found);
  CHECK(shop.ask<bool>(user_at(id), close_session{login_of(id), session.hash}).value == true);
  CHECK(shop.ask<bool>(user_at(id), close_session{login_of(id), session.hash}).value == false);
  CHECK(shop.ask<storage::session_row>(user_at(id), authenticate{session.hash}).why == errc::bad_credentials);
  CHECK(shop.rows().sessions.empty());
}

TEST_CASE("log-ins beyond the hundredth end the oldest, in the rows too", "[user]") {
  small_shop shop;
  auto id = shop.add_user();
  auto token = session_of(id, 500, shop.now() + 1000h, storage::session_kind::api);
  token.store_id = shop.store();
  token.label = "till";
  REQUIRE(shop.ask<user_view>(user_at(id), open_session{token}).value);
  for (int n = 0; n < 103; ++n) {
    REQUIRE(shop.ask<user_view>(user_at(id), open_session{session_of(id, n, shop.now() + 1000h)}).value);
    shop.pass(1s);
  }
  auto rows = shop.rows();
  CHECK(rows.sessions.size() == 101);
  CHECK_FALSE(rows.sessions.contains(session_of(id, 2, {}).hash));
  CHECK(rows.sessions.contains(session_of(id, 3, {}).hash));
  auto tokens =
    shop.ask<std::vector<storage::session_row>>(user_at(id), list_api_tokens{login_of(id), shop.store()});
  REQUIRE(tokens.value);
  REQUIRE(tokens.value->size() == 1);
  CHECK(tokens.value->front().label == "till");
}

TEST_CASE("commands that come together wait in order, and too many are turned away", "[user]") {
  small_shop shop;
  auto id = shop.add_user();
  REQUIRE(shop.ask<user_view>(user_at(id), get_user{login_of(id)}).value);
  shop.hold_writes();
  std::vector<std::shared_ptr<tests::reply<user_view>>> replies;
  for (int n = 0; n < 70; ++n) {
    replies.push_back(shop.send<user_view>(user_at(id), open_session{session_of(id, n, shop.now() + 1h)}));
    shop.run();
  }
  int turned_away = 0;
  for (const auto& r : replies)
    turned_away += r->why == runtime::errc::overloaded;
  CHECK(turned_away == 5); // one is being written, 64 wait
  shop.pass(1000s);        // far beyond the idle time: what is under way keeps the actor
  CHECK(shop.is_active(user_at(id)));
  shop.release_writes();
  int done = 0;
  for (const auto& r : replies)
    done += r->value.has_value();
  CHECK(done == 65);
  CHECK(shop.rows().sessions.size() == 65);
  shop.pass(1000s);
  CHECK_FALSE(shop.is_active(user_at(id)));
}

TEST_CASE("the cart touched last is the first, after a restart too", "[user]") {
  small_shop shop;
  auto id = shop.add_user();
  auto a = shop.new_user_id(); // any ids do
  auto b = shop.new_user_id();
  CHECK(shop.ask<bool>(user_at(id), note_cart{a, a}).value);
  CHECK(shop.ask<bool>(user_at(id), note_cart{b, b}).value);
  CHECK(shop.ask<bool>(user_at(id), note_cart{a, a}).value); // in the same microsecond
  for (int life = 0; life < 2; ++life) {
    auto carts = shop.ask<user_view>(user_at(id), get_user{login_of(id)}).value->carts;
    REQUIRE(carts.size() == 2);
    CHECK(carts[0].cart_id == a);
    CHECK(carts[1].cart_id == b);
    shop.kill(user_at(id));
    shop.run();
  }
  shop.hold_writes();
  auto again = shop.ask<bool>(user_at(id), note_cart{a, a});
  CHECK(again.value); // it is the last one already: nothing to write
  shop.release_writes();
  CHECK(shop.ask<bool>(user_at(id), forget_cart{a}).value == true);
  CHECK(shop.ask<bool>(user_at(id), forget_cart{a}).value == false);
  CHECK(shop.rows().user_carts.size() == 1);
}

TEST_CASE("a forgotten password is replaced once, and every log-in ends", "[user]") {
  small_shop shop;
  auto id = shop.new_user_id();
  auto command = sign_up_of(id, shop.now() + 10h);
  REQUIRE(shop.ask<user_view>(user_at(id), command, delivery::create).value);
  auto till = session_of(id, 2, shop.now() + 10h, storage::session_kind::api);
  till.store_id = shop.store();
  till.label = "till";
  REQUIRE(shop.ask<user_view>(user_at(id), open_session{till}).value);

  // A link is mailed, and not again and again.
  auto mails = [&] {
    int n = 0;
    auto rows = shop.rows();
    for (const auto& e : rows.outbox[id.shard()])
      n += e.event.topic == "user.password_reset";
    return n;
  };
  CHECK(shop.ask<bool>(user_at(id), ask_password_reset{"de"}).value == true);
  CHECK(shop.ask<bool>(user_at(id), ask_password_reset{"de"}).value == false);
  CHECK(mails() == 1);
  shop.pass(61s);
  CHECK(shop.ask<bool>(user_at(id), ask_password_reset{"de"}).value == true);
  CHECK(mails() == 2);

  using ended = std::vector<storage::session_row>;
  CHECK(shop.ask<ended>(user_at(id), reset_password{"another", "$new"}).why == errc::bad_credentials);
  auto done = shop.ask<ended>(user_at(id), reset_password{command.user.password_hash, "$new"});
  REQUIRE(done.value);
  CHECK(done.value->size() == 1);
  CHECK(shop.ask<ended>(user_at(id), reset_password{command.user.password_hash, "$newer"}).why == errc::bad_credentials);
  for (int life = 0; life < 2; ++life) {
    CHECK(shop.ask<std::string>(user_at(id), get_credentials{}).value == "$new");
    CHECK(shop.ask<storage::session_row>(user_at(id), authenticate{command.session.hash}).why == errc::bad_credentials);
    CHECK(shop.ask<storage::session_row>(user_at(id), authenticate{till.hash}).value);
    shop.kill(user_at(id));
    shop.run();
  }
  auto guest = shop.add_user(storage::user_kind::guest);
  CHECK(shop.ask<bool>(user_at(guest), ask_password_reset{}).why == errc::not_found);
  CHECK(shop.ask<ended>(user_at(guest), reset_password{"", "$new"}).why == errc::bad_credentials);
}

TEST_CASE("an order is noted once", "[user]") {
  small_shop shop;
  auto id = shop.add_user();
  auto order = shop.new_user_id();
  for (int i = 0; i < 2; ++i)
    CHECK(shop.ask<bool>(user_at(id), note_order{order, shop.store(), shop.now()}).value);
  CHECK(shop.rows().user_orders.size() == 1);
  CHECK(shop.ask<bool>(user_at(shop.new_user_id()), note_order{order, shop.store(), shop.now()}).why
        == errc::not_found);
}

TEST_CASE("a user whose rows were changed behind its back starts again from them", "[user]") {
  small_shop shop;
  auto id = shop.add_user();
  REQUIRE(shop.ask<user_view>(user_at(id), get_user{login_of(id)}).value);
  auto taken = session_of(id, 1, shop.now() + 1h);
  shop.db().enter()->sessions.emplace(taken.hash, taken);
  auto answer = shop.ask<user_view>(user_at(id), open_session{taken});
  CHECK(answer.why == runtime::errc::restarted);
  CHECK(shop.ask<storage::session_row>(user_at(id), authenticate{taken.hash}).value);
}

TEST_CASE("whoever waits for a user that dies hears of it", "[user]") {
  small_shop shop;
  auto id = shop.add_user();
  REQUIRE(shop.ask<user_view>(user_at(id), get_user{login_of(id)}).value);
  shop.hold_writes();
  auto writing = shop.send<user_view>(user_at(id), open_session{session_of(id, 1, shop.now() + 1h)});
  auto waiting = shop.send<user_view>(user_at(id), open_session{session_of(id, 2, shop.now() + 1h)});
  shop.run();
  shop.kill(user_at(id));
  shop.run();
  CHECK(waiting->there());
  CHECK(writing->there());
  shop.release_writes();
  // Whether it was written is for the rows to say; they do.
  auto known = shop.ask<storage::session_row>(user_at(id), authenticate{session_of(id, 1, {}).hash});
  CHECK(known.value.has_value() == shop.rows().sessions.contains(session_of(id, 1, {}).hash));
  CHECK_FALSE(shop.rows().sessions.contains(session_of(id, 2, {}).hash));
}
