#pragma once

#include "storage/life_rows.hpp"
#include "storage/simulated/fault_plan.hpp"

#include <map>
#include <set>

namespace souk::tests {

/// A handful of orders with payments and refunds, codes, gift cards, webhooks, mails and carts of one store, and commands on them
/// as actors would send them: they believe in versions and rows as they would be if every command of the batch was carried out,
/// which is not always so. What the stores may answer differently (rows that are written before what they belong to, in one batch)
/// no actor does, and neither does this.
class later_world {
public:
  later_world(storage::shard_id shard, std::uint64_t seed);

  storage::write_set founding() const; ///< the store, and half of its orders with what was paid and goes back
  std::vector<storage::write_set> next_batch(storage::entity_reader& r);

  storage::store_row store;
  std::vector<storage::order_row> orders;
  std::vector<storage::payment_row> payments; ///< the n-th is of the n-th order
  std::vector<storage::refund_row> refunds;   ///< two of each payment
  std::vector<storage::discount_row> discounts; ///< the first two want the same code
  std::vector<storage::gift_card_row> cards;    ///< the first two want the same code
  std::vector<storage::webhook_row> webhooks;
  std::vector<storage::webhook_delivery_row> deliveries;
  std::vector<storage::mail_row> mails;
  std::vector<storage::cart_row> carts;
  std::vector<std::string> names{"order_paid", "order_shipped"}, languages{"en", "de"},
    emails{"ada@example.com", "bob@example.com"};

private:
  using commands = std::vector<storage::mutation>;

  template <class T>
  T& any(std::vector<T>& of) {
    return of[random_.below(of.size())];
  }
  storage::timestamp some_time() { return at(static_cast<std::int64_t>(random_.below(1000))); }
  std::int64_t some_sum(std::int64_t most) { return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most))); }

  void look(storage::entity_reader& r);
  void believe(const storage::ulid& id, std::int64_t version); ///< 0: it is not there
  bool there(const storage::ulid& id) const { return versions_.contains(id); }
  /// Whether to send a command about the row: seldom when it is not there, which fails. It is not made later in the batch.
  bool worth_it(const storage::ulid& id);
  /// Whether the row may be made now.
  bool may_make(const storage::ulid& id) const { return !missed_.contains(id); }
  /// The version that a command expects, and leaves behind one more of, with few errors.
  std::int64_t expected(const storage::ulid& id);
  /// Whether the batch has not touched the row yet; it counts as touched then.
  bool untouched(const storage::ulid& id) { return touched_.insert(id).second; }
  const storage::ulid& of_code(const storage::discount_row& row) const;

  void add_command(commands& out);
  void about_orders(commands& out);
  void about_money(commands& out);
  void about_codes(commands& out);
  void about_cards(commands& out);
  void about_webhooks(commands& out);
  void about_mail(commands& out);
  void about_carts(commands& out);
  void use_code(commands& out, const storage::order_row& order);

  storage::simulated::random_source random_;
  storage::shard_id shard_;
  std::map<storage::ulid, std::int64_t> versions_; ///< of what is there
  std::set<storage::ulid> missed_, touched_;       ///< by commands of the batch
  std::set<std::pair<storage::ulid, std::string>> given_back_; ///< order, code: nobody uses them again
  std::set<std::pair<std::string, std::string>> asked_; ///< customer, code: by commands of the batch
  bool code_in_set_ = false; ///< a write set is about one code
};

} // namespace souk::tests
