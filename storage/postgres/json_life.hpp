#pragma once

#include "storage/mutations.hpp"

#include <string>
#include <string_view>

namespace souk::storage::postgres {

// The nested parts of what comes after an order is placed, and of a store's settings, as JSON text and back. Field names are those
// of the structs, times are microseconds since the epoch; what is missing keeps its default, so that rows of other releases read
// well. Reading throws storage_error.

std::string to_json(const store_settings& settings);
std::string to_json(const order_pricing& pricing); ///< on the checkout path: without what is empty
std::string to_json(const std::vector<refund_line>& lines);
std::string to_json(const std::vector<fulfilment>& fulfilments);
std::string to_json(const std::vector<order_return>& returns);
std::string to_json(const std::vector<timeline_entry>& timeline);
std::string to_json(const std::vector<heard_event>& heard);
std::string to_json(const discount_rule& rule);

void from_json(std::string_view text, store_settings& out);
void from_json(std::string_view text, order_pricing& out);
void from_json(std::string_view text, std::vector<refund_line>& out);
void from_json(std::string_view text, std::vector<fulfilment>& out);
void from_json(std::string_view text, std::vector<order_return>& out);
void from_json(std::string_view text, std::vector<timeline_entry>& out);
void from_json(std::string_view text, std::vector<heard_event>& out);
void from_json(std::string_view text, discount_rule& out);

} // namespace souk::storage::postgres
