#include "http/page_cache.hpp"
#include "http/page_response.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

namespace souk::http {
namespace {

using namespace std::chrono_literals;
using figure = page_text::figure;

storage::ulid id(std::uint8_t n) {
  storage::ulid out;
  out.bytes[8] = n;
  out.bytes[15] = n;
  return out;
}

const page_cache::scope shelf{id(1), {}};
const page_cache::scope product{id(1), id(2)};

/// "stock=N in=B" of one variant.
page_text text_of(const storage::ulid& variant, const std::string& before = "stock=") {
  page_text out;
  out.text = before + " in=";
  out.slots = {{before.size(), figure::available, 0, 1, false},
               {out.text.size(), figure::in_stock, 0, 1, false}};
  out.variants = {variant};
  return out;
}

TEST_CASE("a page is kept until its product changes", "[http][pages]") {
  page_cache cache{1 << 20, 1h};
  CHECK_FALSE(cache.find("/p").bytes);
  cache.put("/p", cache.before_read(product), text_of(id(3)), {5});
  REQUIRE(cache.find("/p").bytes);
  CHECK(cache.find("/p").bytes->body == "stock=5 in=true");
  cache.product_changed(id(9), id(8));
  CHECK(cache.find("/p").bytes);
  cache.product_changed(id(1), id(2));
  CHECK_FALSE(cache.find("/p").bytes);
}

TEST_CASE("a list is old when any product of its store changes, another product's page is not",
          "[http][pages]") {
  page_cache cache{1 << 20, 1h};
  cache.put("/list", cache.before_read(shelf), text_of(id(3)), {5});
  cache.put("/p", cache.before_read(product), text_of(id(3)), {5});
  cache.product_changed(id(1), id(7));
  CHECK_FALSE(cache.find("/list").bytes);
  CHECK(cache.find("/p").bytes);
}

TEST_CASE("a sale changes the figures and the ETag, not the page's text", "[http][pages]") {
  page_cache cache{1 << 20, 1h};
  cache.put("/p", cache.before_read(product), text_of(id(3)), {5});
  const auto before = cache.find("/p").bytes;
  cache.stock_changed(id(3), 4);
  const auto after = cache.find("/p").bytes;
  CHECK(after->body == "stock=4 in=true");
  CHECK(after->etag != before->etag);
  CHECK(before->body == "stock=5 in=true"); // who holds the old page keeps it
  cache.stock_changed(id(3), -2);
  CHECK(cache.find("/p").bytes->body == "stock=0 in=false");
  CHECK(cache.find("/p").bytes == cache.find("/p").bytes); // rendered once
}

TEST_CASE("a slow reader cannot bring an old page back", "[http][pages]") {
  page_cache cache{1 << 20, 1h};
  const auto slow = cache.before_read(product);
  cache.product_changed(id(1), id(2)); // after it asked the database
  cache.put("/p", cache.before_read(product), text_of(id(3), "new "), {5});
  cache.put("/p", slow, text_of(id(3), "old "), {5});
  REQUIRE(cache.find("/p").bytes);
  CHECK(cache.find("/p").bytes->body == "new 5 in=true");
}

TEST_CASE("a slow reader cannot bring old stock back", "[http][pages]") {
  page_cache cache{1 << 20, 1h};
  const auto slow = cache.before_read(product);
  cache.stock_changed(id(3), 1); // committed after the reader's snapshot, before any page shows the variant
  cache.put("/p", slow, text_of(id(3)), {9});
  CHECK(cache.find("/p").bytes->body == "stock=1 in=true");
  cache.put("/p", cache.before_read(product), text_of(id(3)), {7}); // a later reader knows better
  CHECK(cache.find("/p").bytes->body == "stock=7 in=true");
}

TEST_CASE("past its time to live one reader of many is asked to read again", "[http][pages]") {
  page_cache cache{1 << 20, 0ms};
  cache.put("/p", cache.before_read(product), text_of(id(3)), {5});
  std::this_thread::sleep_for(2ms);
  const auto first = cache.find("/p");
  CHECK(first.bytes);
  CHECK(first.refresh);
  const auto second = cache.find("/p");
  CHECK(second.bytes);
  CHECK_FALSE(second.refresh);
}

TEST_CASE("a figure may be the sum of several variants", "[http][pages]") {
  page_cache cache{1 << 20, 1h};
  page_text text;
  text.text = "[]";
  text.slots = {{1, figure::available, 0, 3, false}};
  text.variants = {id(3), id(4), id(5)};
  cache.put("/p", cache.before_read(product), text, {5, -3, 2});
  CHECK(cache.find("/p").bytes->body == "[7]"); // what is owed of one is not taken from another
  cache.stock_changed(id(4), 10);
  CHECK(cache.find("/p").bytes->body == "[17]");
}

TEST_CASE("the cache stays within its bytes", "[http][pages]") {
  page_cache cache{1 << 20, 1h};
  page_text big;
  big.text.assign(20'000, 'x');
  for (int i = 0; i < 1000; ++i)
    cache.put("/p" + std::to_string(i), cache.before_read(product), big, {});
  CHECK(cache.size() <= (1 << 20) / 40'000 + 16);
  CHECK(cache.size() > 0);
}

TEST_CASE("readers never see stock go back while it only falls", "[http][pages]") {
  page_cache cache{1 << 20, 1h};
  std::atomic<std::int64_t> truth{10'000};
  cache.put("/p", cache.before_read(product), text_of(id(3), ""), {truth.load()});
  std::atomic<bool> over{false};
  std::atomic<bool> went_back{false};
  std::thread slow_readers{[&] {
    while (!over) {
      const auto ticket = cache.before_read(product);
      const auto read = truth.load();
      std::this_thread::yield();
      cache.put("/p", ticket, text_of(id(3), ""), {read});
    }
  }};
  std::thread shoppers{[&] {
    std::int64_t last = 10'000;
    while (!over)
      if (const auto hit = cache.find("/p").bytes) {
        const auto now = std::stoll(hit->body);
        if (now > last)
          went_back = true;
        last = now;
      }
  }};
  for (std::int64_t n = 9'999; n >= 0; --n) { // the commit first, then the hook
    truth = n;
    cache.stock_changed(id(3), n);
  }
  over = true;
  slow_readers.join();
  shoppers.join();
  CHECK_FALSE(went_back);
  CHECK(cache.find("/p").bytes->body == "0 in=false");
}

TEST_CASE("an If-None-Match header may list several ETags", "[http][pages]") {
  CHECK(matches("\"a\"", "\"a\""));
  CHECK(matches("\"x\", W/\"a\"", "\"a\""));
  CHECK(matches("*", "\"a\""));
  CHECK_FALSE(matches("\"ab\"", "\"a\""));
  CHECK_FALSE(matches("", "\"a\""));
}

} // namespace
} // namespace souk::http
