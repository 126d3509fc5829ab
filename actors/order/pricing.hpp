#pragma once

#include "actors/error.hpp"
#include "storage/rows/catalog.hpp"
#include "storage/rows/discount.hpp"
#include "storage/rows/order.hpp"
#include "storage/rows/store.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace souk::actors {

/// A line with what the variant costs at this moment.
struct priced_line {
  storage::variant_row variant;
  std::string product_title;
  std::int64_t quantity = 0;
};

/// What a shopper wants the price of.
struct basket {
  std::vector<priced_line> lines;
  std::string country; ///< ISO 3166-1; empty: not known yet, so neither shipping nor zones of tax apply
  std::string region;  ///< "CA" in the United States: for taxes
  std::string shipping_method; ///< a rate's name; empty = the first that is offered
  std::vector<storage::discount_row> codes; ///< the discounts whose codes the shopper gave, in that order
  std::vector<std::int64_t> gift_cards;     ///< balances, in the order in which they are spent
  storage::timestamp now{};
};

/// A shipping rate that is offered for the basket.
struct shipping_offer {
  std::string name;
  std::int64_t price = 0; ///< after "free from"
};

/// A code that gave nothing, and why: "expired", "not_started", "minimum_not_reached", "no_product", "does_not_combine",
/// "inactive", "used_up", or "no_benefit": the order would not be cheaper with it (shipping that is free already).
struct refused_code {
  std::string code;
  std::string why;
};

struct quote {
  std::vector<storage::order_item_row> items; ///< order_id and store_id are the caller's to fill
  std::int64_t subtotal = 0; ///< minor units, as all amounts; before discounts
  std::int64_t discount = 0; ///< off the lines
  std::int64_t shipping = 0; ///< after discounts
  std::int64_t tax = 0;      ///< within the prices when they include it
  std::int64_t total = 0;    ///< subtotal - discount + shipping (+ tax, unless prices include it)
  std::string shipping_method;
  storage::order_pricing pricing;         ///< how it came about
  std::vector<std::int64_t> gift_cards;   ///< what each card pays, in the basket's order
  std::int64_t to_pay = 0;                ///< total without what the gift cards pay
  std::vector<shipping_offer> offers;
  std::vector<refused_code> refused;
};

/// Tax of an amount, rounded half up to the minor unit, per line (so that the lines of an invoice add up to its tax).
/// @param inclusive the amount contains the tax already
std::int64_t tax_of(std::int64_t amount, std::int32_t rate_ppm, bool inclusive) noexcept;

/// What a basket costs: the store's prices, taxes, shipping and discounts; nothing of it comes from the client. Pure.
///
/// Lines first get their discounts (automatic ones and codes; each amount is spread over the lines it is for in proportion to what
/// they still cost, to the minor unit, by largest remainder), then shipping is chosen and discounted, then tax is taken per line of
/// what is left and of the shipping if that is taxed, then gift cards pay.
/// Of the sets of discounts that may be given together the one with the lowest total counts, so that none ever makes it dearer (less
/// to pay for the goods may mean that shipping is no longer free); of equal ones that with the fewest discounts. A code given twice
/// counts once. The order of the lines decides nothing but their numbers.
/// Nothing is shipped, and no zone is needed, when no line requires it.
/// @returns errc::no_shipping when no zone covers the country or no rate the weight, errc::invalid for an unknown method, a line
/// without quantity or a sum beyond 2^53
std::variant<quote, caf::error> price(const storage::store_row& store, const basket& b);

} // namespace souk::actors
