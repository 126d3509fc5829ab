#include "actors/gift_card/gift_card_rules.hpp"

#include "actors/money/currency.hpp"
#include "actors/text.hpp"

#include <algorithm>

namespace souk::actors::gift_card_rules {

namespace {

constexpr text_rule note_rule{0, 1000, lines::many};
const storage::timestamp unset{};

bool is_hash(const std::string& text) {
  return text.size() == 64
         && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

} // namespace

outcome<storage::gift_card_row> create(storage::gift_card_row draft, const std::string& currency, storage::timestamp now) {
  if (!is_hash(draft.code_hash) || draft.last_characters.size() != 4)
    return invalid("code", "is not a gift card's");
  if (draft.id.is_nil() || draft.id.shard() != draft.store_id.shard())
    return invalid("id", "is not beside the store");
  if (draft.initial < 1 || draft.initial > amount_max)
    return invalid("amount", "an amount is more than 0");
  if (draft.expires_at != unset && draft.expires_at <= now)
    return invalid("expires_at", "has passed");
  if (auto no = check_text(draft.note, "note", note_rule))
    return *no;
  draft.currency = currency;
  draft.balance = draft.initial;
  draft.active = true;
  draft.version = 1;
  draft.created_at = draft.updated_at = now;
  return draft;
}

outcome<storage::gift_card_row> change(const storage::gift_card_row& current, const change_gift_card& c,
                                       storage::timestamp now) {
  if (c.expected_version && *c.expected_version != current.version)
    return rejection{errc::version_conflict, "the gift card was changed meanwhile", "version"};
  auto next = current;
  auto set = [](auto& field, const auto& wish) {
    if (wish)
      field = *wish;
  };
  set(next.active, c.active);
  set(next.expires_at, c.expires_at);
  set(next.note, c.note);
  if (next == current)
    return next;
  if (auto no = check_text(next.note, "note", note_rule))
    return *no;
  ++next.version;
  next.updated_at = now;
  return next;
}

std::optional<rejection> check_usable(const std::optional<storage::gift_card_row>& row, const storage::ulid& store,
                                      storage::timestamp now) {
  if (row && row->store_id == store && row->active && (row->expires_at == unset || now < row->expires_at))
    return std::nullopt;
  return rejection{errc::gift_card_not_applicable, "the gift card is not valid", {}};
}

} // namespace souk::actors::gift_card_rules
