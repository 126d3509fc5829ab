#pragma once

#include "actors/gift_card/messages.hpp"
#include "actors/outcome.hpp"

#include <optional>

namespace souk::actors {

/// What a gift card may be, without a mailbox around it.
namespace gift_card_rules {

/// The row of a new card: the merchant's fields checked, the rest filled in. Errors: invalid.
/// @param currency the store's
outcome<storage::gift_card_row> create(storage::gift_card_row draft, const std::string& currency, storage::timestamp now);

/// The row as the command leaves it; the same row, with the same version, when nothing changes. Errors: invalid, version_conflict.
outcome<storage::gift_card_row> change(const storage::gift_card_row& current, const change_gift_card& command,
                                       storage::timestamp now);

/// Whether it can be spent at this moment. One refusal for all that is not so: whoever tries codes learns nothing.
std::optional<rejection> check_usable(const std::optional<storage::gift_card_row>& row, const storage::ulid& store,
                                      storage::timestamp now);

} // namespace gift_card_rules

} // namespace souk::actors
