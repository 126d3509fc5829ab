#pragma once

#include "simulation/world/market.hpp"

namespace souk::simulation {

/// Compares what the rows say with what people, the payment provider and the consumers saw.
///
/// Beside the checker's invariants of the rows:
///   money_moved_as_recorded   the provider's ledger and the payments agree, nothing was captured or refunded twice
///   told_is_true              what a shopper was told of his order did not turn out false afterwards
///   price_was_asked_for       an order line costs what the shop once asked for that variant, whatever was being edited meanwhile
///   stock_act_counted_once    an adjustment that was confirmed is in the ledger once, one that was refused is not
///   memory_is_rows            inventory actors and carts believe what the rows say
///   order_is_in_index         a signed-up shopper finds each of his orders in his own index
///   cart_lines_were_asked_for no cart holds more than was ever put into it
///   shard_is_served           every shard in use has an owner that answers
///   shards_are_owned          … which it has within the time a dead node is given and five seconds after the faults end, and after the
///                             grace of whoever was being stopped then: a node that is alone leaves its shards to its successor
///   cluster_settles           … and it is the only one that believes so; links are up, and no message waits for an owner
///   everybody_is_answered     nobody who asked after that waited in vain
class verdict {
public:
  verdict(world& w, const market& people) : world_(w), people_(people) {}

  std::vector<storage::checker::violation> at_any_time();
  /// The shards find their owners. @pre faults have just ended
  std::vector<storage::checker::violation> settles();
  /// @pre faults have ended and enough time has passed
  std::vector<storage::checker::violation> at_rest();

private:
  storage::checker::observations seen(bool at_rest) const;
  void check_money(const storage::simulated::tables& rows);
  void check_prices(const storage::simulated::tables& rows);
  void check_told(const storage::simulated::tables& rows);
  void check_stock_acts(const storage::simulated::tables& rows);
  void check_memory(const storage::simulated::tables& rows);
  void check_carts(const storage::simulated::tables& rows);
  void check_index(const storage::simulated::tables& rows);
  void add(const char* invariant, std::string what) { found_.push_back({invariant, std::move(what)}); }

  world& world_;
  const market& people_;
  std::vector<storage::checker::violation> found_;
};

} // namespace souk::simulation
