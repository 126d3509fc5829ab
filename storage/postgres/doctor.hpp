#pragma once

#include "storage/postgres/postgres.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace souk::storage::postgres {

/// What one invariant looks like on a live database.
struct finding {
  std::string check; ///< a sentence that must be true: "reserved is the sum of open reservations"
  bool ok = false;
  std::vector<std::string> rows; ///< the first 20 violations, each as `column=value …`, ids as the API shows them
  std::chrono::milliseconds took{};
};

/// Checks every invariant of the shop on one database while it is in use: each check is one statement, so it sees one moment.
/// @param limit for each check @throws unavailable, storage_error
std::vector<finding> examine(const database& db, std::chrono::milliseconds limit = std::chrono::minutes{5});

} // namespace souk::storage::postgres
