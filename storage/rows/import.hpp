#pragma once

#include "storage/ulid.hpp"

#include <string>
#include <vector>

namespace souk::storage {

struct import_error {
  std::int64_t line = 0; ///< in the file, the header being line 1
  std::string reason;
  bool operator==(const import_error&) const = default;
};

enum class import_status : std::uint8_t { running = 1, finished = 2, failed = 3 };

struct import_row {
  ulid id;
  ulid store_id;
  import_status status = import_status::running;
  std::int64_t products = 0;
  std::int64_t variants = 0;
  std::vector<import_error> errors; ///< the first 1,000
  timestamp created_at{};
  timestamp updated_at{};
  bool operator==(const import_row&) const = default;
};

template <class I>
typename I::result_type inspect(I& f, import_error& x) {
  return f(x.line, x.reason);
}
template <class I>
typename I::result_type inspect(I& f, import_row& x) {
  return f(x.id, x.store_id, x.status, x.products, x.variants, x.errors, x.created_at, x.updated_at);
}

} // namespace souk::storage
