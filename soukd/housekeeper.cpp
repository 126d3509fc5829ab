#include "soukd/housekeeper.hpp"

#include "storage/postgres/expiry.hpp"

#include <spdlog/spdlog.h>

namespace souk::server {

namespace {

constexpr std::chrono::seconds every{30};
/// Far longer than any sign-up can take (its deadline is seconds), so nothing that is still pending then is under way.
constexpr std::chrono::minutes names_pending_max{2};
constexpr std::chrono::hours events_kept{24 * 7};
constexpr int names_per_look = 200;

} // namespace

housekeeper::housekeeper(const storage::postgres::databases& databases, std::vector<std::string> consumers)
  : databases_(databases), consumers_(std::move(consumers)), thread_([this] { run(); }) {
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
  while (!wake_.wait_for(lock, every, [this] { return stopping_; })) {
    lock.unlock();
    try {
      settle_names();
      prune_outbox();
      delete_expired();
    } catch (const std::exception& e) { // the next round tries again
      spdlog::warn("housekeeping was put off: {}", e.what());
    }
    lock.lock();
  }
}

// The shard is the truth: a name whose owner is there is confirmed, any other is free again.
void housekeeper::settle_names() {
  auto directory = storage::postgres::make_directory(databases_.directory());
  auto now = storage::postgres::make_ownership_store(databases_.directory())->now();
  for (const auto& entry : directory->pending_before(now - names_pending_max, names_per_look)) {
    auto reader = storage::postgres::make_entity_reader(databases_.database_of(entry.id.shard()));
    bool there = entry.kind == storage::name_kind::email ? reader->load_user(entry.id).has_value()
                                                         : reader->load_store(entry.id).has_value();
    if (there)
      directory->confirm(entry.kind, entry.name, entry.id);
    else
      directory->release(entry.kind, entry.name, entry.id);
    spdlog::info("the name {} was left pending: {}", entry.name, there ? "confirmed" : "freed");
  }
}

void housekeeper::prune_outbox() {
  auto now = storage::postgres::make_ownership_store(databases_.directory())->now();
  for (const auto& db : databases_.all())
    if (auto gone = storage::postgres::make_outbox_store(db)->prune(consumers_, now - events_kept); gone > 0)
      spdlog::info("{} events that everybody has had were deleted", gone);
}

void housekeeper::delete_expired() {
  auto now = storage::postgres::make_ownership_store(databases_.directory())->now();
  for (const auto& db : databases_.all())
    if (auto gone = storage::postgres::delete_expired(db, now); gone.idempotency_keys + gone.sessions > 0)
      spdlog::info("{} idempotency keys and {} sessions expired", gone.idempotency_keys, gone.sessions);
}

} // namespace souk::server
