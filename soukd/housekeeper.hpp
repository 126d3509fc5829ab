#pragma once

#include "storage/postgres/postgres.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace souk::server {

/// What a shop needs done now and then, on one thread of its own: confirms or frees names that a crash left pending (a store whose slug
/// is claimed but whose row may or may not have been committed), and deletes events that every consumer has long had, idempotency
/// keys after a day and sessions that expired.
class housekeeper {
public:
  /// @param consumers names of the outbox's consumers
  housekeeper(const storage::postgres::databases& databases, std::vector<std::string> consumers);
  ~housekeeper();

private:
  void run();
  void settle_names();
  void prune_outbox();
  void delete_expired();

  const storage::postgres::databases& databases_;
  std::vector<std::string> consumers_;
  std::mutex guard_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace souk::server
