#pragma once

#include "actors/money/currency.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/money_text.hpp"
#include "storage/rows/discount.hpp"

namespace souk::http::routes {

/// What a discount gives and when; what its kind does not have is null.
void write_rule(json::writer& out, const storage::discount_rule& rule, const money_text& amount);
void write_discount(json::writer& out, const storage::discount_row& row, const money_text& amount);
void write_automatic(json::writer& out, const storage::automatic_discount& row, const money_text& amount);

/// The object `rule` of a body, whole: what it does not say has its default. Ranges are the rules' own (discount_rules::check_rule).
/// @throws refusal when it is missing, or says what its kind does not have
storage::discount_rule read_rule(const json::fields& body, const actors::currency& unit);

} // namespace souk::http::routes
