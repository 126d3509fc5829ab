#include "actors/user/account.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>

using namespace souk;
using namespace std::chrono_literals;
using actors::account;
using storage::session_kind;
using storage::timestamp;

namespace {

const timestamp noon{std::chrono::microseconds{1'700'000'000'000'000}};

storage::ulid id_of(std::uint8_t n) {
  storage::ulid out;
  out.bytes[15] = n;
  return out;
}

storage::user_row anna() {
  storage::user_row out;
  out.id = id_of(1);
  out.email = "anna@example.org";
  out.name = "Anna";
  out.password_hash = "$argon2id$…";
  return out;
}

storage::session_row session_of(int n, session_kind kind, timestamp created,
                                std::chrono::seconds life = 3600s) {
  storage::session_row out;
  out.hash[0] = static_cast<std::uint8_t>(n & 255);
  out.hash[1] = static_cast<std::uint8_t>(n >> 8);
  out.user_id = id_of(1);
  out.kind = kind;
  if (kind == session_kind::api) {
    out.store_id = id_of(9);
    out.label = "till";
  }
  out.created_at = created;
  out.expires_at = created + life;
  return out;
}

} // namespace

TEST_CASE("an e-mail address is told from what is none", "[user]") {
  for (auto good :
       {"anna@example.org", "a.b+c@sub.example.co.uk", "o'hara@x-y.de", "müller@example.org", "1@2.3"})
    CHECK(actors::is_email(good));
  for (auto bad : {"", "@", "anna", "anna@", "@example.org", "anna@example", "anna@.org", "anna@example..org",
                   "anna@-example.org", "an na@example.org", ".anna@example.org", "anna.@example.org",
                   "a..b@example.org", "anna@exa_mple.org", "anna@example.org ", "a\n@example.org",
                   "<a@example.org>", "a\xC3@example.org", "a@b@example.org"})
    CHECK_FALSE(actors::is_email(bad));
  CHECK(actors::is_email(std::string(64, 'a') + "@example.org"));
  CHECK_FALSE(actors::is_email(std::string(65, 'a') + "@example.org"));
  CHECK_FALSE(actors::is_email("a@" + std::string(64, 'b') + ".org"));
  std::string labels;
  for (int i = 0; i < 60; ++i)
    labels += "abc.";
  CHECK(actors::is_email("a@" + labels + "org"));
  CHECK_FALSE(actors::is_email("a@" + labels + "abc.abc.abc.org"));
}

TEST_CASE("an e-mail address is kept trimmed and in lower case", "[user]") {
  CHECK(actors::normal_email("  Anna@Example.ORG\t") == "anna@example.org");
  CHECK(rc::check("normal twice is normal once", [](const std::string& text) {
    auto once = actors::normal_email(text);
    RC_ASSERT(actors::normal_email(once) == once);
  }));
}

TEST_CASE("a name has 1 to 200 characters, counted as people do", "[user]") {
  CHECK_FALSE(actors::check_person_name("Zoë"));
  CHECK_FALSE(actors::check_person_name(std::string(200, 'a')));
  CHECK(actors::check_person_name(std::string(201, 'a')));
  CHECK(actors::check_person_name(""));
  CHECK(actors::check_person_name("   "));
  CHECK(actors::check_person_name("a\nb"));
  CHECK(actors::check_person_name("a\xFF"
                                  "b")); // not UTF-8: the database would refuse it with everybody else's rows
  std::string long_name;
  for (int i = 0; i < 200; ++i)
    long_name += "é";
  CHECK_FALSE(actors::check_person_name(long_name));
  CHECK(actors::check_person_name(long_name + "é"));
}

TEST_CASE("who signs up has e-mail, name and password; a guest has none", "[user]") {
  CHECK_FALSE(account::check_new(anna()));
  auto wrong = anna();
  wrong.email = "Anna@example.org"; // not as it is kept: it would miss its own directory entry
  CHECK(account::check_new(wrong)->field == "email");
  wrong = anna();
  wrong.name.clear();
  CHECK(account::check_new(wrong)->field == "name");
  wrong = anna();
  wrong.password_hash.clear();
  CHECK(account::check_new(wrong)->field == "password");
  storage::user_row guest;
  guest.kind = storage::user_kind::guest;
  CHECK_FALSE(account::check_new(guest));
  guest.email = "anna@example.org";
  CHECK(account::check_new(guest));
}

TEST_CASE("sessions fit the user they are opened for", "[user]") {
  account a{{anna(), {}, {}}};
  CHECK_FALSE(a.check_session(session_of(1, session_kind::login, noon), noon));
  CHECK(a.check_session(session_of(1, session_kind::login, noon, 0s), noon)->field == "expires_at");
  CHECK(a.check_session(session_of(1, session_kind::guest, noon), noon)->field == "kind");
  auto token = session_of(1, session_kind::api, noon);
  CHECK_FALSE(a.check_session(token, noon));
  token.label.clear();
  CHECK(a.check_session(token, noon)->field == "label");
  token = session_of(1, session_kind::api, noon);
  token.store_id = {};
  CHECK(a.check_session(token, noon)->field == "store_id");
  auto login = session_of(1, session_kind::login, noon);
  login.store_id = id_of(9);
  CHECK(a.check_session(login, noon)->field == "store_id");
}

TEST_CASE("a session counts until its last moment and not after", "[user]") {
  account a{{anna(), {}, {}}};
  auto s = session_of(1, session_kind::login, noon, 60s);
  a.open(s);
  REQUIRE(a.session(s.hash, noon + 59s) != nullptr);
  CHECK(*a.session(s.hash, noon) == s);
  CHECK(a.session(s.hash, noon + 60s) == nullptr);
  CHECK(a.session(session_of(2, session_kind::login, noon).hash, noon) == nullptr);
  a.close(s.hash);
  CHECK(a.session(s.hash, noon) == nullptr);
}

TEST_CASE("a log-in too many ends the oldest one, never an API token", "[user]") {
  CHECK(rc::check([] {
    account a{{anna(), {}, {}}};
    auto kinds =
      *rc::gen::container<std::vector<bool>>(*rc::gen::inRange(0, 260), rc::gen::arbitrary<bool>());
    int n = 0;
    std::size_t tokens = 0;
    std::vector<storage::session_row> logins;
    for (bool api : kinds) {
      auto at = noon + std::chrono::seconds{n};
      auto s = session_of(n++, api ? session_kind::api : session_kind::login, at, 100h);
      if (api && !a.has_room_for_api_token(at)) {
        RC_ASSERT(tokens == account::api_tokens_max);
        continue;
      }
      for (const auto& hash : a.sessions_to_end(s.kind, at)) {
        RC_ASSERT(!logins.empty());
        RC_ASSERT(hash == logins.front().hash);
        logins.erase(logins.begin());
        a.close(hash);
      }
      a.open(s);
      if (api)
        ++tokens;
      else
        logins.push_back(s);
      RC_ASSERT(logins.size() <= account::sessions_max);
    }
    auto end = noon + std::chrono::seconds{n};
    for (const auto& s : logins)
      RC_ASSERT(a.session(s.hash, end) != nullptr);
    auto list = a.api_tokens(id_of(9), end);
    RC_ASSERT(list.size() == tokens);
    RC_ASSERT(std::is_sorted(list.begin(), list.end(),
                             [](const auto& x, const auto& y) { return x.created_at < y.created_at; }));
    RC_ASSERT(a.api_tokens(id_of(8), end).empty());
  }));
}

TEST_CASE("what has expired goes when something new opens", "[user]") {
  account a{{anna(),
             {session_of(1, session_kind::login, noon, 10s), session_of(2, session_kind::api, noon, 20s),
              session_of(3, session_kind::login, noon, 1h)},
             {}}};
  auto ended = a.sessions_to_end(session_kind::login, noon + 30s);
  std::sort(ended.begin(), ended.end());
  REQUIRE(ended.size() == 2);
  CHECK(ended[0][0] == 1);
  CHECK(ended[1][0] == 2);
}

TEST_CASE("the cart touched last comes first, even when the clock stands still", "[user]") {
  CHECK(rc::check([] {
    account a{{anna(), {}, {}}};
    std::vector<storage::user_cart_row> written;
    auto touches = *rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 6));
    for (int store : touches) {
      auto of = id_of(static_cast<std::uint8_t>(store));
      auto row = a.touched(of, id_of(static_cast<std::uint8_t>(100 + store)), noon);
      for (const auto& w : written)
        RC_ASSERT(w.touched_at < row.touched_at); // else the row would not move forward
      written.push_back(row);
      a.put(row);
      RC_ASSERT(a.is_last_touched(row.store_id, row.cart_id));
      RC_ASSERT(a.has_cart_in(of));
      // One row per store, and in the order in which a reload finds them.
      account again{{anna(), {}, a.carts()}};
      RC_ASSERT(again.carts() == a.carts());
      auto stores = a.carts();
      for (const auto& c : stores)
        RC_ASSERT(
          std::count_if(stores.begin(), stores.end(), [&](const auto& x) { return x.store_id == c.store_id; })
          == 1);
    }
    if (!touches.empty()) {
      auto gone = a.carts().front().store_id;
      a.forget_cart(gone);
      RC_ASSERT(!a.has_cart_in(gone));
    }
  }));
}
