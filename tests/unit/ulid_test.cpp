#include "storage/ulid.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>

using souk::storage::timestamp;
using souk::storage::ulid;

namespace {

ulid of_bytes(const std::vector<std::uint8_t>& bytes) {
  ulid out;
  std::copy_n(bytes.begin(), 16, out.bytes.begin());
  return out;
}

ulid any_ulid() {
  return of_bytes(*rc::gen::container<std::vector<std::uint8_t>>(16, rc::gen::arbitrary<std::uint8_t>()));
}

} // namespace

TEST_CASE("a ulid survives being written and read", "[ulid]") {
  CHECK(rc::check("parse(str(x)) == x", [] {
    auto id = any_ulid();
    auto text = id.str();
    RC_ASSERT(text.size() == 26U);
    RC_ASSERT(ulid::parse(text) == id);
  }));
}

TEST_CASE("the text of ulids sorts as their bytes do", "[ulid]") {
  CHECK(rc::check("a < b == str(a) < str(b)", [] {
    auto a = any_ulid();
    // Often the same but for one byte: two random ids nearly always differ in the first character.
    auto b = *rc::gen::arbitrary<bool>() ? any_ulid() : a;
    b.bytes[*rc::gen::inRange<std::size_t>(0, 16)] = *rc::gen::arbitrary<std::uint8_t>();
    RC_ASSERT((a < b) == (a.str() < b.str()));
    RC_ASSERT((a == b) == (a.str() == b.str()));
  }));
}

TEST_CASE("a ulid is written as the specification's example says", "[ulid]") {
  // https://github.com/ulid/spec: 48 bits of time before 80 random ones, most significant first.
  auto id = ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  REQUIRE(id.has_value());
  CHECK(id->drawn_at() == timestamp{std::chrono::milliseconds{1469922850259}});
  CHECK(id->shard() == 0xd6);
  CHECK(id->str() == "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  CHECK(ulid{}.str() == "00000000000000000000000000");
  CHECK(of_bytes(std::vector<std::uint8_t>(16, 0xff)).str() == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
}

TEST_CASE("people's spelling of a ulid is understood", "[ulid]") {
  auto id = ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  CHECK(ulid::parse("01arz3ndektsv4rrffq69g5fav") == id);
  CHECK(ulid::parse("oiarz3ndektsv4rrffq69g5fav") == id);
  CHECK(ulid::parse("OLARZ3NDEKTSV4RRFFQ69G5FAV") == id);
}

TEST_CASE("what is not a ulid is not taken for one", "[ulid]") {
  auto text =
    GENERATE(as<std::string>{}, "", "0", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVV",
             "01ARZ3NDEKTSV4RRFFQ69G5FAU",                               // U is not in the alphabet
             "01ARZ3NDEKTSV4RRFFQ69G5FA-", "81ARZ3NDEKTSV4RRFFQ69G5FAV", // more than 128 bits
             "ZZZZZZZZZZZZZZZZZZZZZZZZZZ", " 1ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FÄ",
             "01ARZ3NDEKTSV4RRFFQ69G5F' ", "0156e4f2-e4f0-7c3a-9f1b-6a1");
  CAPTURE(text);
  CHECK_FALSE(ulid::parse(text).has_value());
  CHECK_FALSE(ulid::parse(std::string_view{"01ARZ3NDEKTSV4RRFFQ69G5F\0V", 26}).has_value());
}

TEST_CASE("the shard of a ulid is its seventh byte, and the nil id is nil alone", "[ulid]") {
  CHECK(rc::check("shard", [] {
    auto id = any_ulid();
    auto shard = *rc::gen::arbitrary<std::uint8_t>();
    id.bytes[6] = shard;
    RC_ASSERT(id.shard() == shard);
    RC_ASSERT(ulid::parse(id.str())->shard() == shard);
  }));
  CHECK(ulid{}.is_nil());
  CHECK_FALSE(ulid::parse("00000000000000000000000001")->is_nil());
}
