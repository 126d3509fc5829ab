#pragma once

#include "actors/outcome.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace souk::actors {

enum class lines : bool { one, many };

/// How long a text may be, in characters (Unicode code points), and whether it may have line breaks and tabs.
struct text_rule {
  std::size_t min = 0;
  std::size_t max = 255;
  lines shape = lines::one;
};

/// The characters of well-formed UTF-8 (RFC 3629: nothing overlong, no surrogates); nullopt for anything
/// else. Checked before text reaches the database, which would refuse it together with everybody else's rows
/// in the batch.
std::optional<std::size_t> characters(std::string_view text) noexcept;

/// What is wrong with a text, if anything: not UTF-8, control characters, too short (spaces alone count as
/// nothing), too long.
std::optional<rejection> check_text(std::string_view text, const std::string& field, const text_rule& rule);

/// An absolute http or https address of at most 2,048 bytes, without spaces or quotes.
bool is_web_address(std::string_view text) noexcept;

/// A name in a shop's address: 3 to 63 of a-z, 0-9 and "-", which is neither first nor last (a DNS label, RFC
/// 1035).
bool is_slug(std::string_view text) noexcept;

} // namespace souk::actors
