#include "http/csv/csv_reader.hpp"

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
