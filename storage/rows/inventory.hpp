#pragma once

#include "storage/ulid.hpp"

#include <string>

namespace souk::storage {

/// What is there of a variant. available = on_hand - reserved; CHECK (backorder OR reserved <= on_hand).
struct level_row {
  ulid variant_id;
  ulid store_id;
  std::int64_t on_hand = 0;
  std::int64_t reserved = 0;
  bool backorder = false;                 ///< policy "continue": may be sold below zero
  std::int64_t low_stock_threshold = -1; ///< -1 = no alert
  bool operator==(const level_row&) const = default;
};

/// held: waits for payment, has a deadline. pinned: a payment attempt is in flight, no timer releases it. claimed: paid,
/// the goods left on_hand. released: the goods are free again. The last two are final.
enum class reservation_state : std::uint8_t { held = 1, pinned = 2, claimed = 3, released = 4 };

struct reservation_row {
  ulid order_id;
  ulid variant_id;
  ulid store_id;
  std::int64_t quantity = 0;
  reservation_state state = reservation_state::held;
  timestamp deadline{};
  bool operator==(const reservation_row&) const = default;
};

/// One line of a variant's history, oldest first; `after` figures are running sums in commit order.
struct ledger_entry {
  ulid variant_id;
  std::int64_t on_hand_delta = 0;
  std::int64_t reserved_delta = 0;
  std::int64_t on_hand_after = 0;
  std::int64_t reserved_after = 0;
  std::string reason; ///< initial, adjusted, set, reserved, sold, released, returned, restocked, imported
  ulid order_id;      ///< nil when no order was involved
  ulid by;            ///< the user or nil for souk itself
  std::string note;
  timestamp at{};
};

template <class I>
typename I::result_type inspect(I& f, level_row& x) {
  return f(x.variant_id, x.store_id, x.on_hand, x.reserved, x.backorder, x.low_stock_threshold);
}
template <class I>
typename I::result_type inspect(I& f, reservation_row& x) {
  return f(x.order_id, x.variant_id, x.store_id, x.quantity, x.state, x.deadline);
}

} // namespace souk::storage
