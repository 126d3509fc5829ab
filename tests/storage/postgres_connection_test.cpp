#include "storage/postgres/connection.hpp"
#include "storage/postgres/dialer.hpp"
#include "storage/postgres_fixture.hpp"

#include <catch2/catch.hpp>

#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

using namespace souk::storage;
using namespace souk::tests;
using namespace std::chrono_literals;

namespace {

/// A host that is there and never says a word.
class silent_host {
public:
  silent_host() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(socket_, 16) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port = std::to_string(ntohs(at.sin_port));
  }
  ~silent_host() { ::close(socket_); }
  silent_host(const silent_host&) = delete;

  int callers() {
    int count = 0;
    for (pollfd p{socket_, POLLIN, 0}; ::poll(&p, 1, 0) > 0; ++count)
      ::close(::accept(socket_, nullptr, nullptr));
    return count;
  }

  std::string port;

private:
  int socket_;
};

/// This run's server as one of two, behind `first`.
std::string url_behind(const silent_host& first) {
  std::string host, port, rest;
  auto* options = PQconninfoParse(postgres_url().c_str(), nullptr);
  REQUIRE(options != nullptr);
  for (const auto* o = options; o->keyword != nullptr; ++o) {
    const std::string_view key = o->keyword;
    if (o->val == nullptr)
      continue;
    if (key == "host")
      host = o->val;
    else if (key == "port")
      port = o->val;
    else
      rest += " " + std::string{key} + "='" + o->val + "'";
  }
  PQconninfoFree(options);
  return "host='127.0.0.1," + host + "' port='" + first.port + "," + (port.empty() ? "5432" : port) + "' target_session_attrs=read-write"
         + rest;
}

const postgres::statement one{"one", "SELECT 1::int4"};

} // namespace

TEST_CASE("a first host that says nothing does not keep the second one's database away", "[postgres]") {
  ON_POSTGRES_ONLY;
  silent_host dark;
  postgres::connection_options options;
  options.url = url_behind(dark);
  options.connect_timeout = 2s;
  postgres::connection session(options);

  CHECK(session.read(one, {}).int4(0, 0) == 1);
  CHECK(dark.callers() == 1);
  session.close();
  CHECK(session.read(one, {}).int4(0, 0) == 1);
  CHECK(dark.callers() == 0); // who answered last is asked first
}

TEST_CASE("when no host answers, the error names each of them", "[postgres]") {
  silent_host dark, dim;
  std::string error;
  postgres::dialer dial("host=127.0.0.1,localhost hostaddr=127.0.0.1,127.0.0.1 port=" + dark.port + "," + dim.port + " dbname=souk user=souk");
  CHECK(dial.connect("test", postgres::dialer::clock::now() + 200ms, error) == nullptr);
  CHECK(error.find("127.0.0.1: no answer") != std::string::npos);
  CHECK(error.find("localhost: no answer") != std::string::npos);
  CHECK(dark.callers() == 1);
  CHECK(dim.callers() == 1);
}
