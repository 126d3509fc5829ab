#include "storage/several_databases.hpp"

#include "storage/fixtures.hpp"
#include "storage/postgres/deployment.hpp"

#include <catch2/catch.hpp>

#include <thread>

using namespace souk::storage;
using namespace souk::tests;
using Catch::Matchers::Contains;
using postgres::databases;

namespace {

const char* nowhere = "postgresql:///none?host=/nonexistent&connect_timeout=1";

std::vector<shard_id> living_in(const scratch_database& db) {
  std::vector<shard_id> out;
  for (const auto& row : postgres::make_ownership_store(db.db())->shards())
    if (row.where == residence::here)
      out.push_back(row.shard);
  return out;
}

/// A node takes every shard it is offered.
std::size_t taken_by_a_node(const scratch_database& db) {
  auto ownership = postgres::make_ownership_store(db.db());
  node_row node;
  node.incarnation = new_id(0);
  node.name = "node-1";
  node.started_at = at();
  ownership->register_node(node);
  std::vector<shard_id> all;
  for (int i = 0; i < shard_count; ++i)
    all.push_back(static_cast<shard_id>(i));
  return ownership->acquire(node, all, stale_after).size();
}

} // namespace

TEST_CASE("a database that was only migrated offers no shard, and one that is a deployment of its own offers all", "[deployment]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(1);
  CHECK(taken_by_a_node(*made[0]) == 0);
  databases all{urls_of(made)};
  CHECK_THROWS_WITH(postgres::check_deployment(all), Contains("run soukd migrate"));

  CHECK(postgres::establish_deployment(all).empty());

  CHECK(living_in(*made[0]).size() == shard_count);
  CHECK(taken_by_a_node(*made[0]) == shard_count);
  CHECK(postgres::check_deployment(all).empty());
  CHECK(all.index_of(255) == 0);
}

TEST_CASE("the shards of a new deployment are spread over its databases", "[deployment]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(3);
  databases all{urls_of(made)};
  CHECK_FALSE(all.find(4).has_value());
  CHECK_THROWS_AS(all.database_of(4), unavailable);

  CHECK(postgres::establish_deployment(all).size() == 3); // two joined, and the shards

  for (std::size_t i = 0; i < 3; ++i) {
    const auto here = living_in(*made[i]);
    CHECK(here.size() == (i == 0 ? 86 : 85));
    for (auto shard : here)
      CHECK(shard % 3 == i);
  }
  CHECK(postgres::check_deployment(all).empty());
  for (int shard = 0; shard < shard_count; ++shard)
    CHECK(all.index_of(static_cast<shard_id>(shard)) == static_cast<std::size_t>(shard % 3));
  CHECK(postgres::establish_deployment(all).empty());
  CHECK(postgres::spread_shards(all) == 0);
}

TEST_CASE("a spreading that was interrupted is finished by the next, with every shard in one place", "[deployment]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(2);
  databases all{urls_of(made)};
  postgres::establish_deployment(all);
  made[0]->run("UPDATE deployment SET shards_placed = false; UPDATE shards SET residence = 2 WHERE shard > 100");
  CHECK_THROWS_WITH(postgres::check_deployment(all), Contains("no database of the settings holds shard 102, 104"));

  CHECK(postgres::spread_shards(all) == 77);

  CHECK(postgres::check_deployment(all).empty());
  CHECK(living_in(*made[0]).size() == 128);
  CHECK(living_in(*made[1]).size() == 128);
}

TEST_CASE("an empty database that joins a deployment in use takes no shard from it", "[deployment]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(2);
  postgres::establish_deployment(databases{{made[0]->url()}});
  REQUIRE(taken_by_a_node(*made[0]) == shard_count);

  databases all{urls_of(made)};
  const auto said = postgres::establish_deployment(all);

  REQUIRE(said.size() == 2);
  CHECK_THAT(said[1], Contains("soukd move-shard SHARD 2"));
  CHECK(living_in(*made[1]).empty());
  CHECK(taken_by_a_node(*made[1]) == 0);
  CHECK(postgres::check_deployment(all).empty());
  CHECK(all.index_of(77) == 0);
}

TEST_CASE("a database of the release before, which knows no deployments, keeps its shards and becomes number 1", "[deployment]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(2);
  made[0]->run("UPDATE shards SET residence = 1, epoch = 7 WHERE shard <> 9; UPDATE shards SET residence = 1 WHERE shard = 9");
  databases all{urls_of(made)};
  postgres::establish_deployment(all);
  CHECK(living_in(*made[0]).size() == shard_count);
  CHECK(living_in(*made[1]).empty());
}

TEST_CASE("databases that do not belong together are refused", "[deployment]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(3);
  const auto first = made[0]->url(), second = made[1]->url(), other = made[2]->url();
  postgres::establish_deployment(databases{{first, second}});
  auto both_say = [](std::vector<std::string> urls, const std::string& what) {
    databases all{urls};
    CHECK_THROWS_WITH(postgres::establish_deployment(all), Contains(what));
    CHECK_THROWS_WITH(postgres::check_deployment(all), Contains(what));
  };
  both_say({second, first}, "is number 2 of its deployment: number 1 holds the directory and must come first");
  both_say({second}, "is number 2 of its deployment");
  both_say({first, second, second}, "is listed twice");
  both_say({first, first}, "is listed twice");
  CHECK_THROWS_WITH(postgres::establish_deployment(databases{{other, second}}), Contains("is new, and database 2"));
  CHECK_THROWS_WITH(postgres::establish_deployment(databases{{other, other}}), Contains("is listed twice"));

  INFO("another deployment's");
  postgres::establish_deployment(databases{{other}});
  both_say({first, other}, "belongs to another deployment");
  made[2]->run("DELETE FROM deployment");
  CHECK_THROWS_WITH(postgres::establish_deployment(databases{{first, other}}), Contains("holds shards and belongs to no deployment"));

  INFO("one that is missing from the settings");
  databases alone{{first}};
  CHECK_THROWS_WITH(postgres::check_deployment(alone), Contains("holds shard 1, 3, 5"));
  CHECK(postgres::establish_deployment(alone).empty()); // and nothing is placed again
  CHECK(living_in(*made[0]).size() == 128);
}

TEST_CASE("a shard that two databases claim is believed to neither", "[deployment]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(2);
  databases all{urls_of(made)};
  postgres::establish_deployment(all);
  made[1]->run("UPDATE shards SET residence = 1 WHERE shard = 6");
  CHECK_THROWS_WITH(postgres::check_deployment(all), Contains("shard 6 lives in database 1") && Contains("and in database 2"));
  CHECK_THROWS_AS(postgres::load_places(all), storage_error);
}

TEST_CASE("a shard on its way is where it comes from, unless somebody silent may have it", "[deployment]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(2);
  postgres::establish_deployment(databases{urls_of(made)});
  made[0]->run("UPDATE shards SET residence = 3 WHERE shard = 6");

  databases all{urls_of(made)};
  CHECK(postgres::load_places(all).unplaced.empty());
  CHECK(all.index_of(6) == 0);

  databases half{{made[0]->url(), nowhere}};
  const auto found = postgres::load_places(half);
  CHECK(found.silent == std::vector<std::size_t>{1});
  CHECK(found.unplaced.size() == 129);
  CHECK_FALSE(half.find(6).has_value());
  CHECK(half.index_of(8) == 0);
  CHECK(postgres::check_deployment(half) == std::vector<std::size_t>{1});

  made[0]->run("UPDATE shards SET residence = 2 WHERE shard = 6");
  made[1]->run("UPDATE shards SET residence = 1 WHERE shard = 6");
  postgres::load_places(all);
  CHECK(all.index_of(6) == 1);
}

TEST_CASE("several that establish a deployment at the same moment make one", "[deployment]") {
  ON_POSTGRES_ONLY;
  auto made = scratch_databases(2);
  std::vector<std::thread> nodes;
  std::atomic<int> failed{0};
  for (int i = 0; i < 4; ++i)
    nodes.emplace_back([&] {
      try {
        postgres::establish_deployment(databases{urls_of(made)});
      } catch (const std::exception&) {
        ++failed;
      }
    });
  for (auto& n : nodes)
    n.join();
  CHECK(failed == 0);
  databases all{urls_of(made)};
  CHECK(postgres::check_deployment(all).empty());
  CHECK(living_in(*made[0]).size() == 128);
}

TEST_CASE("a database's name shows where it is, not the password", "[deployment]") {
  databases all{{"postgresql://souk:secret@db-1.example:5433/shop", "host=db-2.example dbname=shop password=secret"}};
  CHECK(all.name_of(0) == "1 (db-1.example:5433/shop)");
  CHECK(all.name_of(1) == "2 (db-2.example/shop)");
}
