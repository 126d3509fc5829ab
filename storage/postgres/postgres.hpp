#pragma once

#include "storage/catalog_reader.hpp"
#include "storage/directory.hpp"
#include "storage/entity_reader.hpp"
#include "storage/journal_store.hpp"
#include "storage/outbox_store.hpp"
#include "storage/ownership_store.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The ports of storage/ on PostgreSQL 15. Every object is one connection for one thread; it connects when first used and again
// after every loss.
namespace souk::storage::postgres {

class reachability;

struct database {
  std::string url; ///< libpq URL
};

/// All databases of a deployment, and which of them holds each shard. The first holds the directory. The databases themselves say
/// what lives in them (shards.residence); this is what was heard last. Any thread may ask and tell.
class databases {
public:
  /// @pre neither empty nor more than 255 @throws std::invalid_argument
  explicit databases(const std::vector<std::string>& urls);
  ~databases();

  const std::vector<database>& all() const noexcept { return all_; }
  const database& directory() const noexcept { return all_.front(); }
  /// "2 (db-2.example:5432/souk)": counted from 1, without the password.
  std::string name_of(std::size_t index) const;

  /// Index of the database that holds the shard's rows; nullopt while none has said so.
  std::optional<std::size_t> find(shard_id shard) const noexcept;
  /// The same for callers that cannot go on without. @throws storage::unavailable
  std::size_t index_of(shard_id shard) const;
  const database& database_of(shard_id shard) const { return all_[index_of(shard)]; }

  /// What this process knows about reaching a database. @pre index < all().size()
  reachability& line_to(std::size_t index) const noexcept { return *lines_[index]; }

  /// Database `index` says that the shard resides there. @pre index < all().size()
  void place(shard_id shard, std::size_t index) noexcept;

private:
  static constexpr std::uint8_t unknown = 255;

  std::vector<database> all_;
  std::array<std::atomic<std::uint8_t>, shard_count> index_of_;
  std::vector<std::unique_ptr<reachability>> lines_;
};

struct places_found {
  std::vector<std::size_t> silent;  ///< databases that did not answer: their shards stay where they were said to be before, or unknown
  std::vector<shard_id> unplaced;   ///< no database that answered says that they live there
};

/// Asks every database which shards live in it and places them. A shard that is being moved is where it comes from until its new
/// database has it.
/// @throws storage_error when two databases both say that a shard lives there: neither may be believed
places_found load_places(databases& all);

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

/// The same over all databases: each call goes to the one that holds the shard of the id it names, over connections made when first
/// needed. One database that is away does not slow the others' shards down. `all` must outlive the reader.
std::unique_ptr<catalog_reader> make_sharded_catalog_reader(const databases& all, reader_limits limits = {});
std::unique_ptr<outbox_store> make_sharded_outbox_store(const databases& all);

} // namespace souk::storage::postgres
