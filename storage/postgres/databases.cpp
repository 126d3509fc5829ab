#include "storage/postgres/postgres.hpp"

#include <stdexcept>

namespace souk::storage::postgres {

databases::databases(const std::vector<std::string>& urls) {
  if (urls.empty())
    throw std::invalid_argument("at least one database is needed");
  for (const auto& url : urls)
    all_.push_back({url});
}

std::size_t databases::index_of(shard_id) const noexcept {
  return 0;
}

const database& databases::database_of(shard_id shard) const noexcept {
  return all_[index_of(shard)];
}

} // namespace souk::storage::postgres
