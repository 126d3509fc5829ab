#include "http/facts.hpp"

#include "http/shop_client.hpp"

#include <stdexcept>

namespace souk::http {

namespace {

store_facts facts_of(const storage::store_row& store) {
  const auto unit = actors::currency::of(store.currency);
  if (!unit)
    throw std::runtime_error("a store counts in " + store.currency);
  return {store.id, store.owner_id, *unit};
}

} // namespace

facts::facts(const shop_client& actors, lending_pool<storage::catalog_reader>& catalog)
  : actors_(actors), catalog_(catalog) {
  // nop
}

store_facts facts::store(const storage::ulid& id, deadline until) {
  if (auto known = stores_.find(id))
    return *known;
  const auto found = facts_of(actors_.get_store(id, until).take());
  stores_.put(id, found);
  return found;
}

storage::ulid facts::store_of_product(const storage::ulid& product, deadline until) {
  if (auto known = stores_of_products_.find(product))
    return *known;
  const auto store = catalog_.borrow(until)->store_of_product(product);
  if (!store)
    throw refusal{.why = actors::errc::not_found, .message = "There is no such product."};
  stores_of_products_.put(product, *store);
  return *store;
}

void facts::remember(const storage::store_row& store) {
  stores_.put(store.id, facts_of(store));
}

} // namespace souk::http
