#pragma once

#include <string>
#include <string_view>

namespace souk::actors {

/// A gift card's code: 16 characters of Crockford's base32 (80 random bits, which nobody guesses; https://www.crockford.com/base32.html).
/// It is money, so it is shown once and only its hash is kept.
namespace gift_card_code {

/// A new one from the system's random source, without dashes.
std::string fresh();
/// "ABCD-EFGH-JKMN-PQRS", for people.
std::string grouped(std::string_view code);
/// What somebody typed as the code that it means: capitals, without dashes and spaces, O read as 0, I and L as 1.
/// @returns empty when it can be no code.
std::string normalised(std::string_view typed);
/// Hex SHA-256 of a normalised code: what is at rest, and the card's address.
std::string hash_of(std::string_view code);

} // namespace gift_card_code

} // namespace souk::actors
