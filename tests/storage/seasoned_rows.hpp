#pragma once

#include "storage/life_rows.hpp"

namespace souk::tests {

/// A shop that has seen most of what can happen after "place order", in good order: a sale paid with a card and a gift card and
/// shipped, of which a piece came back to the shelf by a refund and another one with a return; a cancelled order that gave its code
/// back; and one whose money is promised.
struct seasoned_rows {
  /// @param later when holds end and the next delivery is due
  seasoned_rows(storage::shard_id shard, storage::timestamp later);

  /// All of it, in the order in which it happened.
  std::vector<storage::write_set> history() const;

  storage::store_row store;
  storage::product_row product;
  storage::variant_row variant;
  storage::order_row sold, cancelled, promised; ///< as they were placed
  storage::payment_row paid, with_card, authorized;
  storage::refund_row first, second;
  storage::order_life_row life; ///< of the sold one
  storage::discount_row discount;
  storage::gift_card_row card;
  storage::webhook_row webhook;
  storage::webhook_delivery_row delivery;
  storage::mail_row mail;

private:
  storage::write_set placed(const storage::order_row& order, std::vector<storage::mutation> with) const;
  storage::write_set after_the_sale() const;

  storage::timestamp later_;
};

} // namespace souk::tests
