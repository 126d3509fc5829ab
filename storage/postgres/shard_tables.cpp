#include "storage/postgres/shard_tables.hpp"

#include "storage/error.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace souk::storage::postgres {

namespace {

constexpr std::array<std::string_view, 7> of_no_shard{"schema_migrations", "shards",     "nodes",      "cluster_view",
                                                      "directory_names",   "deployment", "shard_moves"};

// By table: whether it has a column `shard`; the first column of its primary key when that is an id; whether it has a column
// `user_id`; what is needed to copy it; whether it draws numbers.
constexpr const char* tables_sql = R"(
  SELECT c.relname,
         EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'shard' AND a.atttypid = 'int2'::regtype
                 AND a.attnotnull AND NOT a.attisdropped),
         coalesce((SELECT quote_ident(a.attname) FROM pg_index i
                   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                   WHERE i.indrelid = c.oid AND i.indisprimary AND a.atttypid = 'uuid'::regtype), ''),
         EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'user_id' AND a.atttypid = 'uuid'::regtype
                 AND a.attnotnull AND NOT a.attisdropped),
         string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname),
         string_agg(format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attname),
         c.relrowsecurity,
         bool_or(a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval(%', false))
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  GROUP BY c.oid ORDER BY c.relname)";

constexpr const char* references_sql = R"(
  SELECT a.relname, b.relname FROM pg_constraint f JOIN pg_class a ON a.oid = f.conrelid JOIN pg_class b ON b.oid = f.confrelid
  WHERE f.contype = 'f' AND a.relnamespace = 'public'::regnamespace AND a.oid <> b.oid ORDER BY 1, 2)";

} // namespace

bool belongs_to_no_shard(const std::string& table) {
  return std::ranges::find(of_no_shard, table) != of_no_shard.end();
}

std::vector<shard_table> shard_tables(bulk_session& db) {
  std::map<std::string, shard_table> waiting;
  for (const auto& r : db.ask(tables_sql)) {
    if (belongs_to_no_shard(r[0]))
      continue;
    shard_table t;
    t.name = r[0];
    if (r[1] == "t")
      t.shard = "shard";
    else if (!r[2].empty())
      t.shard = "shard_of(" + r[2] + ")";
    else if (r[3] == "t")
      t.shard = "shard_of(user_id)";
    else
      throw storage_error("nobody knows how the rows of the table " + t.name + " carry their shard");
    t.columns = r[4];
    t.types = r[5];
    t.row_security = r[6] == "t";
    if (r[7] == "t")
      throw storage_error("the table " + t.name + " draws numbers from a sequence, which stays behind when a shard moves");
    waiting.emplace(t.name, std::move(t));
  }
  for (const auto& r : db.ask(references_sql))
    if (auto at = waiting.find(r[0]); at != waiting.end() && waiting.contains(r[1]))
      at->second.above.push_back(r[1]);

  std::vector<shard_table> out;
  while (!waiting.empty()) {
    const auto before = out.size();
    for (auto at = waiting.begin(); at != waiting.end();) {
      const bool ready = std::ranges::none_of(at->second.above, [&](const auto& parent) { return waiting.contains(parent); });
      if (!ready) {
        ++at;
        continue;
      }
      out.push_back(std::move(at->second));
      at = waiting.erase(at);
    }
    if (out.size() == before)
      throw storage_error("the foreign keys of the table " + waiting.begin()->first + " go in a circle");
  }
  return out;
}

} // namespace souk::storage::postgres
