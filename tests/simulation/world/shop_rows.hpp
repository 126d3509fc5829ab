#pragma once

#include "actors/caller.hpp"
#include "actors/order/messages.hpp"
#include "simulation/world/world.hpp"

#include <vector>

namespace souk::simulation {

/// A variant that shoppers of a simulation buy.
struct shelf_variant {
  storage::ulid product;
  storage::ulid id;
  std::string handle; ///< of the product
  std::string sku;
  std::int64_t price = 0;
};

/// A shop that is there when a run begins.
struct shop {
  storage::ulid id;
  actors::caller owner;
  std::vector<shelf_variant> variants;
};

struct shop_plan {
  int variants = 1;
  std::int64_t stock = 20; ///< of each
  bool backorder = false;
  std::int64_t low_stock_threshold = -1;
  std::int32_t tax_rate_ppm = 200'000;
  std::int64_t price = 1'250; ///< of the first; each next one costs 100 more
};

/// Puts the rows of a shop into the database, through the journal as everything: before a node has taken the shard.
shop open_shop(world& w, storage::shard_id shard, const shop_plan& plan = {});

/// Puts a signed-up shopper into the database.
actors::caller sign_up(world& w);

actors::caller signed_in(const storage::ulid& user);

/// An order as a shopper sends it.
actors::place_order order_of(const actors::caller& by, const shop& from, std::vector<std::pair<std::size_t, std::int64_t>> lines,
                             const std::string& token = "tok_ok");

/// The rows of an order, or nullopt.
std::optional<storage::order_snapshot> order_in(world& w, const storage::ulid& id);
storage::level_row level_in(world& w, const storage::ulid& variant);

} // namespace souk::simulation
