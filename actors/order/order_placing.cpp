#include "actors/order/order_actor.hpp"

#include "actors/kinds.hpp"
#include "actors/order/place_rules.hpp"

#include <algorithm>


namespace souk::actors {

using runtime::delivery;

namespace {

/// The same refusal, about this field of the order.
caf::error about_field(const caf::error& why, const std::string& field) {
  if (why.category() != caf::atom("soukshop"))
    return why;
  return refuse(static_cast<errc>(why.code()), problem_of(why).message, field);
}

} // namespace

// Holds that never reached the rows die with this life of the order. What the journal has got already may still be written: if
// it is not, the shard restarts those whose memory it changed.
order_state::~order_state() {
  if (!writing)
    let_go_of_holds();
}

void order_state::let_go_of_holds() {
  for (const auto& h : holds)
    if (h.where.kind == kind::discount)
      runtime::tell(*context.routes, h.where, delivery::if_active, release_discount{context.who.id});
    else if (h.where.kind == kind::gift_card)
      runtime::tell(*context.routes, h.where, delivery::if_active, release_gift_card{context.who.id});
    else
      runtime::tell(*context.routes, h.where, delivery::if_active, unreserve{context.who.id});
  holds.clear();
}

// -- placing --------------------------------------------------------------------------------------------------------------

caf::result<order_view> order_state::place(place_order& c) {
  runtime::owed_answer answer{self->make_response_promise()};
  if (exists) {
    if (machine.rows().order.user_id != c.by.user) {
      answer.deliver(refuse(errc::not_found, "there is no such order"));
    } else {
      waiters.push_back({answer, true});
      when_idle([this] { drive(); });
    }
    return caf::delegated<order_view>{};
  }
  if (placing) {
    waiters.push_back({answer, true});
    return caf::delegated<order_view>{};
  }
  if (auto no = check_place(c)) {
    answer.deliver(std::move(no));
    runtime::retire(context);
    return caf::delegated<order_view>{};
  }
  placing = true;
  command = std::move(c);
  waiters.push_back({answer, false});
  start_saga();
  return caf::delegated<order_view>{};
}

caf::error order_state::check_payment_method() const {
  const auto& type = command.payment.type;
  const auto& settings = store->settings;
  bool takes = false;
  if (type == "manual") {
    takes = settings.manual_payments;
  } else if (auto at = services->gateways.find(type); at != services->gateways.end()) {
    takes = !at->second->needs_account()
            || std::any_of(settings.payments.begin(), settings.payments.end(),
                           [&](const auto& account) { return account.provider == type && account.active; });
  }
  if (!takes)
    return refuse(errc::invalid, "the store takes no payments of type " + type, "payment_method.type");
  return caf::none;
}

void order_state::start_saga() {
  with_terms([this](const caf::error& why) {
    if (why)
      return give_up(why);
    if (store->status != storage::store_status::open)
      return give_up(refuse(errc::store_closed, "the store is closed"));
    if (auto no = check_payment_method())
      return give_up(std::move(no));
    merge_lines(command.lines);
    reserve_next(0);
  });
}

// One after the other, by variant_id: two carts that share variants cannot refuse each other crosswise.
void order_state::reserve_next(std::size_t at) {
  if (at == command.lines.size())
    return hold_code(0);
  const auto& line = command.lines[at];
  runtime::ask(self, *context.routes, inventory_at(line.variant_id), delivery::activate,
               reserve_stock{command.store_id, line.product_id, context.who.id, line.quantity})
    .then(
      [this, at](const reserved& r) {
        const auto& wanted = command.lines[at];
        holds.push_back({inventory_at(wanted.variant_id), r.activation});
        lines.push_back({r.variant, r.product_title, wanted.quantity});
        reserve_next(at + 1);
      },
      [this](caf::error& why) { give_up(std::move(why)); });
}

// A use of each code is taken, so that a limit holds however many ask at once.
void order_state::hold_code(std::size_t at) {
  if (at == command.discount_codes.size())
    return price_order();
  auto where = discount_at(command.store_id, command.discount_codes[at]);
  auto customer = command.email.empty() ? command.by.user.str() : command.email;
  runtime::ask(self, *context.routes, where, delivery::activate, hold_discount{command.store_id, context.who.id, customer})
    .then(
      [this, at, where](const discount_held& h) {
        holds.push_back({where, h.activation});
        codes.push_back(h.row);
        paid_with.codes.push_back({h.row.code, h.row.once_per_customer});
        hold_code(at + 1);
      },
      [this, at](caf::error& why) { give_up(about_field(why, "discount_codes[" + std::to_string(at) + "]")); });
}

void order_state::price_order() {
  basket b;
  b.lines = lines;
  b.country = command.address.country;
  b.region = command.address.region;
  b.shipping_method = command.shipping_method;
  b.codes = codes;
  b.now = context.time->now();
  auto priced = price(*store, b);
  if (auto* no = std::get_if<caf::error>(&priced))
    return give_up(std::move(*no));
  auto& q = std::get<quote>(priced);
  if (!q.refused.empty()) {
    auto at = std::find(command.discount_codes.begin(), command.discount_codes.end(), q.refused.front().code);
    return give_up(refuse(errc::discount_not_applicable, "the code gives nothing for this order: " + q.refused.front().why,
                          "discount_codes[" + std::to_string(at - command.discount_codes.begin()) + "]"));
  }
  if (command.expected_total && *command.expected_total != q.total)
    return give_up(refuse(errc::amount_changed, "the order now costs " + std::to_string(q.total), "expected_total"));
  if (q.shipping_method.empty())
    q.shipping_method = command.shipping_method;
  hold_card(0, q.total, std::move(q));
}

// Gift cards pay what they can, in the order in which the shopper named them; one that is not needed is left alone.
void order_state::hold_card(std::size_t at, std::int64_t left, quote q) {
  if (at == command.gift_cards.size() || left == 0)
    return write_order(q);
  const auto& hash = command.gift_cards[at].code_hash;
  auto where = gift_card_at(command.store_id, hash);
  runtime::ask(self, *context.routes, where, delivery::activate, hold_gift_card{command.store_id, context.who.id, left})
    .then(
      [this, at, left, where, hash, q](const gift_card_held& h) mutable {
        holds.push_back({where, h.activation});
        paid_with.cards.push_back({context.ids->fresh_beside(context.who.id), h.row.id, hash, h.amount});
        hold_card(at + 1, left - h.amount, std::move(q));
      },
      [this, at](caf::error& why) { give_up(about_field(why, "gift_cards[" + std::to_string(at) + "]")); });
}

void order_state::write_order(const quote& q) {
  if (command.language.empty())
    command.language = store->settings.language;
  auto d = order_machine::place(command, context.who.id, context.ids->fresh_beside(context.who.id), *store, q, paid_with,
                                context.time->now(), services->options.reservation);
  if (services->options.skip_idempotency_row)
    std::erase_if(d.rows, [](const auto& m) { return std::holds_alternative<storage::insert_idempotency_key>(m); });
  std::vector<runtime::touch> touched;
  for (const auto& h : holds)
    touched.push_back({h.where, h.activation});
  writing = true;
  runtime::commit(self, context, storage::write_set{0, d.rows}, std::move(touched))
    .then(
      [this, d](const runtime::receipt& r) mutable {
        writing = false;
        placed(d, r);
      },
      [this](caf::error& why) {
        writing = false;
        give_up(std::move(why));
      });
}

void order_state::placed(decision& d, const runtime::receipt& r) {
  if (r.refused == storage::refusal::already_used)
    return give_up(refuse(errc::discount_not_applicable, "the code can be used once by each customer", "discount_codes"));
  if (r.refused != storage::refusal::none)
    return give_up(caf::make_error(runtime::errc::restarted)); // the id or the key is in the rows: load them
  placing = false;
  exists = true;
  holds.clear();
  for (const auto& use : paid_with.codes)
    runtime::tell(*context.routes, discount_at(command.store_id, use.code), delivery::if_active,
                  settle_discount{context.who.id, discount_end::used, 0});
  for (const auto& card : paid_with.cards)
    runtime::tell(*context.routes, gift_card_at(command.store_id, card.code_hash), delivery::if_active,
                  settle_gift_card{context.who.id, card.amount});
  d.next.order.number = r.drawn_number;
  if (command.from_cart) {
    lines_ordered gone{context.who.id, {}};
    for (const auto& line : command.lines) {
      storage::cart_line l;
      l.product_id = line.product_id;
      l.variant_id = line.variant_id;
      l.quantity = line.quantity;
      gone.lines.push_back(l);
    }
    runtime::tell(*context.routes, cart_at(command.store_id, command.by.user), delivery::activate, std::move(gone));
  }
  written(d);
}

// Nothing was written: the holds go back, and the order never was.
void order_state::give_up(caf::error why) {
  let_go_of_holds();
  lines.clear();
  codes.clear();
  paid_with = {};
  placing = false;
  for (auto& w : waiters)
    w.answer.deliver(why);
  waiters.clear();
  for (auto& f : std::exchange(later, {})) // they hear that there is no such order
    f();
  runtime::retire(context);
}

} // namespace souk::actors
