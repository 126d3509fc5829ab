#include "integrations/provider_http/card_numbers.hpp"
#include "integrations/provider_http/circuit_breaker.hpp"
#include "integrations/provider_http/http_client.hpp"
#include "integrations/provider_http/json_fields.hpp"
#include "integrations/provider_http/token_buckets.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace souk::integrations;

namespace {

/// Times of a test: any, as long as they are the same in every run.
const token_buckets::clock::time_point start{1000h};

} // namespace

TEST_CASE("a bucket gives a burst and then its rate", "[provider_http]") {
  token_buckets buckets{2, 3};
  for (int i = 0; i < 3; ++i)
    CHECK(buckets.take("a", start));
  CHECK_FALSE(buckets.take("a", start));
  CHECK_FALSE(buckets.take("a", start + 499ms));
  CHECK(buckets.take("a", start + 500ms));
  CHECK_FALSE(buckets.take("a", start + 501ms));
  SECTION("and holds no more than a burst however long nobody calls") {
    for (int i = 0; i < 3; ++i)
      CHECK(buckets.take("a", start + 1h));
    CHECK_FALSE(buckets.take("a", start + 1h));
  }
  SECTION("and is of one account") {
    CHECK(buckets.take("b", start));
  }
  SECTION("and takes no harm from a clock that was read earlier") {
    CHECK_FALSE(buckets.take("a", start - 1h));
    CHECK_FALSE(buckets.take("a", start + 502ms));
  }
}

TEST_CASE("a bucket that is held back gives nothing until then", "[provider_http]") {
  token_buckets buckets{100, 100};
  CHECK(buckets.take("a", start));
  buckets.hold_back("a", start + 2s);
  buckets.hold_back("a", start + 1s); // an earlier end changes nothing
  CHECK_FALSE(buckets.take("a", start + 1999ms));
  CHECK(buckets.take("b", start + 1s));
  CHECK(buckets.take("a", start + 2s));
}

TEST_CASE("buckets of many accounts are forgotten when they say nothing", "[provider_http]") {
  token_buckets buckets{1, 1};
  CHECK(buckets.take("kept", start + 10s));
  for (int i = 0; i < 20'000; ++i)
    CHECK(buckets.take(std::to_string(i), start + 10s));
  CHECK_FALSE(buckets.take("kept", start + 10s)); // it is not full, so it is remembered
  for (int i = 0; i < 20'000; ++i)
    CHECK(buckets.take("later " + std::to_string(i), start + 20s));
  CHECK(buckets.take("kept", start + 20s));
}

TEST_CASE("threads share a bucket's tokens", "[provider_http]") {
  token_buckets buckets{1, 100};
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        taken += buckets.take("a", start) ? 1 : 0;
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(taken == 100);
}

TEST_CASE("a breaker opens after failures in a row", "[provider_http]") {
  circuit_breaker breaker{3, 10s, 5s};
  CHECK(breaker.admits(start));
  CHECK_FALSE(breaker.failed(start));
  CHECK_FALSE(breaker.failed(start));
  SECTION("but not when one succeeds between them") {
    breaker.succeeded();
    CHECK_FALSE(breaker.failed(start));
    CHECK_FALSE(breaker.failed(start));
    CHECK(breaker.admits(start));
  }
  SECTION("but not when they are far apart") {
    CHECK_FALSE(breaker.failed(start + 11s));
    CHECK(breaker.admits(start + 11s));
  }
  SECTION("and lets one call through after a pause") {
    CHECK(breaker.failed(start)); // says so once
    CHECK_FALSE(breaker.failed(start));
    CHECK(breaker.open());
    CHECK_FALSE(breaker.admits(start + 4999ms));
    CHECK(breaker.admits(start + 5s));
    CHECK_FALSE(breaker.admits(start + 5s)); // one
    SECTION("which closes it") {
      breaker.succeeded();
      CHECK(breaker.admits(start + 5s));
      CHECK_FALSE(breaker.failed(start + 5s)); // and counting begins anew
      CHECK(breaker.admits(start + 5s));
    }
    SECTION("or opens it again") {
      CHECK_FALSE(breaker.failed(start + 6s));
      CHECK_FALSE(breaker.admits(start + 10s));
      CHECK(breaker.admits(start + 11s));
    }
    SECTION("and another one when nobody hears of the first") {
      CHECK_FALSE(breaker.admits(start + 9s));
      CHECK(breaker.admits(start + 10s));
    }
  }
}

TEST_CASE("a card's number is seen wherever it stands", "[provider_http]") {
  for (const char* text : {"4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "my card is 378282246310005, thanks",
                           "6011000990139424\n", "x5555555555554444y", "4222222222222"})
    CHECK(holds_card_number(text));
  for (const char* text : {"", "4242424242424241", "pm_1NabcdefghijklmnopQRSTUV", "+49 731 1234567", "424242424242", "42424242424242424242",
                           "4242  4242 4242 4242", "01HZX3YV9QK5T7J8M2N4P6R8S0"})
    CHECK_FALSE(holds_card_number(text));
  CHECK(without_card_numbers("1 Main St") == "1 Main St");
  CHECK(without_card_numbers("4242424242424242").empty());
}

TEST_CASE("texts are encoded for addresses", "[provider_http]") {
  CHECK(percent_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encoded("a b&c=/?#\xC3\xA4\r\n") == "a%20b%26c%3D%2F%3F%23%C3%A4%0D%0A");
}

TEST_CASE("what a provider answers is read without surprises", "[provider_http]") {
  auto object = parsed(R"({"a": {"b": "text", "n": 7}, "list": [1], "null": null})");
  CHECK(text_at(object, {"a", "b"}) == "text");
  CHECK(text_at(object, {"a", "n"}).empty());
  CHECK(text_at(object, {"a", "b", "c"}).empty());
  CHECK(integer_at(member(object, "a"), "n") == 7);
  CHECK(integer_at(member(object, "a"), "b", -1) == -1);
  CHECK(list_at(object, "list").size() == 1);
  CHECK(list_at(object, "a").empty());
  CHECK(member(parsed("nonsense"), "a").is_null());
  CHECK(list_at(parsed("[]"), "a").empty());
}
