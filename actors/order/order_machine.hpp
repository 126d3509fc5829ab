#pragma once

#include "actors/error.hpp"
#include "actors/order/messages.hpp"
#include "actors/order/pricing.hpp"
#include "storage/mutations.hpp"

#include <optional>
#include <variant>

namespace souk::actors {

/// The call a payment attempt waits for, given its state: repeating it is safe, since it carries the attempt's key.
enum class gateway_call : std::uint8_t { none, authorize, query, cancel, refund };
gateway_call call_for(storage::attempt_state state) noexcept;

/// What an event does to an order: the rows to write, and, once they are committed, the order as it then is and what others
/// must hear. Nothing has happened before the commit.
struct decision {
  storage::order_snapshot next;
  std::vector<storage::mutation> rows;
  std::optional<storage::reservation_state> settles; ///< claimed or released: the inventory actors are told
  bool nothing = false;                              ///< the event changes nothing in this state
};
using verdict = std::variant<decision, caf::error>;

/// An order's life: pending → paid → shipped → delivered, or cancelled, or refunded. Pure: every event gives a verdict.
///
/// A reservation is held (with a deadline), pinned while a payment attempt is in flight (no timer releases it), then claimed or
/// released. A pinned one is released only after the gateway has confirmed that the attempt will never take money.
class order_machine {
public:
  order_machine() = default;
  explicit order_machine(storage::order_snapshot rows) : now_(std::move(rows)) {}

  const storage::order_snapshot& rows() const noexcept { return now_; }
  /// The last payment attempt, or null.
  const storage::payment_row* attempt() const noexcept;
  /// Whether goods are held or pinned for it.
  bool holds_goods() const noexcept;
  /// Nothing more can come except by a person's hand.
  bool settled() const noexcept;
  void become(storage::order_snapshot next) { now_ = std::move(next); }

  /// The first rows of an order whose goods are reserved in memory.
  static decision place(const place_order& command, const storage::ulid& order_id, const storage::ulid& attempt_id,
                        const storage::store_row& store, const quote& q, storage::timestamp now,
                        std::chrono::seconds reservation);

  verdict payment_answered(const storage::ulid& attempt, const gateway_answer& answer, storage::timestamp now) const;
  verdict reservation_expired(storage::timestamp now) const;
  /// @param reason ends up in the order's note
  verdict cancel(const std::string& reason, storage::timestamp now) const;
  /// By the merchant: the money of a manual payment arrived.
  verdict confirm_manual(storage::timestamp now) const;
  verdict ship(const mark_shipped& command, storage::timestamp now) const;
  verdict deliver(storage::timestamp now) const;

private:
  decision paid(storage::timestamp now) const;
  decision released(const std::string& note, storage::payment_status payment, storage::timestamp now) const;
  decision with_attempt(storage::attempt_state state, const gateway_answer& answer, storage::timestamp now) const;

  storage::order_snapshot now_;
};

/// What shopper and merchant see of it.
order_view view_of(const storage::order_snapshot& rows);

} // namespace souk::actors
