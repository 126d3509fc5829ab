#include "soukd/housekeeper.hpp"

#include "storage/error.hpp"
#include "storage/postgres/expiry.hpp"
#include "storage/postgres/parked_events.hpp"
#include "storage/postgres/turn.hpp"

#include <spdlog/spdlog.h>

namespace souk::server {

namespace {

constexpr std::chrono::seconds every{30};
/// Far longer than any sign-up can take (its deadline is seconds), so nothing that is still pending then is under way.
constexpr std::chrono::minutes names_pending_max{2};
constexpr std::chrono::hours events_kept{24 * 7};
constexpr int names_per_look = 200;
constexpr int parked_per_look = 100;
/// Numbers of advisory locks, arbitrary.
constexpr std::int64_t names_chore = 7305808869230179;
constexpr std::int64_t rows_chore = 7305808869230180;

} // namespace

housekeeper::housekeeper(const storage::postgres::databases& databases, std::vector<std::string> consumers, deliver_again again)
  : databases_(databases), consumers_(std::move(consumers)), again_(std::move(again)), thread_([this] { run(); }) {
  // nop
}

housekeeper::~housekeeper() {
  {
    std::lock_guard lock{guard_};
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void housekeeper::run() {
  std::unique_lock lock{guard_};
  while (!wake_.wait_for(lock, every, [this] { return stopping_.load(); })) {
    lock.unlock();
    in_turn(0, names_chore, [this](const storage::postgres::database& db) { settle_names(db); });
    for (std::size_t i = 0; i < databases_.all().size() && !stopping_; ++i)
      in_turn(i, rows_chore, [this](const storage::postgres::database& db) {
        delete_old_rows(db);
        deliver_parked(db);
      });
    lock.lock();
  }
}

// One node of a cluster does it; a database that is away has its next turn in the next round, and the others theirs in this one.
void housekeeper::in_turn(std::size_t database, std::int64_t chore, const std::function<void(const storage::postgres::database&)>& work) {
  const auto& db = databases_.all()[database];
  try {
    if (const storage::postgres::turn turn{db, chore}; turn.ours())
      work(db);
  } catch (const std::exception& e) {
    spdlog::warn("housekeeping of database {} was put off: {}", databases_.name_of(database), e.what());
  }
}

// The shard is the truth: a name whose owner is there is confirmed, any other is free again.
void housekeeper::settle_names(const storage::postgres::database& db) {
  auto directory = storage::postgres::make_directory(db);
  auto now = storage::postgres::make_ownership_store(db)->now();
  for (const auto& entry : directory->pending_before(now - names_pending_max, names_per_look))
    try {
      settle(*directory, entry);
    } catch (const storage::unavailable& e) { // of the database that holds its shard
      spdlog::warn("the name {} stays pending: {}", entry.name, e.what());
    }
}

void housekeeper::settle(storage::directory& directory, const storage::directory_entry& entry) {
  const auto& home = databases_.database_of(entry.id.shard());
  auto reader = storage::postgres::make_entity_reader(home);
  bool there = entry.kind == storage::name_kind::email ? reader->load_user(entry.id).has_value()
                                                       : reader->load_store(entry.id).has_value();
  // Asked afterwards: a shard that has moved may have left no rows behind, and its names must not be freed for that.
  if (!there
      && storage::postgres::make_ownership_store(home)->shards().at(entry.id.shard()).where != storage::residence::here)
    throw storage::unavailable("its shard is moving");
  if (there)
    directory.confirm(entry.kind, entry.name, entry.id);
  else
    directory.release(entry.kind, entry.name, entry.id);
  spdlog::info("the name {} was left pending: {}", entry.name, there ? "confirmed" : "freed");
}

void housekeeper::delete_old_rows(const storage::postgres::database& db) {
  auto now = storage::postgres::make_ownership_store(db)->now();
  if (auto gone = storage::postgres::make_outbox_store(db)->prune(consumers_, now - events_kept); gone > 0)
    spdlog::info("{} events that everybody has had were deleted", gone);
  if (auto gone = storage::postgres::delete_expired(db, now); gone.idempotency_keys + gone.sessions > 0)
    spdlog::info("{} idempotency keys and {} sessions expired", gone.idempotency_keys, gone.sessions);
}

void housekeeper::deliver_parked(const storage::postgres::database& db) {
  for (const auto& row : storage::postgres::parked_events(db, true, parked_per_look)) {
    if (stopping_)
      return;
    const bool taken = again_ && again_(row.consumer, row.event);
    if (taken)
      storage::postgres::drop_parked(db, {row.consumer, row.event.shard, row.event.seq, row.event.n});
    else
      storage::postgres::parked_refused(db, row, "was not taken when it was delivered again");
    spdlog::info("a parked event ({}, {}, {}) was {} by {}", row.event.shard, row.event.seq, row.event.n,
                 taken ? "taken" : "refused again", row.consumer);
  }
}

} // namespace souk::server
