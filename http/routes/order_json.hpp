#pragma once

#include "actors/order/messages.hpp"
#include "http/routes/money_text.hpp"
#include "storage/entity_reader.hpp"

#include <string>

namespace souk::http::routes {

/// An order as its shopper and its merchant see it.
std::string order_json(const actors::order_view& view);
/// The same from rows, for lists.
std::string order_json(const storage::order_snapshot& rows);
/// What happened to an order, oldest first: who did what, when.
std::string timeline_json(const actors::order_view& view);
/// How a total came about: its discounts, taxes and shipping, as fields of the object that is open.
void write_pricing(json::writer& out, const storage::order_pricing& pricing, const money_text& amount);
/// A line of goods and what it costs, as fields of the object that is open.
void write_item(json::writer& out, const storage::order_item_row& item, const money_text& amount);

std::string_view name_of(storage::order_status status) noexcept;
std::string_view name_of(storage::payment_status status) noexcept;
std::optional<storage::order_status> order_status_of(std::string_view name) noexcept;

} // namespace souk::http::routes
