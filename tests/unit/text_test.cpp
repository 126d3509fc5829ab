#include "actors/text.hpp"

#include <catch2/catch.hpp>

using namespace souk::actors;

TEST_CASE("characters are counted, not bytes", "[text]") {
  CHECK(characters("") == 0U);
  CHECK(characters("Käse") == 4U);
  CHECK(characters("日本語 🧀") == 5U);
}

TEST_CASE("what is not UTF-8 is found before the database finds it", "[text]") {
  using namespace std::string_literals;
  for (const auto& bytes : {"\x80"s, "\xC0\xAF"s, "\xE0\x80\x80"s, "\xED\xA0\x80"s, "\xF4\x90\x80\x80"s,
                            "\xFF"s, "a\xC3"s, "\xE2\x82"s})
    CHECK_FALSE(characters(bytes));
  CHECK(check_text("a\0b"s, "name", {0, 10, lines::many})->field == "name");
}

TEST_CASE("a text keeps to its rule", "[text]") {
  text_rule rule{1, 4, lines::one};
  CHECK_FALSE(check_text("Käse", "name", rule));
  CHECK(check_text("", "name", rule)->message == "is missing");
  CHECK(check_text("   ", "name", rule)->message == "is missing");
  CHECK(check_text("Käses", "name", rule)->message == "has more than 4 characters");
  CHECK(check_text("a\nb", "name", rule));
  CHECK_FALSE(check_text("a\nb", "name", {1, 4, lines::many}));
}

TEST_CASE("only http and https are web addresses", "[text]") {
  CHECK(is_web_address("https://example.org/logo.png?v=1#top"));
  CHECK(is_web_address("http://localhost:8080/a"));
  for (auto text : {"", "javascript:alert(1)", "ftp://example.org", "https://", "https:///x", "https://a b",
                    "//example.org", "https://a\"onload=x", "https://<b>"})
    CHECK_FALSE(is_web_address(text));
  CHECK_FALSE(is_web_address("https://" + std::string(2048, 'a')));
}

TEST_CASE("a slug fits into a host name", "[text]") {
  CHECK(is_slug("tea-and-cheese-7"));
  for (auto text : {"ab", "-abc", "abc-", "Abc", "a_b", "a b", "käse", "a.b"})
    CHECK_FALSE(is_slug(text));
  CHECK(is_slug(std::string(63, 'a')));
  CHECK_FALSE(is_slug(std::string(64, 'a')));
}
