#pragma once

#include "storage/directory.hpp"
#include "storage/entity_reader.hpp"
#include "storage/journal_store.hpp"
#include "storage/outbox_store.hpp"
#include "storage/ownership_store.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace souk::tests {

/// One implementation of the storage ports. The cases of this folder run on every one of them.
class store_under_test {
public:
  virtual ~store_under_test() = default;

  virtual std::string name() const = 0;
  virtual storage::journal_store& journal() = 0;
  /// Another connection to the same database.
  virtual storage::journal_store& other_journal() = 0;
  virtual storage::entity_reader& reader() = 0;
  virtual storage::ownership_store& ownership() = 0;
  virtual storage::outbox_store& outbox() = 0;
  virtual storage::directory& names() = 0;
  /// For another node, or another thread.
  virtual std::unique_ptr<storage::ownership_store> open_ownership() = 0;
  /// What moving a shard to another database, or back, does to its row: epoch + 1, nobody's.
  virtual void relocate(storage::shard_id shard, storage::residence where) = 0;
  /// One of the same kind with nothing in it.
  virtual std::unique_ptr<store_under_test> fresh() const = 0;
  /// Lets the database's clock advance.
  virtual void wait(std::chrono::milliseconds time) = 0;
};

/// The simulated store, and PostgreSQL when SOUK_TEST_DATABASE_URL names a server on which databases may be
/// created.
const std::vector<store_under_test*>& stores();

std::unique_ptr<store_under_test> make_simulated_store();
/// Null without SOUK_TEST_DATABASE_URL.
std::unique_ptr<store_under_test> make_postgres_store();

/// An id nobody has had in this run.
storage::ulid new_id(storage::shard_id shard);
inline storage::ulid new_id_beside(const storage::ulid& owner) {
  return new_id(owner.shard());
}

/// A fixed point in time, in whole microseconds, for rows.
storage::timestamp at(std::int64_t seconds_after = 0);

/// A node that has not registered yet.
storage::node_row unregistered_node(const std::string& name, const std::string& cluster = "souk");
/// A node that has registered.
storage::node_row new_node(store_under_test& db, const std::string& name = {});

inline constexpr std::chrono::milliseconds stale_after{60'000};

template <class... Mutations>
storage::write_set in_shard(storage::shard_id shard, Mutations... m) {
  return {shard, {storage::mutation{std::move(m)}...}};
}

/// A shard owned by a node of the test, and the fence that its journal lane holds.
class owned_shard {
public:
  /// Takes the next shard that no other case has used on this store.
  explicit owned_shard(store_under_test& db);

  store_under_test& db;
  storage::node_row node;
  storage::fence held;

  storage::shard_id id() const noexcept { return held.shard; }

  /// Commits one batch with the fence held and follows it.
  storage::commit_outcome commit(const std::vector<storage::write_set>& write_sets);

  /// Commits one write set in a batch of its own. Throws unless the batch is committed.
  template <class... Mutations>
  storage::write_result write(Mutations... m) {
    return write_set(in_shard(id(), std::move(m)...));
  }
  storage::write_result write_set(const storage::write_set& ws);

  /// What the database says of this shard now.
  storage::shard_row row() const;
};

/// A batch over write sets that the caller keeps.
storage::batch batch_of(std::vector<storage::fence> fences,
                        const std::vector<storage::write_set>& write_sets);

} // namespace souk::tests

/// Runs the rest of the case once per store.
#define ON_EVERY_STORE                                                                                       \
  auto& db = *GENERATE(from_range(souk::tests::stores()));                                                   \
  CAPTURE(db.name())
