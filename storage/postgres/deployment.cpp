#include "storage/postgres/deployment.hpp"

#include "storage/postgres/connection.hpp"

#include <spdlog/spdlog.h>

#include <map>

namespace souk::storage::postgres {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds limit{10'000};
/// Several nodes may start at the same time. An arbitrary number, like the migrator's.
constexpr const char* lock_sql = "SELECT pg_advisory_lock(7305808869230178)";
constexpr milliseconds lock_limit{60'000};

const statement identity_statement{"identity", "SELECT id, database, number, shards_placed FROM deployment"};
const statement join_statement{"join", R"(
  INSERT INTO deployment (id, database, number) VALUES (coalesce($1::uuid, gen_random_uuid()), gen_random_uuid(), $2::int2)
  ON CONFLICT DO NOTHING)"};
const statement renumber_statement{"renumber", "UPDATE deployment SET number = $1::int2"};
const statement used_statement{
  "used", "SELECT EXISTS (SELECT FROM shards WHERE epoch > 0 OR seq > 0 OR residence <> 2) OR EXISTS (SELECT FROM directory_names)"};
const statement residence_statement{"residence", "SELECT shard, residence, epoch > 0 OR seq > 0 FROM shards"};
const statement settle_down_statement{"settle_down", R"(
  UPDATE shards SET residence = 1 WHERE shard = ANY ($1::int2[]) AND residence = 2 AND epoch = 0 AND seq = 0 RETURNING 1)"};
const statement placed_statement{"all_placed", "UPDATE deployment SET shards_placed = true"};

struct identity {
  ulid deployment;
  ulid database;
  int number = 0;
  bool shards_placed = false;
};

connection open(const database& db) {
  return connection({db.url, "souk-deployment", "souk_writer", milliseconds{5'000}, limit, "SET lock_timeout = '5s'"});
}

std::optional<identity> identity_of(connection& c) {
  const auto r = c.read(identity_statement, {});
  if (r.rows() == 0)
    return std::nullopt;
  return identity{r.id(0, 0), r.id(0, 1), r.int2(0, 2), r.boolean(0, 3)};
}

bool is_used(connection& c) {
  return c.read(used_statement, {}).boolean(0, 0);
}

/// What is wrong with those that have joined; they are `identities`, by place in the settings.
void check_identities(const databases& all, const std::map<std::size_t, identity>& identities) {
  std::map<ulid, std::size_t> seen;
  for (const auto& [index, who] : identities) {
    const auto name = "database " + all.name_of(index);
    if (auto [other, fresh] = seen.emplace(who.database, index); !fresh)
      throw storage_error(name + " is the same as database " + all.name_of(other->second) + ": it is listed twice");
    if (who.deployment != identities.begin()->second.deployment)
      throw storage_error(name + " belongs to another deployment than database " + all.name_of(identities.begin()->first));
    if (index == 0 && who.number != 1)
      throw storage_error(name + " is number " + std::to_string(who.number)
                          + " of its deployment: number 1 holds the directory and must come first in the settings");
    if (index > 0 && who.number == 1)
      throw storage_error(name + " holds the directory of its deployment and must come first in the settings");
  }
}

std::string list_of(const std::vector<shard_id>& shards) {
  std::string out;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (i == 10)
      return out + " and " + std::to_string(shards.size() - i) + " more";
    out += (i == 0 ? "" : ", ") + std::to_string(shards[i]);
  }
  return out;
}

} // namespace

std::vector<std::string> establish_deployment(const databases& all) {
  auto guard = open(all.directory());
  guard.execute(lock_sql, lock_limit); // lasts as long as this connection
  std::map<std::size_t, identity> identities;
  std::vector<std::size_t> newcomers;
  for (std::size_t i = 0; i < all.all().size(); ++i) {
    auto c = open(all.all()[i]);
    if (auto who = identity_of(c)) {
      identities.emplace(i, *who);
      continue;
    }
    newcomers.push_back(i);
    if (i > 0 && is_used(c))
      throw storage_error("database " + all.name_of(i) + " holds shards and belongs to no deployment: it cannot join this one. If it "
                          "is the only one that was used so far, it holds the directory and must come first in the settings");
  }
  if (!identities.empty() && !identities.contains(0))
    throw storage_error("database " + all.name_of(0) + " is new, and database " + all.name_of(identities.begin()->first)
                        + " belongs to a deployment: its number 1 holds the directory and must come first in the settings");
  check_identities(all, identities);

  std::vector<std::string> said;
  for (auto i : newcomers) {
    auto c = open(all.all()[i]);
    const auto deployment = i == 0 ? std::nullopt : std::optional{identities.at(0).deployment};
    c.read(join_statement, parameters::of(deployment, static_cast<std::int16_t>(i + 1)));
    identities[i] = identity_of(c).value();
    if (i > 0)
      said.push_back("database " + all.name_of(i) + " joined the deployment");
  }
  check_identities(all, identities); // the same empty database listed twice is seen only now
  for (const auto& [i, who] : identities)
    if (i > 0 && who.number != static_cast<int>(i + 1)) // another one was taken out of the settings
      open(all.all()[i]).read(renumber_statement, parameters::of(static_cast<std::int16_t>(i + 1)));

  const bool placed_before = identities.at(0).shards_placed;
  const auto placed = spread_shards(all);
  if (placed > 0 && all.all().size() > 1)
    said.push_back(std::to_string(placed) + " shards were spread over " + std::to_string(all.all().size()) + " databases");
  else if (placed == 0 && (!placed_before || !said.empty()))
    for (auto i : newcomers)
      if (i > 0)
        said.push_back("no shard lives in database " + all.name_of(i) + " yet: soukd move-shard SHARD " + std::to_string(i + 1)
                       + " brings one there");
  return said;
}

int spread_shards(const databases& all) {
  auto directory = open(all.directory());
  const auto who = identity_of(directory);
  if (!who)
    throw storage_error("database " + all.name_of(0) + " belongs to no deployment yet");
  if (who->shards_placed)
    return 0;
  std::array<bool, shard_count> has_home{}, used{};
  for (const auto& db : all.all()) {
    auto c = open(db);
    const auto r = c.read(residence_statement, {});
    for (int i = 0; i < r.rows(); ++i) {
      const auto shard = static_cast<shard_id>(r.int2(i, 0));
      has_home[shard] = has_home[shard] || r.int2(i, 1) != static_cast<int>(residence::elsewhere);
      used[shard] = used[shard] || r.boolean(i, 2);
    }
  }
  std::vector<std::vector<std::int16_t>> to_place(all.all().size());
  std::vector<shard_id> lost;
  for (std::size_t shard = 0; shard < has_home.size(); ++shard)
    if (!has_home[shard])
      used[shard] ? lost.push_back(static_cast<shard_id>(shard))
                  : to_place[shard % to_place.size()].push_back(static_cast<std::int16_t>(shard));
  if (!lost.empty())
    throw storage_error("no database of the settings holds shard " + list_of(lost) + ", and it was used: one is missing");
  int placed = 0;
  for (std::size_t i = 0; i < to_place.size(); ++i)
    if (!to_place[i].empty())
      placed += open(all.all()[i]).read(settle_down_statement, parameters::of(to_place[i])).rows();
  directory.read(placed_statement, {});
  return placed;
}

std::vector<std::size_t> check_deployment(databases& all) {
  std::map<std::size_t, identity> identities;
  for (std::size_t i = 0; i < all.all().size(); ++i)
    try {
      auto c = open(all.all()[i]);
      auto who = identity_of(c);
      if (!who)
        throw storage_error("database " + all.name_of(i) + " belongs to no deployment yet: run soukd migrate");
      identities.emplace(i, *who);
    } catch (const unavailable&) { // the next look says so
    }
  check_identities(all, identities);
  auto found = load_places(all);
  if (found.silent.empty() && !found.unplaced.empty())
    throw storage_error("no database of the settings holds shard " + list_of(found.unplaced)
                        + ": one is missing, or soukd migrate did not finish");
  return found.silent;
}

} // namespace souk::storage::postgres
