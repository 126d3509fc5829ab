#pragma once

// What transaction.cpp and transaction_orders.cpp share; nobody else includes this.

#include "storage/simulated/transaction.hpp"

namespace souk::storage::simulated {

inline void check(bool holds, const char* what, const ulid& id, const char* why) {
  if (!holds)
    throw constraint_violation(std::string{what} + ' ' + id.str() + ' ' + why);
}

inline transaction::answer transaction::taken(bool exists, const ulid& id) {
  return exists ? answer{refusal::exists, id.str()} : answer{};
}

inline const ulid& store_of(const user_row& x) {
  return x.id;
} // a user is its own tenant
inline const ulid& store_of(const store_row& x) {
  return x.id;
}
template <class Row>
const ulid& store_of(const Row& x) {
  return x.store_id;
}

template <class Row>
Row& transaction::row_of(std::map<ulid, Row>& table, const ulid& id, const ulid& store, const char* what) {
  at_home(id, what);
  auto at = table.find(id);
  check(at != table.end(), what, id, "is missing");
  check(store_of(at->second) == store, what, id, "is another store's");
  undo_.save(table, id);
  return at->second;
}

template <class Map>
void transaction::put(Map& map, const typename Map::key_type& key, typename Map::mapped_type value) {
  undo_.save(map, key);
  map.insert_or_assign(key, std::move(value));
}

template <class Container>
void transaction::erase(Container& container, const typename Container::key_type& key) {
  undo_.save(container, key);
  container.erase(key);
}

} // namespace souk::storage::simulated
