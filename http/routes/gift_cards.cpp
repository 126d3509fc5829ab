// Gift cards: made and watched by the merchant, asked for their balance by whoever knows a code.

#include "actors/gift_card/code.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/keyed_id.hpp"
#include "http/routes/lists.hpp"
#include "http/routes/money_text.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <array>

namespace souk::http::routes {

namespace {

constexpr actors::text_rule note_rule{0, 1000, actors::lines::many};
constexpr std::string_view never = "never";

void write_card(json::writer& out, const storage::gift_card_row& row, const std::string& code) {
  const money_text amount{row.currency};
  out.begin_object()
    .field("gift_card_id", row.id)
    .field("store_id", row.store_id)
    .field_or_null("code", code)
    .field("last_characters", row.last_characters)
    .field("currency", row.currency)
    .field("amount", amount(row.initial))
    .field("balance", amount(row.balance))
    .field("active", row.active);
  write_time(out, "expires_at", row.expires_at);
  out.field_or_null("note", row.note)
    .field("version", row.version)
    .field("created_at", row.created_at)
    .field("updated_at", row.updated_at)
    .end_object();
}

/// @param code only when the card has just been made: it is kept nowhere
std::string json_of(const storage::gift_card_row& row, const std::string& code = {}) {
  json::writer out;
  write_card(out, row, code);
  return std::move(out).text();
}

/// A time, or "never": the epoch.
std::optional<storage::timestamp> read_expiry(const json::fields& f) {
  if (f.is_text("expires_at", never))
    return storage::timestamp{};
  return f.maybe_time("expires_at");
}

/// Cards are addressed by their code, which the merchant does not know: the rows say whose id it is.
std::optional<storage::gift_card_row> find_card(exchange& x, const storage::ulid& id) {
  auto behind = id; // the list goes from the highest id to the lowest
  for (auto byte = behind.bytes.rbegin(); byte != behind.bytes.rend(); ++byte)
    if (++*byte != 0)
      break;
  const auto found =
    x.shop.catalog.borrow(x.until)->gift_cards(x.id("store_id"), {.page = 1, .limit = 1, .after = behind});
  if (found.rows.empty() || found.rows.front().id != id)
    return std::nullopt;
  return found.rows.front();
}

std::string hash_in_path(exchange& x) {
  const auto found = find_card(x, x.id("card_id"));
  if (!found)
    throw refusal{.why = actors::errc::not_found, .message = "There is no such gift card."};
  return found->code_hash;
}

/// The card was made before, under the same key. Its code was shown then, and nobody can show it again.
response made_before(const storage::gift_card_row& row, std::int64_t amount) {
  if (row.initial != amount)
    throw refusal{.why = actors::errc::idempotency_key_reused};
  auto answer = created(json_of(row), "/stores/" + row.store_id.str() + "/gift-cards/" + row.id.str());
  answer.headers.emplace_back("Idempotent-Replayed", "true");
  return answer;
}

response create_card(exchange& x) {
  const auto store = x.shop.known.store(x.id("store_id"), x.until);
  const json::document body{x.asked.body};
  const auto f = body.root({"amount", "expires_at", "note"});
  storage::gift_card_row draft;
  draft.store_id = store.id;
  draft.initial = f.amount("amount", store.unit);
  draft.expires_at = read_expiry(f).value_or(storage::timestamp{});
  draft.note = f.text_or_empty("note", note_rule);
  draft.id = id_beside_store(x, "gift card");
  if (x.asked.has_idempotency_key)
    if (const auto known = find_card(x, draft.id))
      return made_before(*known, draft.initial);
  const auto code = actors::gift_card_code::fresh();
  const auto hash = draft.code_hash = actors::gift_card_code::hash_of(code);
  draft.last_characters = code.substr(code.size() - 4);
  const auto id = draft.id;
  const auto amount = draft.initial;
  auto made = x.shop.actors.tell_gift_card(store.id, hash, actors::create_gift_card{x.by, std::move(draft)}, x.until);
  // Two requests with one key at the same moment: the rows let one of them have the id.
  if (!made && x.asked.has_idempotency_key && made.refused_with(runtime::errc::restarted))
    if (const auto known = find_card(x, id))
      return made_before(*known, amount);
  const auto row = std::move(made).take();
  auto answer = created(json_of(row, actors::gift_card_code::grouped(code)),
                        "/stores/" + store.id.str() + "/gift-cards/" + row.id.str());
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

response list_cards(exchange& x) {
  const auto page = page_asked(x);
  const auto found = x.shop.catalog.borrow(x.until)->gift_cards(x.id("store_id"), page);
  return list_of("gift_cards", "/stores/" + x.id("store_id").str() + "/gift-cards", page, found,
                 [](json::writer& out, const storage::gift_card_row& row) { write_card(out, row, {}); });
}

response read_card(exchange& x) {
  const auto& store = x.id("store_id");
  return ok(json_of(x.shop.actors.tell_gift_card(store, hash_in_path(x), actors::get_gift_card{x.by, store}, x.until).take()));
}

response change_card(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"active", "expires_at", "note", "version"});
  actors::change_gift_card command;
  command.by = x.by;
  command.store_id = x.id("store_id");
  command.active = f.maybe_boolean("active");
  command.expires_at = read_expiry(f);
  command.note = f.maybe_text("note", note_rule);
  command.expected_version = f.maybe_integer("version", 1, std::numeric_limits<std::int64_t>::max());
  return ok(json_of(x.shop.actors.tell_gift_card(x.id("store_id"), hash_in_path(x), std::move(command), x.until).take()));
}

/// One refusal for what is no code, no card, switched off or over: whoever tries codes learns nothing.
response balance(exchange& x) {
  const json::document body{x.asked.body};
  const auto code = actors::gift_card_code::normalised(body.root({"code"}).text("code", {1, 60}));
  const refusal no{.why = actors::errc::gift_card_not_applicable, .message = "The gift card is not valid.", .field = "code"};
  if (code.empty())
    throw no;
  auto found = x.shop.actors.gift_card_balance(x.id("store_id"), actors::gift_card_code::hash_of(code), x.until);
  if (found.refused_with(actors::errc::gift_card_not_applicable))
    throw no;
  const auto card = std::move(found).take();
  json::writer out;
  out.begin_object().field("balance", money_text{card.currency}(card.available)).field("currency", card.currency);
  write_time(out, "expires_at", card.expires_at);
  out.end_object();
  auto answer = ok(std::move(out).text());
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

constexpr std::array rows{
  route{"GET", "/stores/{store_id}/gift-cards", access::merchant, body_kind::none, list_cards},
  route{"POST", "/stores/{store_id}/gift-cards", access::merchant, body_kind::json, create_card},
  route{"POST", "/stores/{store_id}/gift-cards/balance", access::shopper, body_kind::json, balance},
  route{"GET", "/stores/{store_id}/gift-cards/{card_id}", access::merchant, body_kind::none, read_card},
  route{"PATCH", "/stores/{store_id}/gift-cards/{card_id}", access::merchant, body_kind::json, change_card},
};

} // namespace

std::span<const route> gift_cards() {
  return rows;
}

} // namespace souk::http::routes
