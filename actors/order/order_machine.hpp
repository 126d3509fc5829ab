#pragma once

#include "actors/error.hpp"
#include "actors/order/messages.hpp"
#include "actors/order/pricing.hpp"
#include "storage/mutations.hpp"

#include <optional>
#include <variant>

namespace souk::actors {

/// What a provider is asked next about an order: repeating it is safe, since it carries the attempt's or the refund's key.
enum class gateway_call : std::uint8_t { none, authorize, query, cancel, refund, capture, query_refund };
struct next_call {
  gateway_call what = gateway_call::none;
  storage::payment_row payment;
  storage::refund_row refund; ///< for refund and query_refund
};

/// What an event does to an order: the rows to write, and, once they are committed, the order as it then is and what others
/// must hear. Nothing has happened before the commit.
struct decision {
  storage::order_snapshot next;
  std::vector<storage::mutation> rows;
  std::optional<storage::reservation_state> settles; ///< claimed or released: the inventory actors are told
  bool nothing = false;                              ///< the event changes nothing in this state
  bool wants_goods = false; ///< money came after the goods were let go: get them again and honour(), or else refund_late()
};
using verdict = std::variant<decision, caf::error>;

/// Who does something to an order, for its timeline.
struct whom {
  std::string who = "souk"; ///< "customer", "merchant", "souk", or a provider's name
  storage::ulid by;
};

/// What an order is paid with besides its attempt, and the discounts it uses up.
struct card_payment {
  storage::ulid payment_id;
  storage::ulid card_id;
  std::string code_hash;
  std::int64_t amount = 0;
};
struct code_use {
  std::string code;
  bool once = false; ///< per customer
};
struct funding {
  std::vector<card_payment> cards;
  std::vector<code_use> codes;
};

/// An order's life: pending → paid → shipped → delivered, or cancelled, or refunded. Pure: every event gives a verdict.
///
/// A reservation is held (with a deadline), pinned while a payment attempt is in flight or its money is only promised (no timer
/// releases it), then claimed or released. A pinned one is released only after the gateway has confirmed that the attempt will
/// never take money. Money goes back by refunds, each a row of its own with its own key; never more than was taken.
class order_machine {
public:
  order_machine() = default;
  explicit order_machine(storage::order_snapshot rows) : now_(std::move(rows)) {}

  const storage::order_snapshot& rows() const noexcept { return now_; }
  /// The payment attempt (gift cards are none), or null.
  const storage::payment_row* attempt() const noexcept;
  /// The payment or refund the order waits for, and what to ask about it.
  next_call pending_call() const;
  /// Whether goods are held or pinned for it.
  bool holds_goods() const noexcept;
  /// Nothing more can come except by a person's hand.
  bool settled() const noexcept;
  /// When promised money is let go of unless it was captured; nothing when none is promised.
  std::optional<storage::timestamp> promise_ends() const noexcept;
  void become(storage::order_snapshot next) { now_ = std::move(next); }

  /// The first rows of an order whose goods are reserved in memory.
  static decision place(const place_order& command, const storage::ulid& order_id, const storage::ulid& attempt_id,
                        const storage::store_row& store, const quote& q, const funding& paid_with, storage::timestamp now,
                        std::chrono::seconds reservation);

  // -- payment ---
  verdict payment_answered(const storage::ulid& attempt, const gateway_answer& answer, storage::timestamp now) const;
  verdict refund_answered(const storage::ulid& refund, const gateway_answer& answer, storage::timestamp now) const;
  verdict resume_refund(storage::timestamp now) const;
  verdict reservation_expired(storage::timestamp now) const;
  /// @param reason ends up in the order's note
  verdict cancel(const std::string& reason, storage::timestamp now, const whom& by = {}) const;
  /// By the merchant: the money of a manual payment arrived.
  verdict confirm_manual(storage::timestamp now, const whom& by = {}) const;
  verdict capture(std::optional<std::int64_t> amount, storage::timestamp now, const whom& by) const;
  /// The goods could be had again: the order is paid after all. @pre the decision before wanted them
  decision honour(const gateway_answer& answer, storage::timestamp now) const;
  /// They could not: the money goes back.
  decision refund_late(const gateway_answer& answer, storage::timestamp now) const;

  // -- money back ---
  verdict refund(const refund_order& command, storage::timestamp now, const whom& by) const;
  /// What was taken and has not gone back, nor is on its way.
  std::int64_t refundable() const;
  /// What the customer paid for so many pieces of a line, the ones refunded before it reckoned with: the parts of a line add up.
  std::int64_t price_of(const storage::order_item_row& item, std::int64_t pieces) const;

  // -- parcels ---
  verdict ship(const mark_shipped& command, const storage::ulid& fulfilment_id, storage::timestamp now, const whom& by,
               const std::string& source = "manual", const std::string& external_id = {}) const;
  verdict parcel_left(const actors::parcel_left& news, const storage::ulid& fulfilment_id, storage::timestamp now) const;
  verdict deliver(const storage::ulid& fulfilment_id, storage::timestamp now, const whom& by) const;
  /// Pieces of a line that have not left and are still wanted.
  std::int64_t to_ship(const storage::order_item_row& item) const;

  // -- returns ---
  verdict request_return(const actors::request_return& command, storage::timestamp now, const whom& by) const;
  verdict step_return(const actors::step_return& command, storage::timestamp now, const whom& by) const;
  verdict receive_return(const actors::receive_return& command, const storage::ulid& refund_id, storage::timestamp now,
                         const whom& by) const;

  /// Whether the provider's event has been dealt with.
  bool has_heard(const std::string& provider, const std::string& event_id) const;
  /// A decision's last row: the timeline, parcels and returns, and the events that are dealt with by it. A decision that changes
  /// nothing of these gets no such row.
  decision sealed(decision d, const std::vector<storage::heard_event>& heard) const;

private:
  decision paid(storage::timestamp now) const;
  decision released(const std::string& note, storage::payment_status payment, storage::timestamp now) const;
  decision with_attempt(storage::attempt_state state, const gateway_answer& answer, storage::timestamp now) const;

  storage::order_snapshot now_;
};

/// What shopper and merchant see of it.
order_view view_of(const storage::order_snapshot& rows);

} // namespace souk::actors
