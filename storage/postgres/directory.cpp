#include "storage/postgres/connection.hpp"
#include "storage/postgres/postgres.hpp"

#include <algorithm>

namespace souk::storage::postgres {

namespace {

using std::chrono::milliseconds;

// The second branch answers who has the name when ours is not the insert that won; it sees rows committed before the statement,
// so a twin that commits in between is found by asking again.
const statement claim_statement{"claim_name", R"(
  WITH claimed AS (
    INSERT INTO directory_names (kind, name, id) VALUES ($1::int2, $2::text, $3::uuid)
    ON CONFLICT (kind, name) DO NOTHING RETURNING id, confirmed, claimed_at)
  SELECT id, confirmed, claimed_at FROM claimed
  UNION ALL SELECT id, confirmed, claimed_at FROM directory_names WHERE kind = $1::int2 AND name = $2::text)"};
const statement confirm_statement{"confirm_name", "UPDATE directory_names SET confirmed = true "
                                                  "WHERE kind = $1::int2 AND name = $2::text AND id = $3::uuid"};
const statement release_statement{"release_name", "DELETE FROM directory_names WHERE kind = $1::int2 AND name = $2::text "
                                                  "AND id = $3::uuid AND NOT confirmed"};
const statement find_statement{
  "find_name", "SELECT id, confirmed, claimed_at FROM directory_names WHERE kind = $1::int2 AND name = $2::text"};
const statement pending_statement{"pending_names", R"(
  SELECT id, confirmed, claimed_at, kind, name FROM directory_names WHERE NOT confirmed AND claimed_at < $1::timestamptz
  ORDER BY claimed_at, kind, name LIMIT $2::int4)"};

constexpr int claim_attempts = 5;

class pg_directory final : public storage::directory {
public:
  explicit pg_directory(const database& db)
    : connection_({db.url, "souk-directory", "souk_writer", milliseconds{2'000}, milliseconds{3'000},
                   std::string{find_by_index_sql} + "SET lock_timeout = '2s'; SET statement_timeout = '3s'"}) {
    // nop
  }

  directory_entry claim(name_kind kind, const std::string& name, const ulid& id) override {
    for (int i = 0; i < claim_attempts; ++i) {
      const auto r = connection_.read(claim_statement, parameters::of(number(kind), name, id));
      if (r.rows() > 0)
        return entry(r, 0, kind, name);
    }
    throw unavailable("the name " + name + " changes hands too fast");
  }

  void confirm(name_kind kind, const std::string& name, const ulid& id) override {
    connection_.read(confirm_statement, parameters::of(number(kind), name, id));
  }

  void release(name_kind kind, const std::string& name, const ulid& id) override {
    connection_.read(release_statement, parameters::of(number(kind), name, id));
  }

  std::optional<directory_entry> find(name_kind kind, const std::string& name) override {
    const auto r = connection_.read(find_statement, parameters::of(number(kind), name));
    return r.rows() == 0 ? std::nullopt : std::optional{entry(r, 0, kind, name)};
  }

  std::vector<directory_entry> pending_before(timestamp limit, int count) override {
    const auto r = connection_.read(pending_statement, parameters::of(limit, std::int32_t{std::max(count, 0)}));
    std::vector<directory_entry> out;
    for (int i = 0; i < r.rows(); ++i)
      out.push_back(entry(r, i, static_cast<name_kind>(r.int2(i, 3)), r.text(i, 4)));
    return out;
  }

private:
  static std::int16_t number(name_kind kind) { return static_cast<std::int16_t>(kind); }

  static directory_entry entry(const result& r, int row, name_kind kind, const std::string& name) {
    return {kind, name, r.id(row, 0), r.boolean(row, 1), r.time(row, 2)};
  }

  connection connection_;
};

} // namespace

std::unique_ptr<storage::directory> make_directory(const database& db) {
  return std::make_unique<pg_directory>(db);
}

} // namespace souk::storage::postgres
