#include "storage/postgres/shard_index.hpp"

namespace souk::storage::postgres {

namespace {

std::string suffix(shard_id shard) {
  return "_of_shard_" + std::to_string(shard);
}

/// Made and dropped beside the traffic; both wait for every transaction that is older.
void patient(bulk_session& db) {
  db.run("SET lock_timeout = '10min'");
}

} // namespace

int index_shard(const database& where, const std::vector<shard_table>& tables, shard_id shard, std::int64_t above) {
  bulk_session db(where.url, "souk-move", "");
  patient(db);
  int made = 0;
  for (const auto& t : tables) {
    if (t.shard == "shard") // few rows, or a primary key that begins with it
      continue;
    if (std::stoll(db.ask("SELECT pg_relation_size('" + t.name + "')").at(0)[0]) < above || has_shard_index(db, t, shard))
      continue;
    const auto name = t.name + suffix(shard);
    db.run("DROP INDEX CONCURRENTLY IF EXISTS " + name); // one that was not finished
    db.run("CREATE INDEX CONCURRENTLY " + name + " ON " + t.name + " ((1)) WHERE " + t.rows_of(shard));
    ++made;
  }
  return made;
}

bool has_shard_index(bulk_session& db, const shard_table& table, shard_id shard) {
  return !db.ask("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('public." + table.name + suffix(shard) + "') AND indisvalid").empty();
}

void drop_shard_indexes(const database& where, shard_id shard) {
  bulk_session db(where.url, "souk-move", "");
  patient(db);
  for (const auto& r : db.ask("SELECT relname FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace AND relname LIKE '%\\"
                              + suffix(shard) + "'"))
    db.run("DROP INDEX CONCURRENTLY IF EXISTS " + r[0]);
}

} // namespace souk::storage::postgres
