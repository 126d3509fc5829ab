#pragma once

#include "storage/postgres_fixture.hpp"
#include "storage/shop_rows.hpp"

#include <set>
#include <string>

namespace souk::tests {

/// The sentences of the checks that fail.
using found = std::set<std::string>;
found failing(const store_under_test& db);

/// What the doctor finds after a statement by hand, which another one then undoes.
found found_after(const store_under_test& db, const std::string& damage, const std::string& repair);

/// A checkout that adds up, and whose hold lasts for another hour by the database's clock.
storage::write_set lasting_checkout(shop& s, storage::order_row& order, std::int64_t quantity);

/// An id as SQL.
inline std::string quoted(const storage::ulid& id) {
  return "from_ulid('" + id.str() + "')";
}

} // namespace souk::tests
