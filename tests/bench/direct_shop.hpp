#pragma once

#include "actors/order/messages.hpp"
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
  /// Gives a store an account with a payment provider. @param secrets JSON, as the provider's gateway wants it @pre a secret key
  void give_account(const storage::ulid& store, const std::string& provider, const std::string& secrets);

private:
  std::unique_ptr<server::shop_stack> stack_;
  storage::ulid owner_{}; ///< of all stores
};

/// How many orders/s are placed, one variant each, drawn at random from `goods`, `window` under way at a time.
/// @param placed called for each order as soon as its answer is there, on an actor's thread; may be empty
/// @param payment how each of them is paid
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
                            std::function<void(const actors::order_view& order, std::chrono::steady_clock::duration took)> placed = {},
                            const actors::payment_method& payment = {"manual", ""});

} // namespace souk::bench
