// Other goods for what came back: the value of the return becomes a gift card, and the card pays for an order of the same shopper.

#include "actors/gift_card/code.hpp"
#include "actors/order/order_machine.hpp"
#include "actors/secret/secret_box.hpp"
#include "http/json/fields.hpp"
#include "http/routes/order_json.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>

namespace souk::http::routes {

namespace {

constexpr std::size_t lines_max = 100;
constexpr std::int64_t quantity_max = 10'000;

/// Everything that an exchange makes has an id that follows from the return's, so that it can be asked for again after any
/// interruption and is made once.
storage::ulid made_of(storage::ulid of, std::uint8_t what) {
  of.bytes[15] ^= what;
  return of;
}
constexpr std::uint8_t the_order = 0x50, the_card = 0xa5; ///< an order that came to nothing is followed by the next: 0x51 …
constexpr std::uint8_t orders_max = 8;

/// The order of the exchange: the first that is not there yet, or is alive. One whose rest was never paid has given the card its
/// money back, which the next one spends.
std::pair<storage::ulid, std::optional<actors::order_view>> order_for(exchange& x, const storage::ulid& back) {
  for (std::uint8_t n = 0; n < orders_max; ++n) {
    const auto id = made_of(back, static_cast<std::uint8_t>(the_order + n));
    auto there = x.shop.actors.get_order(id, x.by, x.until);
    if (there.refused_with(actors::errc::not_found))
      return {id, std::nullopt};
    auto view = std::move(there).take();
    if (view.order.status != storage::order_status::cancelled)
      return {id, std::move(view)};
  }
  throw refusal{.why = actors::errc::limit_exceeded, .message = "Too many orders were made for this exchange and came to nothing."};
}

/// Nobody sees it: the card is spent in the same breath, and what is left of it the merchant's list of gift cards shows.
std::string code_of(const exchange& x, const storage::ulid& of) {
  const auto& box = x.shop.base.secrets;
  if (!box || !box->ready())
    throw refusal{.why = errc::not_configured, .message = "This shop has no key to make codes with: its operator sets secret_key_file."};
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const auto hex = box->sign("exchange", of.str());
  std::string code;
  for (std::size_t i = 0; i < 16; ++i)
    code += alphabet[static_cast<std::size_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16)) % alphabet.size()];
  return code;
}

std::int64_t value_of(const actors::order_view& view, const storage::order_return& back) {
  const actors::order_machine order{{view.order, view.items, {}, view.payments, view.refunds, view.life}};
  std::int64_t sum = 0;
  for (const auto& line : back.lines)
    for (const auto& item : view.items)
      if (item.line == line.line)
        sum += order.price_of(item, line.received);
  return std::min(sum, order.refundable());
}

/// The exchange's card, of that value when it is made now. @returns its hash; empty: it is worth nothing, so there is none
std::string card_of(exchange& x, const storage::order_row& order, const storage::ulid& back, std::int64_t value) {
  const auto code = code_of(x, back);
  const auto hash = actors::gift_card_code::hash_of(code);
  const auto there = x.shop.actors.tell_gift_card(order.store_id, hash, actors::get_gift_card{x.by, order.store_id}, x.until);
  if (there)
    return hash; // an earlier try made it, and what it was made for stands
  if (!there.refused_with(actors::errc::not_found))
    throw there.why();
  if (value <= 0)
    return {};
  storage::gift_card_row draft;
  draft.id = made_of(back, the_card);
  draft.store_id = order.store_id;
  draft.code_hash = hash;
  draft.last_characters = code.substr(code.size() - 4);
  draft.initial = value;
  draft.note = "exchange, order " + std::to_string(order.number);
  x.shop.actors.tell_gift_card(order.store_id, hash, actors::create_gift_card{x.by, std::move(draft)}, x.until).take();
  return hash;
}

response exchange_goods(exchange& x) {
  const json::document body{x.asked.body};
  const auto f = body.root({"items", "shipping_method", "amount"});
  actors::place_order command;
  const auto items = f.maybe_objects("items", lines_max, {"product_id", "variant_id", "quantity"});
  if (!items || items->empty())
    f.wrong("items", "names at least one line that is sent instead");
  for (const auto& item : *items)
    command.lines.push_back({item.id("product_id"), item.id("variant_id"), item.integer("quantity", 1, quantity_max)});
  command.shipping_method = f.text_or_empty("shipping_method", {0, 80});
  const auto& id = x.id("return_id");
  const auto view = x.shop.actors.get_order(x.id("order_id"), x.by, x.until).take();
  const auto& returns = view.life.returns;
  const auto back = std::find_if(returns.begin(), returns.end(), [&](const auto& r) { return r.id == id; });
  if (back == returns.end())
    throw refusal{.why = actors::errc::not_found, .message = "The order has no such return."};
  const auto store = x.shop.known.store(view.order.store_id, x.until);
  if (!x.by.manages(store.id, store.owner)) // before anything is made
    throw refusal{.why = actors::errc::forbidden, .message = "Only the store's merchant exchanges goods."};
  const bool closed = back->state == storage::return_state::closed && !back->exchange_order_id.is_nil();
  if (!back->exchange || (back->state != storage::return_state::received && !closed))
    throw refusal{.why = actors::errc::illegal_transition,
                  .message = "Goods are exchanged when a return that asked for it has been received."};
  const auto [made, there] = order_for(x, id);
  if (closed && there) {
    auto answer = created(order_json(*there), "/orders/" + made.str());
    answer.headers.emplace_back("Idempotent-Replayed", "true");
    return answer;
  }
  command.by = {view.order.user_id, storage::session_kind::login, {}};
  command.store_id = store.id;
  command.address = view.order.address;
  command.email = view.order.email;
  command.language = view.order.language;
  command.payment = {"manual", ""}; // what the card does not cover
  // After the return was closed nothing more is given for it than the first try gave.
  const auto asked = f.maybe_amount("amount", store.unit);
  const auto value = closed ? 0 : asked.value_or(value_of(view, *back));
  if (auto hash = card_of(x, view.order, id, value); !hash.empty())
    command.gift_cards.push_back({std::move(hash)});
  const auto placed = x.shop.actors.place_once(made, std::move(command), x.until).take();
  x.shop.actors
    .tell_order(view.order.id, actors::step_return{x.by, id, actors::return_step::close, {}, made}, x.until)
    .take();
  return created(order_json(placed), "/orders/" + made.str());
}

constexpr std::array rows{
  route{"POST", "/orders/{order_id}/returns/{return_id}/exchange", access::order_merchant, body_kind::json, exchange_goods},
};

} // namespace

std::span<const route> exchanges() {
  return rows;
}

} // namespace souk::http::routes
