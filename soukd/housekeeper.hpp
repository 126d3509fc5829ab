#pragma once

#include "storage/outbox_store.hpp"
#include "storage/postgres/postgres.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace souk::server {

/// What a shop needs done now and then, on one thread of its own: confirms or frees names that a crash left pending (a store whose slug
/// is claimed but whose row may or may not have been committed), and deletes events that every consumer has long had, idempotency
/// keys after a day and sessions that expired; and delivers parked events again that an operator asked for. Every node of a cluster
/// has one; in each database one of them is at work at a time.
class housekeeper {
public:
  using deliver_again = std::function<bool(const std::string& consumer, const storage::outbox_event&)>;
  /// @param consumers names of the outbox's consumers
  /// @param again gives a consumer an event that was parked, when an operator wants it; @returns whether it was taken
  housekeeper(const storage::postgres::databases& databases, std::vector<std::string> consumers, deliver_again again);
  ~housekeeper();

private:
  void run();
  void in_turn(std::size_t database, std::int64_t chore, const std::function<void(const storage::postgres::database&)>& work);
  void settle_names(const storage::postgres::database& db);
  void settle(storage::directory& directory, const storage::directory_entry& entry);
  void delete_old_rows(const storage::postgres::database& db);
  void deliver_parked(const storage::postgres::database& db);

  const storage::postgres::databases& databases_;
  std::vector<std::string> consumers_;
  deliver_again again_;
  std::mutex guard_;
  std::condition_variable wake_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

} // namespace souk::server
