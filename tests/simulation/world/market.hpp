#pragma once

#include "simulation/world/shop_rows.hpp"
#include "storage/checker/invariants.hpp"

#include <optional>
#include <set>
#include <tuple>

namespace souk::simulation {

/// What people do in a run, as shares of all they do.
struct market_plan {
  int purchases = 80;
  int merchant_acts = 25;
  int cart_acts = 25;
  int catalog_acts = 12;           ///< price changes, archived products, imports
  std::chrono::seconds span{3600}; ///< they begin at random moments within it
  double with_key = 0.7;           ///< purchases under an Idempotency-Key
  double twins = 0.15;             ///< of those: sent twice at the same time
};

/// Shoppers and merchants: each does something at a moment drawn from the seed, hears an answer, none, or an error, and goes on
/// from what he heard. What they were told is kept for the verdict.
class market {
public:
  market(world& w, std::vector<shop> shops, std::vector<actors::caller> shoppers, const market_plan& plan);

  /// An attempt to change stock, marked by a note of its own in the ledger.
  struct stock_act {
    std::string note;
    bool is_set = false;
    bool acknowledged = false;
    bool refused = false; ///< a plain no: nothing may have been written
  };
  /// What the shop has said about an order.
  struct told {
    storage::order_status status = storage::order_status::pending;
    bool cancelled = false; ///< a cancellation was accepted
    bool money_back = false; ///< a merchant was asked to give some back: a shipped order may end as refunded
  };

  const std::vector<shop>& shops() const noexcept { return shops_; }
  const std::vector<actors::caller>& shoppers() const noexcept { return shoppers_; }
  const std::vector<storage::checker::operation>& operations() const noexcept { return operations_; }
  const std::vector<stock_act>& stock_acts() const noexcept { return stock_acts_; }
  const std::map<storage::ulid, told>& told_of_orders() const noexcept { return told_; }
  /// How many pieces were ever put into a cart by commands of which each is done once at most.
  std::int64_t put_into_carts(const storage::ulid& store, const storage::ulid& user, const storage::ulid& variant) const {
    auto at = put_.find({store, user, variant});
    return at == put_.end() ? 0 : at->second;
  }
  /// Whether the variant was ever to cost that much: at first, or by a merchant's edit or import, done or not.
  bool ever_priced(const storage::ulid& variant, std::int64_t price) const { return priced_.contains({variant, price}); }
  std::uint64_t acts() const noexcept { return acts_; }

private:
  struct purchase {
    int number = 0;
    std::size_t shop = 0;
    actors::place_order command;
    std::string marker;
    storage::ulid order; ///< drawn at the edge when there is no key
    bool as_new = false; ///< … which then says that there is nothing to load
    int tries = 0;
    bool acknowledged = false;
  };
  using purchase_ptr = std::shared_ptr<purchase>;

  void begin_purchase(int number);
  void attempt(purchase_ptr p);
  void answered(purchase_ptr p, const answer<actors::order_view>& a);
  void again(purchase_ptr p, const std::string& why);
  void go_on(purchase_ptr p, const actors::order_view& v);
  void repeat(const std::string& what, std::function<void(int)> send, int tries);
  void cancel(purchase_ptr p, bool by_merchant, int tries = 0);
  void confirm(purchase_ptr p, bool by_merchant, int tries = 0);
  void ship(purchase_ptr p, int tries = 0);
  void capture(purchase_ptr p, int tries = 0);
  void refund(purchase_ptr p);
  void refund(purchase_ptr p, const actors::refund_order& command, int tries);
  void send_back(purchase_ptr p);
  void receive(purchase_ptr p, const storage::ulid& return_id, int tries);
  /// The provider's events: some twice, out of order, late, and again until one is answered.
  void provider_tells(const storage::ulid& attempt, const storage::ulid& order);
  void tell(const actors::provider_told& news, int tries);
  void look(purchase_ptr p);
  void heard(const std::string& who, const actors::order_view& v);
  void act_as_merchant(int number);
  void act_on_cart(int number);
  void act_on_catalog(int number);
  void import_products(int number, const shop& into);
  actors::caller some_shopper();
  microseconds up_to(std::chrono::milliseconds most);

  world& world_;
  std::vector<shop> shops_;
  market_plan plan_;
  std::vector<actors::caller> shoppers_;
  std::vector<storage::checker::operation> operations_;
  std::vector<stock_act> stock_acts_;
  std::map<storage::ulid, told> told_;
  std::map<std::tuple<storage::ulid, storage::ulid, storage::ulid>, std::int64_t> put_; ///< store, user, variant
  std::set<std::pair<storage::ulid, std::int64_t>> priced_;
  std::uint64_t acts_ = 0;
  std::uint64_t provider_events_ = 0;
};

/// "out_of_stock", "moved", …
std::string name_of(const caf::error& why);
std::string name_of(storage::order_status s);

} // namespace souk::simulation
