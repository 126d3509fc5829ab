// What an order would cost, explained line by line, before it is placed. Nothing is held for it.

#include "actors/discount/messages.hpp"
#include "actors/gift_card/code.hpp"
#include "actors/order/place_rules.hpp"
#include "actors/order/pricing.hpp"
#include "actors/store/country.hpp"
#include "actors/user/account.hpp"
#include "http/json/fields.hpp"
#include "http/json/writer.hpp"
#include "http/routes/money_text.hpp"
#include "http/routes/order_json.hpp"
#include "http/routes/routes.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <array>

namespace souk::http::routes {

namespace {

constexpr std::size_t lines_max = 100, codes_max = 5;
constexpr std::int64_t quantity_max = 10'000;

/// How many of a line can be had.
struct availability {
  std::int64_t available = 0;
  bool enough = false;
};

/// A gift card that the shopper named.
struct named_card {
  std::string last_characters; ///< as typed; empty when it can be no code
  std::optional<std::int64_t> balance; ///< none: it cannot be used
};

/// What is asked, and what the shop's actors say of it at this moment.
struct question {
  storage::store_row store;
  actors::basket wanted;
  std::vector<availability> goods;            ///< of each line
  std::vector<actors::refused_code> unusable; ///< codes that no price has to be known for
  std::vector<named_card> cards;
};

std::vector<actors::order_line_request> read_lines(exchange& x, const json::fields& f, const storage::ulid& store) {
  std::vector<actors::order_line_request> lines;
  if (const auto items = f.maybe_objects("items", lines_max, {"product_id", "variant_id", "quantity"})) {
    for (const auto& item : *items)
      lines.push_back({item.id("product_id"), item.id("variant_id"), item.integer("quantity", 1, quantity_max)});
    if (lines.empty())
      f.wrong("items", "must not be empty; leave it out to ask for your cart");
  } else {
    for (const auto& line : x.shop.actors.get_cart(store, x.by.user, {x.by}, x.until).take().lines)
      lines.push_back({line.product_id, line.variant_id, line.quantity});
    if (lines.empty())
      throw refusal{.why = actors::errc::cart_empty};
  }
  actors::merge_lines(lines); // numbered as the order will number them
  return lines;
}

/// An order's address may be sent as it is; country and region decide.
void read_address(const json::fields& body, actors::basket& wanted) {
  constexpr actors::text_rule any{0, 200};
  const auto f =
    body.maybe_object("shipping_address", {"name", "line1", "line2", "city", "region", "postal_code", "country", "phone"});
  if (!f)
    return;
  for (const auto name : {"name", "line1", "line2", "city", "postal_code", "phone"})
    (void)f->maybe_text(name, any);
  wanted.country = f->text("country", {2, 2});
  if (!actors::is_country(wanted.country))
    f->wrong("country", "is not a country of ISO 3166-1, like \"DE\"");
  wanted.region = f->text_or_empty("region", any);
}

/// Prices and stock come from the same actors that an order takes them from.
void ask_goods(exchange& x, question& q, const std::vector<actors::order_line_request>& lines) {
  for (const auto& line : lines) {
    if (line.variant_id.shard() != q.store.id.shard())
      throw refusal{.why = actors::errc::not_found, .message = "There is no such variant in this store.", .field = "items"};
    const auto stock = x.shop.actors.get_stock(line.variant_id, q.store.id, x.until).take();
    if (stock.variant.product_id != line.product_id)
      throw refusal{.why = actors::errc::not_found, .message = "The variant is not one of the product's.", .field = "items"};
    if (!stock.sellable)
      throw refusal{.why = actors::errc::product_unavailable,
                    .message = stock.product_title + " is not for sale.",
                    .field = "items"};
    q.wanted.lines.push_back({stock.variant, stock.product_title, line.quantity});
    q.goods.push_back({std::max<std::int64_t>(0, stock.available), stock.backorder || stock.available >= line.quantity});
  }
}

void ask_codes(exchange& x, const json::fields& f, const std::string& customer, question& q) {
  std::vector<std::string> seen;
  for (const auto& typed : f.maybe_texts("discount_codes", codes_max, {1, 60}).value_or(std::vector<std::string>{})) {
    const auto code = actors::discount_code_of(typed);
    if (std::find(seen.begin(), seen.end(), code.empty() ? typed : code) != seen.end())
      continue;
    seen.push_back(code.empty() ? typed : code);
    if (code.empty()) {
      q.unusable.push_back({typed, "unknown"});
      continue;
    }
    auto offer = x.shop.actors.check_discount(q.store.id, code, customer, x.until);
    if (offer.refused_with(actors::errc::discount_not_applicable))
      q.unusable.push_back({code, "unknown"});
    else if (auto found = std::move(offer).take(); found.used_by_customer)
      q.unusable.push_back({code, "used_before"});
    else
      q.wanted.codes.push_back(std::move(found.row));
  }
}

void ask_cards(exchange& x, const json::fields& f, question& q) {
  std::vector<std::string> seen;
  for (const auto& typed : f.maybe_texts("gift_cards", codes_max, {1, 60}).value_or(std::vector<std::string>{})) {
    const auto code = actors::gift_card_code::normalised(typed);
    if (!code.empty() && std::find(seen.begin(), seen.end(), code) != seen.end())
      continue;
    seen.push_back(code);
    named_card card;
    if (!code.empty()) {
      card.last_characters = code.substr(code.size() - 4);
      auto found = x.shop.actors.gift_card_balance(q.store.id, actors::gift_card_code::hash_of(code), x.until);
      if (!found.refused_with(actors::errc::gift_card_not_applicable))
        card.balance = std::move(found).take().available;
    }
    if (card.balance)
      q.wanted.gift_cards.push_back(*card.balance);
    q.cards.push_back(std::move(card));
  }
}

void write_lines(json::writer& out, const question& asked, const actors::quote& q, const money_text& amount) {
  out.key("items").begin_array();
  for (std::size_t i = 0; i < q.items.size(); ++i) {
    const auto& item = q.items[i];
    out.begin_object();
    write_item(out, item, amount);
    out.field("available", asked.goods[i].available).field("enough", asked.goods[i].enough).end_object();
  }
  out.end_array();
}

void write_cards(json::writer& out, const question& asked, const actors::quote& q, const money_text& amount) {
  out.key("gift_cards").begin_array();
  std::size_t usable = 0;
  for (const auto& card : asked.cards) {
    const auto pays = card.balance ? q.gift_cards[usable++] : 0;
    std::string_view why;
    if (!card.balance)
      why = "not_valid";
    else if (*card.balance <= 0)
      why = "nothing_left";
    else if (pays == 0)
      why = "not_needed";
    out.begin_object()
      .field_or_null("last_characters", card.last_characters)
      .field("amount", amount(pays))
      .field_or_null("reason", why)
      .end_object();
  }
  out.end_array();
}

std::string quote_json(const question& asked, const actors::quote& q) {
  const money_text amount{asked.store.currency};
  json::writer out;
  out.begin_object()
    .field("store_id", asked.store.id)
    .field("currency", asked.store.currency)
    .field("subtotal", amount(q.subtotal))
    .field("discount", amount(q.discount))
    .field("shipping", amount(q.shipping))
    .field("tax", amount(q.tax))
    .field("total", amount(q.total))
    .field("gift_card", amount(q.total - q.to_pay))
    .field("to_pay", amount(q.to_pay));
  write_pricing(out, q.pricing, amount);
  write_lines(out, asked, q, amount);
  out.field_or_null("shipping_method", q.shipping_method).key("shipping_methods").begin_array();
  for (const auto& offer : q.offers)
    out.begin_object().field("name", offer.name).field("price", amount(offer.price)).end_object();
  out.end_array();
  write_cards(out, asked, q, amount);
  out.key("refused_codes").begin_array();
  for (const auto* codes : {&asked.unusable, &q.refused})
    for (const auto& code : *codes)
      out.begin_object().field("code", code.code).field("reason", code.why).end_object();
  out.end_array().end_object();
  return std::move(out).text();
}

response quote_order(exchange& x) {
  const json::document body{x.asked.body};
  body.refuse_card_numbers();
  const auto f =
    body.root({"items", "shipping_address", "shipping_method", "discount_codes", "gift_cards", "email"});
  const auto email = actors::normal_email(f.text_or_empty("email", {0, 254}));
  question q;
  read_address(f, q.wanted);
  q.wanted.shipping_method = f.text_or_empty("shipping_method", {0, 80});
  q.store = x.shop.actors.get_store(x.id("store_id"), x.until).take();
  if (q.store.status != storage::store_status::open)
    throw refusal{.why = actors::errc::store_closed};
  ask_goods(x, q, read_lines(x, f, q.store.id));
  ask_codes(x, f, email.empty() ? x.by.user.str() : email, q);
  ask_cards(x, f, q);
  q.wanted.now = x.shop.base.time.now();
  const auto priced = actors::price(q.store, q.wanted);
  if (const auto* no = std::get_if<caf::error>(&priced)) {
    auto problem = actors::problem_of(*no);
    throw refusal{.why = static_cast<actors::errc>(no->code()),
                  .message = std::move(problem.message),
                  .field = std::move(problem.field)};
  }
  auto answer = ok(quote_json(q, std::get<actors::quote>(priced)));
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

constexpr std::array rows{
  route{"POST", "/stores/{store_id}/quotes", access::shopper, body_kind::json, quote_order},
};

} // namespace

std::span<const route> quotes() {
  return rows;
}

} // namespace souk::http::routes
