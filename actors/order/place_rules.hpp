#pragma once

#include "actors/error.hpp"
#include "actors/order/messages.hpp"

#include <vector>

namespace souk::actors {

/// Checks what a client may have got wrong, before anything is reserved. @returns none, or errc::{invalid, limit_exceeded, forbidden}
caf::error check_place(const place_order& c);

/// Sums the lines of one variant and sorts by variant_id, the order in which goods are reserved.
void merge_lines(std::vector<order_line_request>& lines);

} // namespace souk::actors
