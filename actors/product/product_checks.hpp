#pragma once

#include "actors/outcome.hpp"
#include "storage/rows/catalog.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::actors {

/// What the single fields of a product may hold. How its variants fit together is in product_rules.hpp.
namespace product_checks {

inline constexpr std::size_t title_max = 255;             ///< characters
inline constexpr std::size_t description_max = 64 * 1024; ///< bytes
inline constexpr std::size_t options_max = 3;
inline constexpr std::size_t variants_max = 100;
inline constexpr std::size_t tags_max = 250;
inline constexpr std::size_t images_max = 250;
inline constexpr std::size_t attributes_max = 50;
inline constexpr std::int64_t stock_max = 1'000'000'000;
inline constexpr std::int64_t grams_max = 1'000'000'000;

/// @param row its handle as make_handle gives it
std::optional<rejection> check_product(const storage::product_row& row);

/// @param field "variants[2]"
std::optional<rejection> check_variant(const storage::variant_row& row, const std::string& field);

/// What stands in a product's address: the text's letters and digits in lower case, "-" between them. Text
/// that is one already stays as it is; text without any letter or digit gives "".
std::string make_handle(std::string_view text);

} // namespace product_checks

} // namespace souk::actors
