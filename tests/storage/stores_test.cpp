#include "storage/fixtures.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

TEST_CASE("PostgreSQL is among the stores", "[stores]") {
  if (std::getenv("SOUK_TEST_DATABASE_URL") == nullptr)
    WARN("SOUK_TEST_DATABASE_URL names no server: the contract was checked on the simulated store alone");
  else
    CHECK(souk::tests::stores().size() == 2);
}
