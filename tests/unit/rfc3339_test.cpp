#include "http/json/rfc3339.hpp"
#include "http/json/writer.hpp"

#include <catch2/catch.hpp>

using namespace souk;
using http::json::parse_rfc3339;

namespace {

/// As souk writes it back; "-" when it is no time.
std::string read_back(std::string_view text) {
  const auto at = parse_rfc3339(text);
  return at ? http::json::iso_time(*at) : "-";
}

} // namespace

TEST_CASE("times of RFC 3339 are read, whatever their zone", "[http][json]") {
  CHECK(read_back("2024-05-01T12:00:00Z") == "2024-05-01T12:00:00.000Z");
  CHECK(read_back("2024-05-01t12:00:00z") == "2024-05-01T12:00:00.000Z");
  CHECK(read_back("2024-05-01 14:30:00.25+02:30") == "2024-05-01T12:00:00.250Z");
  CHECK(read_back("2024-02-29T20:00:00-08:00") == "2024-03-01T04:00:00.000Z");
  CHECK(read_back("2016-12-31T23:59:60Z") == "2017-01-01T00:00:00.000Z");
  CHECK(parse_rfc3339("2024-05-01T12:00:00.1234567Z")->time_since_epoch().count() % 1'000'000 == 123'456);
}

TEST_CASE("what is no time of RFC 3339 is not read", "[http][json]") {
  for (const auto* text : {"", "2024", "2024-05-01", "2024-05-01T12:00", "2024-05-01T12:00:00", "2024-02-30T12:00:00Z", "2023-02-29T12:00:00Z",
                           "2024-13-01T12:00:00Z", "2024-05-01T24:00:00Z", "2024-05-01T12:60:00Z", "2024-05-01T12:00:61Z",
                           "2024-05-01T12:00:00.Z", "2024-05-01T12:00:00+0200", "2024-05-01T12:00:00+24:00", "2024-05-01T12:00:00Zz",
                           " 2024-05-01T12:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00", "-024-05-01T12:00:00Z",
                           "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(read_back(text) == "-");
  }
}
