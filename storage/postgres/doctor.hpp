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

/// Checks every invariant of the shop on one database while it is in use: each check is one statement, so it sees one moment. Rows of
/// shards that live in another database are not looked at.
/// @param limit for each check @throws unavailable, storage_error
std::vector<finding> examine(const database& db, std::chrono::milliseconds limit = std::chrono::minutes{5});

/// Checks what no database can see alone, on all of them while they are in use: where the shards live, that names, users, stores and
/// their owners fit, and that the index of each user's orders is right. The two sides are read one after the other, in the order in
/// which what is done meanwhile cannot look like a violation. Reads a sixteenth of the rows at a time.
/// @param limit for each statement @throws unavailable, storage_error
std::vector<finding> examine_together(const databases& all, std::chrono::milliseconds limit = std::chrono::minutes{5});

} // namespace souk::storage::postgres
