#include "simulation/world/market.hpp"

#include "actors/kinds.hpp"
#include "actors/type_ids.hpp"

#include <array>

#include <fmt/format.h>

namespace souk::simulation {

using namespace std::chrono_literals;
using actors::order_view;
using runtime::delivery;
using storage::order_status;

namespace {

constexpr int tries_max = 12;

bool shop_said_no(const caf::error& why) {
  return why && why.category() == caf::atom("soukshop"); // an empty error has no category to ask for
}

std::string tail(const storage::ulid& id) {
  return id.str().substr(20);
}

} // namespace

std::string name_of(const caf::error& why) {
  if (!why)
    return "no answer";
  if (shop_said_no(why))
    return to_string(static_cast<actors::errc>(why.code()));
  if (why.category() == caf::atom("soukrt"))
    return to_string(static_cast<runtime::errc>(why.code()));
  return fmt::format("error {} of {}", why.code(), caf::to_string(why.category()));
}

std::string name_of(order_status s) {
  static const std::array<const char*, 7> names{"?", "pending", "paid", "shipped", "delivered", "cancelled", "refunded"};
  return names.at(static_cast<std::size_t>(s));
}

market::market(world& w, std::vector<shop> shops, std::vector<actors::caller> shoppers, const market_plan& plan)
  : world_(w), shops_(std::move(shops)), plan_(plan), shoppers_(std::move(shoppers)) {
  for (const auto& s : shops_)
    for (const auto& v : s.variants)
      priced_.insert({v.id, v.price});
  auto when = [&] { return microseconds{w.random.below(static_cast<std::uint64_t>(microseconds{plan.span}.count()))}; };
  w.gateway->on_news = [this](const storage::ulid& attempt, const simulated_gateway::account& a) { provider_tells(attempt, a.order); };
  for (int i = 0; i < plan.purchases; ++i)
    w.time.in(when(), [this, i] { begin_purchase(i + 1); });
  for (int i = 0; i < plan.merchant_acts; ++i)
    w.time.in(when(), [this, i] { act_as_merchant(i + 1); });
  for (int i = 0; i < plan.cart_acts; ++i)
    w.time.in(when(), [this, i] { act_on_cart(i + 1); });
  for (int i = 0; i < plan.catalog_acts; ++i)
    w.time.in(when(), [this, i] { act_on_catalog(i + 1); });
}

actors::caller market::some_shopper() {
  return shoppers_[world_.random.below(shoppers_.size())];
}

microseconds market::up_to(std::chrono::milliseconds most) {
  return microseconds{world_.random.below(static_cast<std::uint64_t>(microseconds{most}.count())) + 1};
}

// -- buying ---------------------------------------------------------------------------------------------------------------

void market::begin_purchase(int number) {
  auto& random = world_.random;
  auto p = std::make_shared<purchase>();
  p->number = number;
  p->shop = random.below(shops_.size());
  p->marker = fmt::format("purchase-{}@example.com", number);
  const auto& from = shops_[p->shop];
  std::vector<std::pair<std::size_t, std::int64_t>> lines;
  auto count = 1 + random.below(3);
  for (std::uint64_t i = 0; i < count; ++i)
    lines.emplace_back(random.below(from.variants.size()), 1 + random.below(4));
  static const std::array<const char*, 16> tokens{"tok_promised", "tok_promised", "tok_refund_waits", "tok_refund_fails",
                                                  "tok_ok",       "tok_ok",   "tok_ok",  "tok_ok",   "tok_ok", "tok_declined",
                                                  "tok_requires_action", "tok_requires_action", "tok_slow", "tok_drop",
                                                  "manual",       "tok_rejected"};
  p->command = order_of(some_shopper(), from, std::move(lines), tokens[random.below(tokens.size())]);
  p->command.email = p->marker;
  p->command.from_cart = random.chance(0.3);
  if (random.chance(plan_.with_key)) {
    actors::key_claim claim;
    claim.key = fmt::format("key-{}", number);
    claim.body_hash[0] = static_cast<std::uint8_t>(number & 255);
    claim.body_hash[1] = static_cast<std::uint8_t>(number >> 8);
    p->command.key = claim;
  } else {
    p->order = world_.fresh_id_beside(from.id);
    p->as_new = random.chance(0.5);
  }
  attempt(p);
  if (p->command.key && random.chance(plan_.twins))
    attempt(p);
}

void market::attempt(purchase_ptr p) {
  ++acts_;
  auto& w = world_;
  const auto& c = p->command;
  const bool as_new = p->tries++ == 0 && p->as_new;
  auto then = [this, p, as_new](answer<order_view> a) {
    // A stopped node may still have it, and the edge that drew the id would not have asked anybody else meanwhile.
    if (as_new && a.what == answer<order_view>::kind::lost)
      p->tries = tries_max;
    answered(p, a);
  };
  w.log.add(fmt::format("purchase {} try {}: {} line(s), {}{}", p->number, p->tries, c.lines.size(),
                        c.payment.token.empty() ? c.payment.type : c.payment.token, c.key ? ", " + c.key->key : ""));
  auto patience = as_new ? microseconds{2min} : 5s + up_to(25s);
  if (c.key)
    w.ask<order_view>(actors::checkout_at(c.store_id, c.by.user, c.key->key), delivery::activate, actors::check_out{c}, then,
                      patience);
  else
    w.ask<order_view>(actors::order_at(p->order), as_new ? delivery::create : delivery::activate, c, then, patience);
}

void market::answered(purchase_ptr p, const answer<order_view>& a) {
  storage::checker::operation op;
  op.store_id = p->command.store_id;
  op.caller = p->command.by.user;
  op.idempotency_key = p->command.key ? p->command.key->key : "";
  op.marker = p->marker;
  if (a.ok()) {
    op.order_id = a.value.order.id;
    op.acknowledged = true;
    operations_.push_back(op);
    heard(fmt::format("purchase {}", p->number), a.value);
    if (!std::exchange(p->acknowledged, true)) {
      p->order = a.value.order.id;
      go_on(p, a.value);
    }
    return;
  }
  op.refused = shop_said_no(a.why) && a.why != actors::errc::idempotency_in_flight;
  operations_.push_back(op);
  // A refusal is remembered by the checkout in memory, for as long as a copy of the request may be on its way. When the shard moves
  // within that time (a node that had stopped passes an old copy on to the next owner) the copy is served like a new request.
  if (op.refused)
    world_.time.in(30s, [this, at = operations_.size() - 1, shard = op.store_id.shard(),
                         epoch = world_.db.dump().shards[op.store_id.shard()].epoch] {
      if (world_.db.dump().shards[shard].epoch != epoch)
        operations_[at].refused = false;
    });
  if (a.what == answer<order_view>::kind::lost)
    return again(p, "no answer");
  if (op.refused) {
    world_.log.add(fmt::format("purchase {}: no, {}", p->number, name_of(a.why)));
    return;
  }
  again(p, name_of(a.why));
}

void market::again(purchase_ptr p, const std::string& why) {
  world_.log.add(fmt::format("purchase {}: {}", p->number, why));
  if (p->tries < tries_max && !p->acknowledged)
    world_.time.in(200ms + up_to(8s), [this, p] { attempt(p); });
}

void market::heard(const std::string& who, const order_view& v) {
  world_.log.add(fmt::format("{}: order …{} number {} is {}{}", who, tail(v.order.id), v.order.number, name_of(v.order.status),
                             v.replayed ? " (replayed)" : ""));
  auto& t = told_[v.order.id];
  t.status = std::max(t.status, v.order.status);
}

// -- after the purchase ---------------------------------------------------------------------------------------------------

void market::go_on(purchase_ptr p, const order_view& v) {
  auto& random = world_.random;
  auto& time = world_.time;
  if (random.chance(0.3))
    time.in(up_to(600s), [this, p] { look(p); });
  if (p->command.payment.type == "manual") {
    if (random.chance(0.6))
      time.in(up_to(1000s), [this, p] { confirm(p, true); });
  } else if (!v.next_action_url.empty() || p->command.payment.token == "tok_requires_action") {
    auto choice = random.below(4); // approves and says so, approves and leaves, declines, walks away
    if (choice < 3)
      time.in(up_to(1000s), [this, p, choice] {
        for (const auto& attempt : world_.gateway->waiting())
          if (world_.gateway->accounts().at(attempt).order == p->order)
            world_.gateway->act(attempt, choice != 2);
        if (choice != 1)
          confirm(p, false);
      });
  }
  if (v.order.status == order_status::cancelled)
    return;
  if (p->command.payment.token == "tok_promised" && random.chance(0.7))
    time.in(up_to(900s), [this, p] { capture(p); });
  if (random.chance(0.25))
    time.in(up_to(1500s), [this, p] { refund(p); });
  if (random.chance(0.15))
    time.in(up_to(v.order.status == order_status::paid ? 900s : 20s), [this, p] { cancel(p, false); });
  else if (random.chance(0.05))
    time.in(up_to(900s), [this, p] { cancel(p, true); });
  else if (random.chance(0.25))
    time.in(up_to(1200s), [this, p] { ship(p); });
}

// A command that may or may not have been done: cancel, confirm and ship can be sent again.
void market::repeat(const std::string& what, std::function<void(int)> send, int tries) {
  if (tries >= tries_max)
    return;
  world_.log.add(what + ": again");
  world_.time.in(500ms + up_to(5s), [send = std::move(send), tries] { send(tries + 1); });
}

void market::cancel(purchase_ptr p, bool by_merchant, int tries) {
  ++acts_;
  auto by = by_merchant ? shops_[p->shop].owner : p->command.by;
  world_.log.add(fmt::format("purchase {}: {} cancels", p->number, by_merchant ? "merchant" : "shopper"));
  world_.ask<order_view>(actors::order_at(p->order), delivery::activate, actors::cancel_order{by, ""},
                         [this, p, by_merchant, tries](answer<order_view> a) {
                           if (a.ok()) {
                             heard(fmt::format("cancel of {}", p->number), a.value);
                             told_[p->order].cancelled = true;
                           } else if (!shop_said_no(a.why)) {
                             repeat("cancel", [=, this](int n) { cancel(p, by_merchant, n); }, tries);
                           }
                         });
}

void market::confirm(purchase_ptr p, bool by_merchant, int tries) {
  ++acts_;
  auto by = by_merchant ? shops_[p->shop].owner : p->command.by;
  world_.log.add(fmt::format("purchase {}: {} confirms the payment", p->number, by_merchant ? "merchant" : "shopper"));
  world_.ask<order_view>(actors::order_at(p->order), delivery::activate, actors::confirm_payment{by},
                         [this, p, by_merchant, tries](answer<order_view> a) {
                           if (a.ok())
                             heard(fmt::format("confirmation of {}", p->number), a.value);
                           else if (!shop_said_no(a.why))
                             repeat("confirm", [=, this](int n) { confirm(p, by_merchant, n); }, tries);
                         });
}

void market::ship(purchase_ptr p, int tries) {
  ++acts_;
  const auto& by = shops_[p->shop].owner;
  world_.ask<order_view>(
    actors::order_at(p->order), delivery::activate, actors::mark_shipped{by, "DHL", "1Z", ""},
    [this, p, by, tries](answer<order_view> a) {
      if (a.ok()) {
        heard(fmt::format("shipment of {}", p->number), a.value);
        world_.ask<order_view>(actors::order_at(p->order), delivery::activate, actors::mark_delivered{by},
                               [this, p](answer<order_view> d) {
                                 if (d.ok()) {
                                   heard(fmt::format("delivery of {}", p->number), d.value);
                                   if (world_.random.chance(0.4))
                                     world_.time.in(up_to(600s), [this, p] { send_back(p); });
                                 }
                               });
      } else if (!shop_said_no(a.why)) {
        repeat("ship", [=, this](int n) { ship(p, n); }, tries);
      }
    });
}

void market::capture(purchase_ptr p, int tries) {
  ++acts_;
  actors::capture_payment c;
  c.by = shops_[p->shop].owner;
  if (p->number % 3 == 0)
    c.amount = 1 + p->number; // a part; the rest is let go
  world_.log.add(fmt::format("purchase {}: captured", p->number));
  world_.ask<order_view>(actors::order_at(p->order), delivery::activate, c, [this, p, tries](answer<order_view> a) {
    if (a.ok())
      heard(fmt::format("capture of {}", p->number), a.value);
    else if (!shop_said_no(a.why))
      repeat("capture", [=, this](int n) { capture(p, n); }, tries);
  });
}

void market::refund(purchase_ptr p) {
  auto& random = world_.random;
  actors::refund_order c;
  c.by = shops_[p->shop].owner;
  c.refund_id = world_.fresh_id_beside(shops_[p->shop].id);
  c.reason = "requested_by_customer";
  if (random.chance(0.5))
    c.amount = 1 + static_cast<std::int64_t>(random.below(3'000));
  else
    c.lines.push_back({1, 1 + static_cast<std::int64_t>(random.below(2)), 0, random.chance(0.5)});
  refund(p, c, 0);
}

void market::refund(purchase_ptr p, const actors::refund_order& command, int tries) {
  ++acts_;
  told_[p->order].money_back = true;
  world_.log.add(fmt::format("purchase {}: money back, {} line(s)", p->number, command.lines.size()));
  world_.ask<order_view>(actors::order_at(p->order), delivery::activate, command, [this, p, command, tries](answer<order_view> a) {
    if (a.ok())
      heard(fmt::format("refund of {}", p->number), a.value);
    else if (!shop_said_no(a.why))
      repeat("refund", [=, this](int n) { refund(p, command, n); }, tries);
  });
}

void market::send_back(purchase_ptr p) {
  ++acts_;
  actors::request_return c;
  c.by = shops_[p->shop].owner; // for the shopper, so it is approved at once
  c.return_id = world_.fresh_id_beside(shops_[p->shop].id);
  c.lines.push_back({1, 1, "too_large", 0, 0});
  world_.ask<order_view>(actors::order_at(p->order), delivery::activate, c, [this, p, id = c.return_id](answer<order_view> a) {
    if (a.ok())
      world_.time.in(up_to(600s), [this, p, id] { receive(p, id, 0); });
  });
}

void market::receive(purchase_ptr p, const storage::ulid& return_id, int tries) {
  ++acts_;
  actors::receive_return c;
  c.by = shops_[p->shop].owner;
  c.return_id = return_id;
  if (p->number % 2 == 0)
    c.lines.push_back({1, 0, "", 1, 0}); // broken: written off
  told_[p->order].money_back = true;
  world_.ask<order_view>(actors::order_at(p->order), delivery::activate, c, [this, p, return_id, tries](answer<order_view> a) {
    if (a.ok())
      heard(fmt::format("return of {}", p->number), a.value);
    else if (!shop_said_no(a.why))
      repeat("receive", [=, this](int n) { receive(p, return_id, n); }, tries);
  });
}

// -- the provider's events ------------------------------------------------------------------------------------------------

void market::provider_tells(const storage::ulid& attempt, const storage::ulid& order) {
  auto rows = world_.db.dump();
  auto at = rows.payments.find(attempt);
  if (at == rows.payments.end())
    return;
  actors::provider_told news;
  news.store_id = at->second.store_id;
  news.provider = "sandbox";
  news.event = {fmt::format("evt-{}", ++provider_events_), "payment.changed", order, attempt};
  const auto copies = 1 + world_.random.below(3);
  for (std::uint64_t i = 0; i < copies; ++i)
    world_.time.in(up_to(world_.random.chance(0.2) ? 1'800s : 60s), [this, news] { tell(news, 0); });
}

void market::tell(const actors::provider_told& news, int tries) {
  ++acts_;
  world_.ask<bool>(actors::order_at(news.event.order_id), delivery::activate, news, [this, news, tries](answer<bool> a) {
    if (a.ok())
      world_.log.add(fmt::format("{}: {}", news.event.id, a.value ? "heard" : "known"));
    else if (!shop_said_no(a.why) && tries < tries_max)
      world_.time.in(1s + up_to(30s), [this, news, tries] { tell(news, tries + 1); });
  }, 2min); // one that comes while the provider is slow waits for two of its answers
}

void market::look(purchase_ptr p) {
  ++acts_;
  world_.ask<order_view>(actors::order_at(p->order), delivery::activate, actors::get_order{p->command.by},
                         [this, p](answer<order_view> a) {
                           if (a.ok())
                             heard(fmt::format("look at {}", p->number), a.value);
                           else
                             world_.log.add(fmt::format("look at {}: {}", p->number, name_of(a.why)));
                         });
}

// -- merchants ------------------------------------------------------------------------------------------------------------

void market::act_as_merchant(int number) {
  ++acts_;
  auto& random = world_.random;
  const auto& s = shops_[random.below(shops_.size())];
  const auto& v = s.variants[random.below(s.variants.size())];
  auto at = actors::inventory_at(v.id);
  auto what = random.below(10);
  if (what == 0) {
    actors::set_stock_policy c{s.owner, s.id, {}, {}};
    if (random.chance(0.5))
      c.backorder = random.chance(0.5);
    else
      c.low_stock_threshold = static_cast<std::int64_t>(random.below(6)) - 1;
    return world_.ask<actors::stock_view>(at, delivery::activate, c, [this, number](answer<actors::stock_view> a) {
      world_.log.add(fmt::format("merchant {}: policy {}", number, a.ok() ? "changed" : name_of(a.why)));
    });
  }
  auto index = stock_acts_.size();
  stock_acts_.push_back({fmt::format("act-{}", number), what < 3, false, false});
  auto then = [this, index, number](answer<actors::stock_view> a) {
    auto& act = stock_acts_[index];
    act.acknowledged = a.ok();
    act.refused = a.what == answer<actors::stock_view>::kind::no && shop_said_no(a.why);
    world_.log.add(fmt::format("merchant {}: {}", number, a.ok() ? fmt::format("on hand {}", a.value.on_hand) : name_of(a.why)));
  };
  if (what < 3) {
    actors::set_stock c{s.owner, s.id, static_cast<std::int64_t>(random.below(30)), "set", stock_acts_[index].note};
    world_.log.add(fmt::format("merchant {} sets {} to {}", number, tail(v.id), c.on_hand));
    world_.ask<actors::stock_view>(at, delivery::activate, c, then);
  } else {
    auto delta = static_cast<std::int64_t>(random.below(16)) - 5;
    actors::adjust_stock c{s.owner, s.id, delta == 0 ? 1 : delta, "adjusted", stock_acts_[index].note};
    world_.log.add(fmt::format("merchant {} adjusts {} by {}", number, tail(v.id), c.delta));
    world_.ask<actors::stock_view>(at, delivery::activate, c, then);
  }
}

// -- the catalog ----------------------------------------------------------------------------------------------------------

void market::act_on_catalog(int number) {
  ++acts_;
  auto& random = world_.random;
  const auto& s = shops_[random.below(shops_.size())];
  const auto& v = s.variants[random.below(s.variants.size())];
  auto what = random.below(6);
  if (what == 5)
    return import_products(number, s);
  actors::change_product c;
  c.by = s.owner;
  c.store_id = s.id;
  c.product_id = v.product;
  if (what == 0) {
    c.status = storage::product_status::archived;
    // Brought back later, or the shop would soon be empty.
    auto back = c;
    back.status = storage::product_status::active;
    world_.time.in(up_to(120s), [this, back] {
      world_.ask<actors::product_written>(actors::product_at(back.product_id), delivery::activate, back, [](auto) {});
    });
  } else {
    actors::variant_draft d;
    d.row.id = v.id;
    d.row.sku = v.sku;
    d.row.price = 1'000 + static_cast<std::int64_t>(random.below(1'000));
    priced_.insert({v.id, d.row.price});
    if (what == 1)
      d.stock = static_cast<std::int64_t>(random.below(40));
    c.variants = std::vector{d};
  }
  world_.ask<actors::product_written>(actors::product_at(v.product), delivery::activate, c,
                                      [this, number](answer<actors::product_written> a) {
                                        world_.log.add(fmt::format("catalog {}: {}", number,
                                                                   a.ok() ? fmt::format("product version {}", a.value.product.version)
                                                                          : name_of(a.why)));
                                      });
}

void market::import_products(int number, const shop& into) {
  auto& random = world_.random;
  actors::start_import c;
  c.by = into.owner;
  c.store_id = into.id;
  auto add = [&](const std::string& handle, const std::string& sku) {
    actors::import_product p;
    p.line = static_cast<std::int64_t>(c.products.size()) * 2 + 2;
    p.product.handle = handle;
    p.product.title = "Imported " + handle;
    actors::variant_draft d;
    d.row.sku = sku;
    d.row.price = 500 + static_cast<std::int64_t>(random.below(500));
    if (random.chance(0.5))
      d.stock = static_cast<std::int64_t>(random.below(50));
    for (const auto& v : into.variants)
      if (v.sku == sku)
        priced_.insert({v.id, d.row.price});
    p.variants.push_back(d);
    c.products.push_back(std::move(p));
  };
  for (const auto& v : into.variants)
    if (random.chance(0.5))
      add(v.handle, v.sku);
  add(fmt::format("import-{}", random.below(3)), fmt::format("IMP-{}", random.below(3))); // the SKU may be another product's
  world_.ask<storage::import_row>(actors::import_at(world_.fresh_id_beside(into.id)), delivery::create, std::move(c),
                                  [this, number](answer<storage::import_row> a) {
                                    world_.log.add(fmt::format("import {}: {}", number, a.ok() ? "accepted" : name_of(a.why)));
                                  });
}

// -- carts ----------------------------------------------------------------------------------------------------------------

void market::act_on_cart(int number) {
  ++acts_;
  auto& random = world_.random;
  const auto& s = shops_[random.below(shops_.size())];
  const auto& v = s.variants[random.below(s.variants.size())];
  auto by = some_shopper();
  auto at = actors::cart_at(s.id, by.user);
  auto then = [this, number](answer<actors::cart_view> a) {
    world_.log.add(fmt::format("cart {}: {}", number, a.ok() ? fmt::format("{} items", a.value.item_count) : name_of(a.why)));
  };
  switch (random.below(5)) {
    case 0: return world_.ask<actors::cart_view>(at, delivery::activate, actors::get_cart{by}, then);
    case 1: {
      const auto quantity = static_cast<std::int64_t>(random.below(3));
      put_[{s.id, by.user, v.id}] += quantity;
      return world_.ask<actors::cart_view>(at, delivery::activate, actors::set_cart_line{by, v.id, quantity}, then);
    }
    case 2:
      if (random.chance(0.2))
        return world_.ask<actors::cart_view>(at, delivery::activate, actors::clear_cart{by}, then);
      [[fallthrough]];
    default:
      ++put_[{s.id, by.user, v.id}];
      return world_.ask<actors::cart_view>(at, delivery::activate, actors::add_to_cart{by, v.product, v.id, 1}, then);
  }
}

} // namespace souk::simulation
