#include "http/auth/password.hpp"
#include "http/auth/session_cache.hpp"
#include "http/auth/token.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace souk;
using namespace std::chrono_literals;

namespace {

class hand_clock final : public runtime::clock {
public:
  storage::timestamp now() const override { return now_; }
  void pass(std::chrono::microseconds time) { now_ += time; }

private:
  storage::timestamp now_{std::chrono::microseconds{1'700'000'000'000'000}};
};

storage::ulid user_of(std::uint8_t n) {
  storage::ulid out;
  out.bytes[6] = 200;
  out.bytes[15] = n;
  return out;
}

storage::token_hash hash_of(int n) {
  return http::hash_of(std::to_string(n));
}

http::session_identity identity_of(std::uint8_t n, storage::timestamp expires) {
  http::session_identity out;
  out.by.user = user_of(n);
  out.expires_at = expires;
  return out;
}

} // namespace

TEST_CASE("a token names its user and is known by its hash", "[auth]") {
  auto made = http::make_token(user_of(7));
  CHECK(made.text.size() == 75);
  CHECK(made.text.starts_with("souk_" + user_of(7).str() + "_"));
  auto read = http::parse_token(made.text);
  REQUIRE(read);
  CHECK(read->user == user_of(7));
  CHECK(read->hash == made.hash);
  auto other = http::make_token(user_of(7));
  CHECK(other.text != made.text);
  CHECK(other.hash != made.hash);
}

TEST_CASE("the hash of a token is SHA-256", "[auth]") {
  // FIPS 180-2, appendix B.1: "abc"
  const storage::token_hash abc{0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  CHECK(http::hash_of("abc") == abc);
}

TEST_CASE("what is not a token is not taken for one", "[auth]") {
  auto good = http::make_token(user_of(7)).text;
  for (const auto& bad :
       {std::string{}, good.substr(1), good + "A", "Souk" + good.substr(4),
        good.substr(0, 31) + "-" + good.substr(32), good.substr(0, 74) + "=", good.substr(0, 74) + "+",
        good.substr(0, 60) + " " + good.substr(61), "souk_" + std::string(26, '0') + good.substr(31),
        "souk_" + std::string(26, 'U') + good.substr(31)})
    CHECK_FALSE(http::parse_token(bad));
  CHECK(rc::check("any other text", [](const std::string& text) { RC_ASSERT(!http::parse_token(text)); }));
  CHECK(rc::check("a token with one character changed is another token or none", [good] {
    auto at = *rc::gen::inRange<std::size_t>(0, good.size());
    auto changed = good;
    changed[at] = *rc::gen::arbitrary<char>();
    RC_PRE(changed != good);
    if (auto read = http::parse_token(changed))
      RC_ASSERT(read->hash != http::parse_token(good)->hash);
  }));
}

TEST_CASE("the bearer is read from the header", "[auth]") {
  CHECK(http::bearer_in("Bearer abc") == "abc");
  CHECK(http::bearer_in("bearer   abc ") == "abc");
  for (auto bad : {"", "Bearer", "Bearer ", "Bearer    ", "Basic abc", "abc", "Bearerabc"})
    CHECK_FALSE(http::bearer_in(bad));
}

TEST_CASE("a password has 8 to 200 characters", "[auth]") {
  CHECK(http::check_password("1234567")->field == "password");
  CHECK_FALSE(http::check_password("12345678"));
  CHECK_FALSE(http::check_password("öööööööö"));
  CHECK(http::check_password("ööööööö")); // 14 bytes, 7 characters
  CHECK_FALSE(http::check_password(std::string(200, 'a')));
  CHECK(http::check_password(std::string(201, 'a')));
  CHECK(http::check_password("12345678\xFF"));
}

TEST_CASE("a password is told from a wrong one", "[auth]") {
  http::password_hasher hasher{2, 16};
  auto hash = hasher.hash("correct horse");
  REQUIRE(hash);
  CHECK(hash->starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  CHECK(hasher.verify(*hash, "correct horse") == true);
  CHECK(hasher.verify(*hash, "correct hors") == false);
  CHECK(hasher.verify(*hash, "") == false);
  CHECK(hasher.verify("not a hash", "correct horse") == false);
  CHECK(hasher.hash("correct horse") != hash); // salted
}

TEST_CASE("an e-mail that nobody has takes as long as a wrong password", "[auth]") {
  http::password_hasher hasher{1, 16};
  auto hash = hasher.hash("correct horse");
  REQUIRE(hash);
  auto fastest = [](auto what) { // of several: other programs only ever slow it down
    auto best = std::chrono::nanoseconds::max();
    for (int i = 0; i < 7; ++i) {
      auto start = std::chrono::steady_clock::now();
      CHECK(what() == false);
      best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
    }
    return std::chrono::duration<double>(best).count();
  };
  auto wrong = fastest([&] { return hasher.verify(*hash, "wrong horse"); });
  auto nobody = fastest([&] { return hasher.verify_nobody("wrong horse"); });
  CHECK(nobody > wrong * 0.5);
  CHECK(nobody < wrong * 2);
}

TEST_CASE("more log-ins than can wait are turned away, and none of the others is lost", "[auth]") {
  http::password_hasher hasher{1, 2};
  std::atomic<int> done = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 12; ++i)
    callers.emplace_back([&] { ++(hasher.hash("correct horse") ? done : refused); });
  for (auto& c : callers)
    c.join();
  CHECK(done + refused == 12);
  CHECK(done >= 2);
  CHECK(refused >= 1);
}

TEST_CASE("a token is remembered for half a minute, and no longer than its session", "[auth]") {
  hand_clock time;
  http::session_cache cache{1000, time};
  auto miss = cache.find(hash_of(1));
  CHECK_FALSE(miss.known);
  cache.put(hash_of(1), identity_of(1, time.now() + 1h), miss.ticket);
  cache.put(hash_of(2), identity_of(2, time.now() + 10s), cache.find(hash_of(2)).ticket);
  time.pass(9s);
  REQUIRE(cache.find(hash_of(1)).known);
  CHECK(cache.find(hash_of(1)).known->by.user == user_of(1));
  CHECK(cache.find(hash_of(2)).known);
  time.pass(1s);
  CHECK_FALSE(cache.find(hash_of(2)).known);
  time.pass(19'999ms);
  CHECK(cache.find(hash_of(1)).known); // looking does not make it live longer
  time.pass(1ms);
  CHECK_FALSE(cache.find(hash_of(1)).known);
  CHECK(cache.size() == 0);
  cache.put(hash_of(3), identity_of(3, time.now()), cache.find(hash_of(3)).ticket);
  CHECK_FALSE(cache.find(hash_of(3)).known);
}

TEST_CASE("a log-out is seen at once, also by who asked before it", "[auth]") {
  hand_clock time;
  http::session_cache cache{1000, time};
  auto before = cache.find(hash_of(1));
  cache.put(hash_of(1), identity_of(1, time.now() + 1h), before.ticket);
  cache.forget(hash_of(1));
  CHECK_FALSE(cache.find(hash_of(1)).known);
  cache.put(hash_of(1), identity_of(1, time.now() + 1h),
            before.ticket); // the actor had answered before the log-out
  CHECK_FALSE(cache.find(hash_of(1)).known);
  cache.put(hash_of(1), identity_of(1, time.now() + 1h), cache.find(hash_of(1)).ticket);
  CHECK(cache.find(hash_of(1)).known);
}

TEST_CASE("the cache keeps to its size, and what is used stays", "[auth]") {
  hand_clock time;
  http::session_cache cache{160, time};
  cache.put(hash_of(0), identity_of(1, time.now() + 1h), 0);
  for (int i = 1; i < 5000; ++i) {
    cache.put(hash_of(i), identity_of(2, time.now() + 1h), 0);
    REQUIRE(cache.find(hash_of(0)).known);
    REQUIRE(cache.size() <= 160);
  }
  CHECK(cache.size() == 160);
  CHECK_FALSE(cache.find(hash_of(1)).known);
  CHECK(cache.find(hash_of(4999)).known);
}

TEST_CASE("many threads use the cache at once and nobody is taken for somebody else", "[auth]") {
  hand_clock time;
  http::session_cache cache{64, time};
  std::atomic<int> mixed_up = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20'000; ++i) {
        auto n = (i * 7 + t * 13) % 200;
        auto found = cache.find(hash_of(n));
        if (found.known && found.known->by.user != user_of(static_cast<std::uint8_t>(n)))
          ++mixed_up;
        if (!found.known)
          cache.put(hash_of(n), identity_of(static_cast<std::uint8_t>(n), time.now() + 1h), found.ticket);
        if (i % 50 == 0)
          cache.forget(hash_of(n));
      }
    });
  for (auto& t : threads)
    t.join();
  CHECK(mixed_up == 0);
  CHECK(cache.size() <= 64);
}
