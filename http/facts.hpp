#pragma once

#include "actors/money/currency.hpp"
#include "http/exchange.hpp"
#include "http/lending_pool.hpp"
#include "http/lru_cache.hpp"
#include "storage/catalog_reader.hpp"

namespace souk::http {

class shop_client;

/// What never changes of a store.
struct store_facts {
  storage::ulid id;
  storage::ulid owner;
  actors::currency unit;
};

/// Remembers who owns a store, which currency it counts in, and whose a product is. None of it ever changes,
/// so it is asked once.
class facts {
public:
  facts(const shop_client& actors, lending_pool<storage::catalog_reader>& catalog);

  /// @throws refusal not_found when there is no such store, or why it could not be asked
  store_facts store(const storage::ulid& id, deadline until);
  /// Of an id-only route. @throws refusal not_found when there is no such product
  storage::ulid store_of_product(const storage::ulid& product, deadline until);
  void remember(const storage::store_row& store);

private:
  const shop_client& actors_;
  lending_pool<storage::catalog_reader>& catalog_;
  lru_cache<storage::ulid, store_facts> stores_{100'000};
  lru_cache<storage::ulid, storage::ulid> stores_of_products_{200'000};
};

} // namespace souk::http
