#pragma once

#include "soukd/shop_stack.hpp"
#include "tests/bench/bench.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace souk::bench {

/// The settings of a node that is alone on its databases.
config::settings lone_node(std::vector<std::string> database_urls);

/// A node of a shop driven without HTTP: messages straight to the actors, durable as in production.
class direct_shop {
public:
  explicit direct_shop(const options& o) : direct_shop(lone_node({o.database_url})) {}
  /// @param listeners who also hear of every event
  explicit direct_shop(const config::settings& s, std::vector<std::shared_ptr<actors::event_consumer>> listeners = {});
  ~direct_shop();

  server::shop_stack& stack() { return *stack_; }

  struct sold {
    storage::ulid store;
    storage::ulid product;
    storage::ulid variant;
  };
  /// Opens stores with `variants_each` variants each (one per product), with plenty of stock.
  std::vector<sold> open_stores(int stores, int variants_each);
  std::vector<storage::ulid> sign_up_shoppers(int count);

private:
  std::unique_ptr<server::shop_stack> stack_;
};

/// How many orders/s are placed, one variant each, drawn at random from `goods`, `window` under way at a time.
/// @param placed called for each order as soon as its answer is there, on an actor's thread; may be empty
struct placing_result {
  double per_second = 0;
  std::uint64_t placed = 0;
  std::uint64_t refused = 0;
  double cpu_us = 0; ///< of this process, per order
  latencies took;
};
placing_result place_orders(direct_shop& shop, const std::vector<direct_shop::sold>& goods,
                            const std::vector<storage::ulid>& shoppers, int drivers, int window,
                            std::chrono::milliseconds warm_up, std::chrono::milliseconds duration,
                            std::function<void(const storage::ulid& order)> placed = {});

} // namespace souk::bench
