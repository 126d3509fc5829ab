#pragma once

#include "storage/catalog_reader.hpp"
#include "storage/directory.hpp"
#include "storage/entity_reader.hpp"
#include "storage/journal_store.hpp"
#include "storage/outbox_store.hpp"
#include "storage/ownership_store.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// The ports of storage/ on PostgreSQL 15. Every object is one connection for one thread; it connects when first used and again
// after every loss.
namespace souk::storage::postgres {

struct database {
  std::string url; ///< libpq URL
};

/// All databases of a deployment. The first holds the directory.
class databases {
public:
  /// @pre not empty @throws std::invalid_argument
  explicit databases(const std::vector<std::string>& urls);

  const std::vector<database>& all() const noexcept { return all_; }
  const database& directory() const noexcept { return all_.front(); }
  /// Where a shard's rows are. Today every shard lives in the first; nobody but this function knows.
  const database& database_of(shard_id shard) const noexcept;
  std::size_t index_of(shard_id shard) const noexcept;

private:
  std::vector<database> all_;
};

/// Time limits of the reading side; defaults suit settings::reader_timeout_ms.
struct reader_limits {
  std::chrono::milliseconds connect{1000};
  std::chrono::milliseconds query{2000};
};

struct journal_limits {
  std::chrono::milliseconds connect{3000};
  /// Of one commit. Longer means: in doubt, settle it.
  std::chrono::milliseconds commit{10'000};
  /// Of one attempt to settle.
  std::chrono::milliseconds settle{5'000};
  /// How long a settlement waits for the old transaction before it ends the session that holds it.
  std::chrono::milliseconds patience{1'000};
};

/// @param label names the lane in pg_stat_activity: `souk-journal-LABEL`
std::unique_ptr<journal_store> make_journal_store(const database& db, std::string_view label, journal_limits limits = {});
std::unique_ptr<ownership_store> make_ownership_store(const database& db);
std::unique_ptr<entity_reader> make_entity_reader(const database& db, reader_limits limits = {});
std::unique_ptr<catalog_reader> make_catalog_reader(const database& db, reader_limits limits = {});
std::unique_ptr<outbox_store> make_outbox_store(const database& db);
std::unique_ptr<storage::directory> make_directory(const database& db);

} // namespace souk::storage::postgres
