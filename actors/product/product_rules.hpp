#pragma once

#include "actors/outcome.hpp"
#include "actors/product/messages.hpp"
#include "storage/rows/inventory.hpp"
#include "storage/rows/store.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace souk::actors {

/// A variant that is new: its level starts with the product's rows.
struct first_stock {
  storage::level_row level;
  std::int64_t on_hand = 0;
};

/// What a merchant wants of the stock of a variant that is there: for its inventory actor, who alone changes
/// stock.
struct stock_wish {
  storage::ulid variant_id;
  std::size_t draft = 0; ///< which of the command's variants said so
  std::optional<std::int64_t> on_hand;
  std::optional<bool> backorder;
  std::optional<std::int64_t> low_stock_threshold;
};

/// What a command makes of a product.
struct product_edit {
  bool changed = false;     ///< false: product and variants are as they were, with the same version
  bool handle_made = false; ///< from the title, so another will do when it is taken
  storage::product_row product;
  std::vector<storage::variant_row> variants; ///< all of them by position, removed ones included
  std::vector<storage::variant_row> put;      ///< of these the ones to write, those that give up a SKU first
  std::vector<first_stock> levels;
  std::vector<stock_wish> wishes;
};

/// How a product and its variants change, without a mailbox around them.
namespace product_rules {

using draw_id = std::function<storage::ulid()>; ///< a fresh id in the store's shard

/// Rows kept of a product, removed variants included: they stay for the orders that name them.
inline constexpr std::size_t variant_rows_max = 1000;

/// @param store the store it is created in. Errors: forbidden, invalid.
outcome<product_edit> create(const create_product& command, const storage::store_row& store,
                             const draw_id& draw, storage::timestamp now);

/// A draft means the variant with its id; without one, the variant with its SKU, else with its option values
/// (in a product without options: its attributes, or simply the only one), else a new variant. It replaces
/// all fields of the variant. Variants take the order of the drafts when these name all of them, else they
/// keep their places. Errors: not_found, forbidden, version_conflict, invalid, limit_exceeded.
outcome<product_edit> change(const storage::product_row& product,
                             const std::vector<storage::variant_row>& variants, const change_product& command,
                             const storage::store_row& store, const draw_id& draw, storage::timestamp now);

} // namespace product_rules

} // namespace souk::actors
