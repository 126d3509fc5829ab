#pragma once

#include "actors/order/order_machine.hpp"

#include <string>
#include <utility>
#include <vector>

// What the verdicts of an order are put together from; for order_*.cpp only.
namespace souk::actors::order_steps {

inline constexpr const char* expired = "reservation_expired"; ///< the note of an order whose deadline has passed
inline constexpr const char* gift_card = "gift_card";         ///< the provider of what gift cards pay

using event_fields = std::vector<std::pair<std::string, std::string>>;

bool open(const storage::reservation_row& r) noexcept;
bool final(storage::attempt_state s) noexcept;
/// Still the customer's money: neither failed nor done.
bool under_way(const storage::refund_row& r) noexcept;

decision no_change();
/// Starts from the order as it is.
decision begin(const storage::order_snapshot& now);
/// Two decisions about the same order that are written together; of the first only its rows and its attempt count.
decision both(decision first, decision second);

void emit(decision& d, std::string topic, storage::timestamp now, event_fields more = {});
/// The order's row as it becomes, with the version the database must find.
void change_order(decision& d, storage::timestamp now);
void set_reservations(decision& d, storage::reservation_state to, storage::timestamp deadline);
/// Stock of what `before` holds: reserved falls, and on hand with it when it is sold.
void move_reserved(decision& d, const storage::order_snapshot& before, std::int64_t on_hand_sign, const char* reason,
                   storage::timestamp now);
void write_down(decision& d, std::string what, const whom& by, std::string text, storage::timestamp now);
void give_cards_back(decision& d, storage::timestamp now);
void give_codes_back(decision& d, storage::timestamp now);
/// Who uses a discount: the address of a guest, else the account.
std::string customer_of(const storage::order_row& o);
/// Sends so much of what was taken back, the attempt's money first, then the gift cards', whose part goes back at once; likewise
/// all of a manual payment, which the merchant gives back by hand. @param first_id of the first refund; others are derived from it
void give_back(decision& d, std::int64_t amount, const storage::ulid& first_id, std::vector<storage::refund_line> lines,
               const std::string& reason, const std::string& note, const whom& by, storage::timestamp now);
/// A refund is done: the money counts as gone, and an order of which nothing is left is refunded.
void refund_done(decision& d, storage::refund_row& r, storage::timestamp now);
/// Pieces of a line that were sold and have not come back, by a return or with a refund.
std::int64_t pieces_out(const storage::order_snapshot& rows, const storage::order_item_row& item);
/// Pieces of a line that have left in parcels.
std::int64_t pieces_left(const storage::order_snapshot& rows, std::int32_t line);
/// What was taken by a payment and has not gone back, nor is on its way.
std::int64_t left_of(const storage::order_snapshot& rows, const storage::payment_row& p);

storage::payment_row* attempt_of(storage::order_snapshot& rows) noexcept;

} // namespace souk::actors::order_steps
