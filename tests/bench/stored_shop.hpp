#pragma once

#include "storage/ulid.hpp"

#include <string>
#include <vector>

namespace souk::bench {

/// A shop that lies in the database and has not been woken: one store in each shard, with variants and guests' carts of two lines.
struct stored_shop {
  struct variant {
    storage::ulid store, product, id;
  };
  struct cart {
    storage::ulid store, user;
  };
  std::vector<variant> variants;
  std::vector<cart> carts;

  /// Draws the ids of it. @param count of variants, and as many carts; at least one for each store
  explicit stored_shop(std::size_t count);
  /// Writes the rows. @pre nobody serves the database @throws std::runtime_error
  void write(const std::string& database_url) const;
};

} // namespace souk::bench
