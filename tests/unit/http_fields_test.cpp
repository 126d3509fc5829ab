#include "http/errors.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace souk::http {
namespace {

const actors::currency euro = *actors::currency::of("EUR");
const actors::currency yen = *actors::currency::of("JPY");

/// The refusal that reading a body ends in.
template <class Read>
refusal refused_reading(const std::string& text, std::initializer_list<std::string_view> known, Read read) {
  try {
    const json::document body{text};
    read(body.root(known));
  } catch (const refusal& why) {
    return why;
  }
  FAIL("nothing was refused in " << text);
  return {};
}

refusal refused_document(const std::string& text) {
  return refused_reading(text, {}, [](const auto&) {});
}

TEST_CASE("a field nobody knows is refused by its name", "[http][fields]") {
  const auto why = refused_reading(R"({"name":"tea","is_admin":true})", {"name"}, [](const auto&) {});
  CHECK(why.why == reason{actors::errc::invalid});
  CHECK(why.field == "is_admin");
}

TEST_CASE("a wrong type names the field, also deep inside", "[http][fields]") {
  const auto why =
    refused_reading(R"({"items":[{"quantity":1},{"quantity":"two"}]})", {"items"}, [](const json::fields& f) {
      const auto items = f.maybe_objects("items", 10, {"quantity"});
      for (const auto& item : *items)
        item.integer("quantity", 1, 10);
    });
  CHECK(why.field == "items[1].quantity");
  CHECK(why.message.find("a whole number") != std::string::npos);
}

TEST_CASE("null counts as absent", "[http][fields]") {
  const json::document body{R"({"name":null})"};
  const auto f = body.root({"name"});
  CHECK_FALSE(f.maybe_text("name", {}));
  CHECK_THROWS_AS(f.text("name", {1, 10}), refusal);
}

TEST_CASE("times and lists of ids are read, and refused by their name", "[http][fields]") {
  const json::document body{R"({"at":"2024-05-01T12:00:00Z","never":"never","ids":["01J9Z3K5Q8W2M7R4T6Y8B1C3D5"]})"};
  const auto f = body.root({"at", "never", "ids", "gone"});
  CHECK(json::iso_time(*f.maybe_time("at")) == "2024-05-01T12:00:00.000Z");
  CHECK(f.maybe_ids("ids", 1)->at(0).str() == "01J9Z3K5Q8W2M7R4T6Y8B1C3D5");
  CHECK_FALSE(f.maybe_time("gone"));
  CHECK_FALSE(f.maybe_ids("gone", 1));
  CHECK(f.is_text("never", "never"));
  CHECK_FALSE(f.is_text("at", "never"));
  CHECK_FALSE(f.is_text("gone", "never"));
  const auto time_of = [](const json::fields& x) { (void)x.maybe_time("x"); };
  const auto ids_of = [](const json::fields& x) { (void)x.maybe_ids("x", 2); };
  for (const auto* text : {R"({"x":"never"})", R"({"x":1714564800})", R"({"x":"2024-05-01"})", R"({"x":[]})"})
    CHECK(refused_reading(text, {"x"}, time_of).field == "x");
  CHECK(refused_reading(R"({"x":"01J9Z3K5Q8W2M7R4T6Y8B1C3D5"})", {"x"}, ids_of).field == "x");
  CHECK(refused_reading(R"({"x":["01J9Z3K5Q8W2M7R4T6Y8B1C3D5",3]})", {"x"}, ids_of).field == "x[1]");
  CHECK(refused_reading(R"({"x":["00000000000000000000000000"]})", {"x"}, ids_of).field == "x[0]");
  CHECK(refused_reading(R"({"x":["a","b","c"]})", {"x"}, ids_of).field == "x");
}

TEST_CASE("the last of two equal keys counts", "[http][fields]") {
  const json::document body{R"({"n":1,"n":2})"};
  CHECK(body.root({"n"}).integer("n", 0, 9) == 2);
}

TEST_CASE("whole numbers keep their range, whatever their size", "[http][fields]") {
  for (const auto* text : {R"({"n":0})", R"({"n":11})", R"({"n":-1})", R"({"n":18446744073709551615})",
                           R"({"n":1e1})", R"({"n":1.0})", R"({"n":true})", R"({"n":[1]})", R"({"n":"1"})"}) {
    CAPTURE(text);
    CHECK(refused_reading(text, {"n"}, [](const json::fields& f) { f.integer("n", 1, 10); }).field == "n");
  }
}

TEST_CASE("amounts are read from decimal digits and never rounded", "[http][fields]") {
  const auto read = [](const std::string& text, const actors::currency& unit) {
    const json::document body{text};
    return body.root({"price"}).amount("price", unit);
  };
  CHECK(read(R"({"price":"19.99"})", euro) == 1999);
  CHECK(read(R"({"price":19.99})", euro) == 1999); // 19.99 has no exact binary form
  CHECK(read(R"({"price":1.1})", euro) == 110);
  CHECK(read(R"({"price":20})", euro) == 2000);
  CHECK(read(R"({"price":"20.00"})", yen) == 20);
  for (const auto* text :
       {R"({"price":"19.999"})", R"({"price":-1})", R"({"price":"-0.01"})", R"({"price":"1e3"})",
        R"({"price":"1,50"})", R"({"price":""})", R"({"price":1e300})", R"({"price":"NaN"})",
        R"({"price":"99999999999999999999"})", R"({"price":{}})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(read(text, euro), refusal);
  }
  CHECK_THROWS_AS(read(R"({"price":"1.5"})", yen), refusal);
}

TEST_CASE("a tax rate is a fraction", "[http][fields]") {
  const json::document body{R"({"a":"0.07","b":0.2,"c":1})"};
  const auto f = body.root({"a", "b", "c"});
  CHECK(f.maybe_rate_ppm("a") == 70'000);
  CHECK(f.maybe_rate_ppm("b") == 200'000);
  CHECK(f.maybe_rate_ppm("c") == 1'000'000);
  CHECK_THROWS_AS(json::document{R"({"a":19})"}.root({"a"}).maybe_rate_ppm("a"), refusal);
}

TEST_CASE("malformed JSON is refused with its place and without its content", "[http][fields]") {
  const auto why = refused_document("{\n  \"password\": hunter2\n}");
  CHECK(why.why == reason{errc::bad_json});
  CHECK(why.message.find("line 2") != std::string::npos);
  CHECK(why.message.find("hunter2") == std::string::npos);
  for (const auto* text : {"", "[]", "3", "\"x\"", "{\"a\":1}x", "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}",
                           "{'a':1}", "{\"a\":1e999}"}) {
    CAPTURE(text);
    CHECK(refused_document(text).why == reason{errc::bad_json});
  }
}

TEST_CASE("a body of brackets is refused before it is parsed", "[http][fields]") {
  const std::string deep = "{\"a\":" + std::string(1'000'000, '[');
  CHECK(refused_document(deep).message.find("nested too deeply") != std::string::npos);
  CHECK_NOTHROW(json::document{R"({"a":"[[[[[[[[[[[[[[[[[[[[[[[[\"[["})"}); // brackets in a text are text
}

TEST_CASE("card numbers are found however they are written", "[http][fields]") {
  for (const auto* text :
       {"4242424242424242", "4242 4242 4242 4242", "5555-5555-5555-4444", "378282246310005",
        "tok_4242424242424242", "my card is 4012888888881881, thanks"}) {
    CAPTURE(text);
    CHECK(json::has_card_number(text));
    CHECK_FALSE(json::has_card_number(json::without_card_numbers(text)));
  }
  for (const auto* text : {"4242424242424241", "0000000000000000", "123456789012", "+4915123456789",
                           "2024-05-01 12:00", "tok_ok"}) {
    CAPTURE(text);
    CHECK_FALSE(json::has_card_number(text));
    CHECK(json::without_card_numbers(text) == text);
  }
}

TEST_CASE("a card number anywhere in a body refuses it, unseen", "[http][fields]") {
  for (const auto* text : {R"({"a":{"b":["x","4242424242424242"]}})", R"({"a":4242424242424242})",
                           R"({"4242424242424242":1})"}) {
    CAPTURE(text);
    const json::document body{text};
    try {
      body.refuse_card_numbers();
      FAIL("it was taken");
    } catch (const refusal& why) {
      CHECK(why.why == reason{errc::card_number_refused});
      CHECK(error_body(why).find("4242") == std::string::npos);
    }
  }
  CHECK_NOTHROW(
    json::document{R"({"token":"tok_ok","id":"01J00000000000000000000000"})"}.refuse_card_numbers());
}

TEST_CASE("what the writer writes is JSON", "[http][json]") {
  json::writer out;
  out.begin_object()
    .field("text", "quotes \" and \\ and \n and \x01 and </script> and \xc3\xa9")
    .field("number", std::int64_t{-5})
    .field("yes", true)
    .key("list")
    .begin_array()
    .value("a")
    .null()
    .begin_object()
    .end_object()
    .end_array()
    .field_or_null("nothing", "")
    .field("at", storage::timestamp{std::chrono::microseconds{1714564800123456}})
    .end_object();
  const auto read = nlohmann::json::parse(out.text());
  CHECK(read["text"] == "quotes \" and \\ and \n and \x01 and </script> and \xc3\xa9");
  CHECK(out.text().find("</") == std::string::npos);
  CHECK(read["number"] == -5);
  CHECK(read["list"].size() == 3);
  CHECK(read["nothing"].is_null());
  CHECK(read["at"] == "2024-05-01T12:00:00.123Z");
}

TEST_CASE("every reason has a status, and actors' codes keep their names", "[http][errors]") {
  for (int i = 1; i <= static_cast<int>(actors::errc::gift_card_not_applicable); ++i) {
    const auto code = static_cast<actors::errc>(i);
    const auto rule = rule_of(code);
    CHECK(rule.code == actors::to_string(code));
    CHECK((rule.status >= 400 && rule.status < 500));
  }
  for (int i = 1; i <= static_cast<int>(runtime::errc::shutting_down); ++i) {
    const auto rule = rule_of(static_cast<runtime::errc>(i));
    CHECK(rule.status >= 500);
    CHECK((rule.status == 503) == (rule.retry_after > 0));
  }
  for (int i = 1; i <= static_cast<int>(errc::internal); ++i)
    CHECK((rule_of(static_cast<errc>(i)).code == "internal") == (i == static_cast<int>(errc::internal)));
}

TEST_CASE("an error says what it is about", "[http][errors]") {
  storage::ulid variant;
  variant.bytes[15] = 1;
  const auto read = nlohmann::json::parse(
    error_body({.why = actors::errc::out_of_stock, .field = "items", .lines = {{variant, 3, 1}}}));
  CHECK(read["error"]["code"] == "out_of_stock");
  CHECK(read["error"]["message"] != "");
  CHECK(read["error"]["details"]["field"] == "items");
  CHECK(read["error"]["details"]["lines"][0]["variant_id"] == variant.str());
  CHECK(read["error"]["details"]["lines"][0]["available"] == 1);
}

} // namespace
} // namespace souk::http
