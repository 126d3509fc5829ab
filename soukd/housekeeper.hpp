#pragma once

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
/// keys after a day and sessions that expired. Every node of a cluster has one; in each database one of them is at work at a time.
class housekeeper {
public:
  /// @param consumers names of the outbox's consumers
  housekeeper(const storage::postgres::databases& databases, std::vector<std::string> consumers);
  ~housekeeper();

private:
  void run();
  void in_turn(std::size_t database, std::int64_t chore, const std::function<void(const storage::postgres::database&)>& work);
  void settle_names(const storage::postgres::database& db);
  void settle(storage::directory& directory, const storage::directory_entry& entry);
  void delete_old_rows(const storage::postgres::database& db);

  const storage::postgres::databases& databases_;
  std::vector<std::string> consumers_;
  std::mutex guard_;
  std::condition_variable wake_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

} // namespace souk::server
