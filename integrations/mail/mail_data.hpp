#pragma once

#include "integrations/mail/template_data.hpp"
#include "integrations/mail/templates/words.hpp"
#include "storage/entity_reader.hpp"

#include <string>
#include <utility>
#include <vector>

namespace souk::integrations {

/// "19.99 EUR", "19,99 EUR"
std::string shown_amount(std::int64_t minor_units, const std::string& currency, const mail_language& language);

/// A line's number and how many pieces of it.
using pieces = std::vector<std::pair<std::int32_t, std::int64_t>>;

/// What all mails of a store know: its name, its logo.
template_data store_data(const storage::store_row& store);

/// An order with all its lines, prices and its address.
void add_order(template_data& to, const storage::order_snapshot& order, const mail_language& language);
/// Shows only these pieces, without prices: what is in a parcel or comes back.
void show_only(template_data& to, const storage::order_snapshot& order, const pieces& some);

/// Every variable that some mail of ours has; a merchant's template can name no other.
const std::set<std::string>& known_variables();

/// What a mail is shown with in a preview.
template_data sample_data(const std::string& name, const mail_language& language, const std::string& currency);

} // namespace souk::integrations
