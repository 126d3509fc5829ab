#include "http/csv/csv_reader.hpp"
#include "http/csv/decimal.hpp"
#include "http/csv/utf8.hpp"

#include <catch2/catch.hpp>

using souk::http::read_csv;

namespace {

struct seen {
  std::vector<std::pair<std::int64_t, std::vector<std::string>>> rows;
  std::vector<std::int64_t> errors;
};

seen read(std::string_view text) {
  seen all;
  read_csv(text, {[&](souk::http::csv_row& row) { all.rows.emplace_back(row.line, row.fields); },
                  [&](std::int64_t line, const std::string&) { all.errors.push_back(line); }});
  return all;
}

using rows = decltype(seen::rows);

} // namespace

TEST_CASE("rows know the line on which they begin", "[csv]") {
  CHECK(read("a,b\n1,2\n3,4\n").rows == rows{{1, {"a", "b"}}, {2, {"1", "2"}}, {3, {"3", "4"}}});
  CHECK(read("a,b\n1,2").rows == rows{{1, {"a", "b"}}, {2, {"1", "2"}}});
  CHECK(read("a\r\nb\r\n\r\n \r\nc").rows == rows{{1, {"a"}}, {2, {"b"}}, {5, {"c"}}});
  CHECK(read("a\rb\r\rc\r").rows == rows{{1, {"a"}}, {2, {"b"}}, {4, {"c"}}});
  CHECK(read("a,\"x\ny\r\nz\"\nb,c\n").rows == rows{{1, {"a", "x\ny\r\nz"}}, {4, {"b", "c"}}});
  CHECK(read("").rows.empty());
  CHECK(read("\n\n").rows.empty());
}

TEST_CASE("quotes, commas and spaces are read as RFC 4180 has them", "[csv]") {
  CHECK(read(R"("a ""b"" c",", ",,"")").rows == rows{{1, {"a \"b\" c", ", ", "", ""}}});
  CHECK(read(" a , \" b \" ,c\n").rows == rows{{1, {"a", " b ", "c"}}});
}

TEST_CASE("a broken quote costs its own line only", "[csv]") {
  auto stray = read("a,b\nx\"y,1\nc,d\n");
  CHECK(stray.rows == rows{{1, {"a", "b"}}, {3, {"c", "d"}}});
  CHECK(stray.errors == std::vector<std::int64_t>{2});

  auto unclosed = read("a,b\n\"x,1\nc,d\ne,f\n");
  CHECK(unclosed.rows == rows{{1, {"a", "b"}}, {3, {"c", "d"}}, {4, {"e", "f"}}});
  CHECK(unclosed.errors == std::vector<std::int64_t>{2});

  auto swallowing = read("\"x,1\nc,\"d\"\ne,f\n"); // the quote of line 1 closes on line 2, where text follows
  CHECK(swallowing.rows == rows{{2, {"c", "d"}}, {3, {"e", "f"}}});
  CHECK(swallowing.errors == std::vector<std::int64_t>{1});

  auto last = read("a\n\"b");
  CHECK(last.rows == rows{{1, {"a"}}});
  CHECK(last.errors == std::vector<std::int64_t>{2});
}

TEST_CASE("prices are read exactly or not at all", "[csv][decimal]") {
  using souk::http::format_decimal;
  using souk::http::parse_decimal;
  CHECK(parse_decimal("19.99", 2) == 1999);
  CHECK(parse_decimal("19.9", 2) == 1990);
  CHECK(parse_decimal("85", 2) == 8500);
  CHECK(parse_decimal("85.", 2) == 8500);
  CHECK(parse_decimal(".5", 2) == 50);
  CHECK(parse_decimal("1.2300", 2) == 123);
  CHECK(parse_decimal("0", 0) == 0);
  CHECK(parse_decimal("12.345", 3) == 12345);
  CHECK(parse_decimal("500.00", 0) == 500);
  CHECK(parse_decimal("10000000000.00", 2) == 1'000'000'000'000);
  for (auto bad : {"", ".", "-1", "+1", "1,5", "1 000", "1.234", "1.2.3", "1e3", "0x1", "€1", "10000000000.01",
                   "99999999999999999999999999"})
    CHECK_FALSE(parse_decimal(bad, 2));
  CHECK_FALSE(parse_decimal("1.5", 0));
  CHECK(format_decimal(1999, 2) == "19.99");
  CHECK(format_decimal(5, 2) == "0.05");
  CHECK(format_decimal(0, 3) == "0.000");
  CHECK(format_decimal(500, 0) == "500");
}

TEST_CASE("only well-formed UTF-8 is stored", "[csv][utf8]") {
  using souk::http::is_storable_utf8;
  CHECK(is_storable_utf8("Tèa, 茶, 🫖"));
  CHECK(is_storable_utf8("\xF4\x8F\xBF\xBF"));
  using namespace std::string_view_literals;
  for (auto bad : {"a\0b"sv, "caf\xE9"sv, "\xC0\xAF"sv, "\xC3"sv, "\xE2\x82"sv, "\xED\xA0\x80"sv, "\xF4\x90\x80\x80"sv,
                   "\xE0\x80\x80"sv, "\xF0\x80\x80\x80"sv, "\x80"sv, "\xFF"sv})
    CHECK_FALSE(is_storable_utf8(bad));
}
