#pragma once

#include "storage/postgres/connection.hpp"

#include <span>

namespace souk::storage::postgres {

/// A query that finds violations: rows of one text column, with a limit of rows to show. Empty is well.
struct check {
  const char* sentence;
  statement query;
};

/// Of refunds, of what is prepaid, of parcels and returns, and of what goes out.
std::span<const check> checks_of_later_lives();

} // namespace souk::storage::postgres
