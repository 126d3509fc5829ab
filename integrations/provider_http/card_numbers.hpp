#pragma once

#include <string>
#include <string_view>

namespace souk::integrations {

/// Whether 13 to 19 digits of the text, perhaps with spaces or dashes between them, could be a card's number (ISO/IEC 7812: their
/// Luhn sum is right). souk never takes card numbers, and what a shopper typed into the wrong field is passed on to nobody.
bool holds_card_number(std::string_view text) noexcept;

/// The text, or nothing at all when it holds a card's number.
std::string without_card_numbers(std::string text);

} // namespace souk::integrations
