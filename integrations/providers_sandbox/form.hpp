#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace souk::providers {

/// Reads `a=1&metadata[order_id]=7&types[]=card&items[0][price]=5` into nested objects and arrays; every leaf
/// is a string. Indices that count from 0 make an array, except inside `metadata`, whose keys are anything.
/// Works for query strings too.
/// @returns nullopt when it is no such form: unbalanced brackets, a value where an object is, bytes that are
/// not UTF-8, nested more than 8 deep, or more than 2000 fields.
std::optional<nlohmann::json> parse_form(std::string_view text);

/// @returns the text with %XX and + decoded; a broken escape stays as it is.
std::string url_decoded(std::string_view text);

/// @returns the text as it may stand in a query.
std::string url_encoded(std::string_view text);

/// @returns false when the bytes are not UTF-8.
bool is_utf8(std::string_view text);

} // namespace souk::providers
