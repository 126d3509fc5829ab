#pragma once

#include "integrations/payment/sandbox_server/payment_book.hpp"

#include <string>

namespace souk::sandbox {

/// The page behind `action_url`, where a person plays the shopper's bank: it shows the amount and two
/// buttons, or, once decided, what became of the payment and the way back to the shop.
std::string action_page(const payment& subject);

/// The shop's return_url with `payment` and `status` added to its query; empty when the shop gave none.
std::string way_back(const payment& subject);

} // namespace souk::sandbox
