#include "storage/postgres/doctor_session.hpp"

#include "storage/postgres/shard_tables.hpp"

namespace souk::storage::postgres {

std::vector<shard_id> residents(const database& db) {
  std::vector<shard_id> out;
  for (const auto& row : make_ownership_store(db)->shards())
    if (row.where != residence::elsewhere)
      out.push_back(row.shard);
  return out;
}

std::unique_ptr<connection> doctor_session(const database& db, const std::vector<shard_id>& shards, std::chrono::milliseconds limit) {
  std::string views;
  if (shards.size() < shard_count) {
    std::string list;
    for (auto shard : shards)
      list += (list.empty() ? "" : ",") + std::to_string(shard);
    bulk_session catalog(db.url, "souk-doctor", "souk_writer");
    // A temporary relation hides the table of its name. Made by the writer: row-level security looks at a view's owner.
    views = "SET ROLE souk_writer; ";
    for (const auto& t : shard_tables(catalog))
      views += "CREATE TEMPORARY VIEW " + t.name + " AS SELECT * FROM public." + t.name + " WHERE " + t.shard + " = ANY ('{" + list
               + "}'); ";
  }
  return std::make_unique<connection>(
    connection_options{db.url, "souk-doctor", "souk_writer", std::chrono::milliseconds{5'000}, limit,
                       views + "SET default_transaction_read_only = on; SET work_mem = '64MB'; SET statement_timeout = '"
                         + std::to_string(limit.count()) + "ms'"});
}

} // namespace souk::storage::postgres
