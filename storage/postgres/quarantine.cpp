#include "storage/postgres/quarantine.hpp"

#include "storage/postgres/connection.hpp"

namespace souk::storage::postgres {

namespace {

const statement reopen_statement{"reopen_shards",
                                 "UPDATE shards SET residence = 1 WHERE shard = ANY ($1::int2[]) AND residence = 4 RETURNING shard"};

} // namespace

std::vector<shard_id> reopen(const database& db, const std::vector<shard_id>& shards) {
  connection session({db.url, "souk-reopen", "souk_writer", std::chrono::milliseconds{3'000}, std::chrono::milliseconds{10'000}, ""});
  const std::vector<std::int16_t> list{shards.begin(), shards.end()};
  const auto r = session.read(reopen_statement, parameters::of(list));
  std::vector<shard_id> out;
  for (int i = 0; i < r.rows(); ++i)
    out.push_back(static_cast<shard_id>(r.int2(i, 0)));
  return out;
}

} // namespace souk::storage::postgres
