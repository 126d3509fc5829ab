#pragma once

#include "actors/outcome.hpp"
#include "actors/review/messages.hpp"
#include "storage/rows/catalog.hpp"

#include <optional>

namespace souk::actors {

/// Who may say what about a product, without a mailbox around it.
namespace review_rules {

inline constexpr std::size_t comment_max = 5000; ///< characters
inline constexpr std::size_t author_max = 100;   ///< characters

/// @param product the product as it is; nothing when there is none. Errors: not_found, forbidden, invalid.
std::optional<rejection> check_post(const post_review& command,
                                    const std::optional<storage::product_row>& product);

/// The review's row. @pre check_post had nothing against it
/// @param verified whether the author has bought the product in this store
storage::review_row make(const post_review& command, const storage::ulid& id, const storage::ulid& product,
                         bool verified, storage::timestamp now);

/// @param review the one voted for; nothing when there is none. Errors: not_found, forbidden.
std::optional<rejection> check_vote(const vote_helpful& command, const storage::ulid& product,
                                    const std::optional<storage::review_row>& review);

} // namespace review_rules

} // namespace souk::actors
