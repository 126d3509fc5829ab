// The benchmarks' HTTP client: a figure is worth what its reading of the answers is.

#include "bench/answer_parser.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <string>
#include <vector>

using souk::bench::answer_parser;

namespace {

constexpr const char* sized = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\ncontent-length: 13\r\n\r\n{\"status\":42}";
constexpr const char* chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                                "6\r\nfirst \r\nA;note=x\r\nand second\r\n0\r\nX-Trailer: y\r\n\r\n";
constexpr const char* unchanged = "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 99\r\n\r\n";
constexpr const char* interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n";

struct read_answer {
  int status = 0;
  std::string body;
  bool keeps_alive = false;
  bool operator==(const read_answer&) const = default;
};

/// Reads all answers of a stream that arrives in pieces of these sizes (then whole).
std::vector<read_answer> read_all(const std::string& stream, const std::vector<std::size_t>& pieces) {
  std::vector<read_answer> out;
  answer_parser parser;
  std::size_t at = 0, piece = 0;
  while (at < stream.size()) {
    const auto size = piece < pieces.size() ? pieces[piece++] : stream.size();
    std::string_view rest = std::string_view{stream}.substr(at, size);
    at += rest.size();
    while (!rest.empty()) {
      rest.remove_prefix(parser.take(rest));
      REQUIRE_FALSE(parser.malformed());
      if (parser.done()) {
        out.push_back({parser.status(), std::string{parser.body()}, parser.keeps_alive()});
        parser.next();
      }
    }
  }
  REQUIRE(parser.untouched());
  return out;
}

bool is_refused(const std::string& stream) {
  answer_parser parser;
  parser.take(stream);
  return parser.malformed();
}

} // namespace

TEST_CASE("an answer of any kind is read", "[bench]") {
  CHECK(read_all(sized, {}) == std::vector<read_answer>{{201, "{\"status\":42}", true}});
  CHECK(read_all(chunked, {}) == std::vector<read_answer>{{200, "first and second", false}});
  CHECK(read_all(unchanged, {}) == std::vector<read_answer>{{304, "", true}});
  CHECK(read_all(interim, {}) == std::vector<read_answer>{{404, "", false}});
}

TEST_CASE("answers are read alike however the network cuts them", "[bench]") {
  const auto stream = std::string{sized} + chunked + unchanged + interim + sized;
  const auto whole = read_all(stream, {});
  REQUIRE(whole.size() == 5);
  CHECK(read_all(stream, std::vector<std::size_t>(stream.size(), 1)) == whole);
  CHECK(rc::check([&] {
    const auto pieces = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 60));
    RC_ASSERT(read_all(stream, pieces) == whole);
  }));
}

TEST_CASE("an answer is not over before its last byte", "[bench]") {
  for (const char* text : {sized, chunked, unchanged, interim}) {
    const std::string stream{text};
    answer_parser parser;
    CHECK(parser.take(stream.substr(0, stream.size() - 1)) == stream.size() - 1);
    CHECK_FALSE(parser.done());
    CHECK_FALSE(parser.malformed());
    CHECK(parser.take(stream.substr(stream.size() - 1)) == 1);
    CHECK(parser.done());
  }
}

TEST_CASE("what is no answer is refused", "[bench]") {
  CHECK(is_refused("SSH-2.0-OpenSSH_9.2 Debian\r\n\r\n"));
  CHECK(is_refused("HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"));
  CHECK(is_refused("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"));
  CHECK(is_refused("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"));
  CHECK(is_refused("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"));
  CHECK(is_refused("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"));
  CHECK(is_refused("HTTP/1.1 200 OK\r\n\r\n")); // only the end of the connection would end it
  CHECK(is_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"));
  CHECK(is_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"));
  CHECK(is_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n"));
  CHECK(is_refused("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x')));
}
