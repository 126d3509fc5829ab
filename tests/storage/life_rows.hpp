#pragma once

#include "storage/shop_rows.hpp"

namespace souk::tests {

// Plain, valid rows of an order's later life and of what goes out; a case changes what it is about.

storage::refund_row new_refund(const storage::payment_row& payment, std::int64_t amount);
storage::order_life_row new_life(const storage::order_row& order); ///< without anything in it, as the first is put
storage::fulfilment new_parcel(const storage::order_row& order, std::int64_t pieces, std::int32_t line = 1);
storage::order_return new_return(const storage::order_row& order, std::int64_t pieces, storage::return_state state);
storage::discount_row new_discount(const storage::ulid& store, const std::string& code, std::int64_t limit = -1);
storage::put_discount_use use_of(const storage::discount_row& discount, const storage::ulid& order,
                                 const std::string& customer = "ada@example.com", bool once = false);
storage::put_discount_use given_back(const storage::put_discount_use& use);
storage::gift_card_row new_gift_card(const storage::ulid& store, std::int64_t worth);
storage::move_gift_card spent(const storage::gift_card_row& card, std::int64_t amount, const storage::ulid& order);
storage::move_gift_card put_back(const storage::gift_card_row& card, std::int64_t amount, const storage::ulid& order);
storage::webhook_row new_webhook(const storage::ulid& store);
storage::webhook_delivery_row new_delivery(const storage::webhook_row& webhook, const std::string& event = "7-1-0");
storage::mail_row new_mail(const storage::ulid& store);

} // namespace souk::tests
